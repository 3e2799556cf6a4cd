#include "ha/config.h"

#include <string.h>

int ha_lease_config(const struct ha_config *config, struct lease_config *ret, struct err *err)
{
	struct lease_config c;

	lease_config_init(&c);
	const int64_t lease = (int64_t)config->lease_ms * 1000, usual = c.lease_us;
	c.renew_us = c.renew_us * lease / usual;
	c.trial_us = c.trial_us * lease / usual;
	c.stagger_us = c.stagger_us * lease / usual;
	c.bid_us = c.bid_us * lease / usual;
	c.lease_us = lease;
	c.hold_down_us = config->hold_down_ms < 0 ? -1 : (int64_t)config->hold_down_ms * 1000;
	c.holds_isolated = config->holds_isolated;
	c.group = config->id;
	c.generation = config->generation;
	c.self = config->self;
	c.n_members = config->n_members;
	c.n_voters = config->n_voters;
	for (size_t i = 0; i < config->n_voters; i++)
		c.voters[i] = config->voters[i].id;
	int r = lease_config_check(&c, err);
	if (r == 0)
		*ret = c;
	return r;
}

struct vip_set ha_vip_set(const struct ha_config *config)
{
	struct vip_set set = { .group = config->id, .n = config->n_vips };

	memcpy(set.interface, config->interface, sizeof set.interface);
	memcpy(set.ips, config->vips, sizeof set.ips);
	return set;
}

struct vip_set ha_hop_set(const struct ha_config *config, size_t at)
{
	const struct ha_hop *hop = &config->hops[at];
	struct vip_set set = { .group = config->id, .part = hop->segment, .n = hop->n };

	memcpy(set.interface, hop->device, sizeof set.interface);
	memcpy(set.ips, hop->ips, sizeof hop->ips);
	return set;
}

static bool hops_equal(const struct ha_config *a, const struct ha_config *b)
{
	for (size_t i = 0; i < a->n_hops && i < b->n_hops; i++) {
		const struct vip_set sets[] = { ha_hop_set(a, i), ha_hop_set(b, i) };

		if (!vip_set_equal(&sets[0], &sets[1]))
			return false;
	}
	return a->n_hops == b->n_hops && strcmp(a->site, b->site) == 0;
}

static bool voters_equal(const struct ha_config *a, const struct ha_config *b)
{
	for (size_t i = 0; i < a->n_voters; i++)
		if (a->voters[i].id != b->voters[i].id ||
		    strcmp(a->voters[i].name, b->voters[i].name) != 0 ||
		    !kernel_ip_equal(&a->voters[i].address, &b->voters[i].address))
			return false;
	return true;
}

bool ha_config_equal(const struct ha_config *a, const struct ha_config *b)
{
	const struct vip_set vips[] = { ha_vip_set(a), ha_vip_set(b) };

	return vip_set_equal(&vips[0], &vips[1]) && hops_equal(a, b) &&
	       strcmp(a->name, b->name) == 0 && a->generation == b->generation &&
	       a->self == b->self && a->n_voters == b->n_voters && a->n_members == b->n_members &&
	       voters_equal(a, b) && strcmp(a->device, b->device) == 0 &&
	       kernel_ip_equal(&a->local, &b->local) && a->port == b->port &&
	       a->lease_ms == b->lease_ms && a->hold_down_ms == b->hold_down_ms &&
	       a->holds_isolated == b->holds_isolated && memcmp(a->key, b->key, sizeof a->key) == 0;
}
