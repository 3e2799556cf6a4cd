// ha/<group>: this node votes in an HA group and may be its active member. It is handed on to who
// holds the lease.
#include <errno.h>
#include <string.h>

#include "ha/config.h"
#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/kind.h"

enum { HOLD_DOWN_MAX_MS = 86400000 };

static int parse_id(const json_t *json, const char *name, uint32_t *ret, struct err *err)
{
	return body_u32(json, name, 1, UINT32_MAX, ret, err);
}

static int parse_text(const json_t *json, const char *name, char ret[HA_NAME_SIZE], struct err *err)
{
	const char *text;

	int rc = body_string(json, name, &text, err);
	if (rc == 0)
		(void)snprintf(ret, HA_NAME_SIZE, "%s", text);
	return rc;
}

static int parse_voters(const json_t *list, struct ha_config *c, struct err *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) < 1 ||
	    json_array_size(list) > LEASE_VOTERS_MAX)
		return err_set(err, -EINVAL, "voters: a list of 1 to %d is expected",
			       LEASE_VOTERS_MAX);
	json_array_foreach((json_t *)list, i, item)
	{
		struct ha_voter *v = &c->voters[i];

		int rc = parse_id(item, "id", &v->id, err);
		if (rc == 0)
			rc = parse_text(item, "name", v->name, err);
		if (rc == 0 && body_has(item, "address"))
			rc = body_ip(item, "address", &v->address, err);
		if (rc < 0)
			return err_prefix(err, "voters");
	}
	c->n_voters = json_array_size(list);
	return 0;
}

static int parse_vips(const json_t *list, struct ha_config *c, struct err *err)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) > VIP_MAX)
		return err_set(err, -EINVAL, "vip: more than %d addresses", VIP_MAX);
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);

		if (!text)
			return err_set(err, -EINVAL, "vip: an address is expected");
		int rc = kernel_ip_parse(text, &c->vips[i], err);
		if (rc < 0)
			return err_prefix(err, "vip");
	}
	c->n_vips = json_array_size(list);
	return 0;
}

static int parse_hop(const json_t *json, struct ha_hop *hop, struct err *err)
{
	const json_t *list = json_object_get(json, "addresses"), *item;
	size_t i;

	int rc = parse_id(json, "segment", &hop->segment, err);
	if (rc == 0)
		rc = body_device(json, "device", hop->device, err);
	if (rc == 0 && (json_array_size(list) < 1 || json_array_size(list) > 2))
		return err_set(err, -EINVAL, "addresses: one or two are expected");
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);

		if (rc == 0)
			rc = kernel_ip_parse(text ? text : "", &hop->ips[i], err);
	}
	hop->n = json_array_size(list);
	return rc;
}

static int parse_hops(const json_t *list, struct ha_config *c, struct err *err)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) > HA_HOPS_MAX)
		return err_set(err, -EINVAL, "hops: more than %d segments", HA_HOPS_MAX);
	json_array_foreach((json_t *)list, i, item)
	{
		if (parse_hop(item, &c->hops[i], err) < 0)
			return err_prefix(err, "hops");
	}
	c->n_hops = json_array_size(list);
	return 0;
}

// Any interface of the host, not one that Weft names.
static int parse_interface(const json_t *json, struct ha_config *c, struct err *err)
{
	const char *text;

	int rc = body_string(json, "interface", &text, err);
	if (rc < 0)
		return rc;
	if (strlen(text) == 0 || strlen(text) >= sizeof c->interface || strpbrk(text, "/ \"\\"))
		return err_set(err, -EINVAL, "interface: \"%.40s\" is no name of one", text);
	(void)snprintf(c->interface, sizeof c->interface, "%s", text);
	return 0;
}

static int parse_hold_down(const json_t *json, struct ha_config *c, struct err *err)
{
	const json_int_t ms = json_integer_value(json_object_get(json, "hold_down_ms"));

	if (ms < -1 || ms > HOLD_DOWN_MAX_MS)
		return err_set(err, -EINVAL, "hold_down_ms: %lld is not in -1..%d", (long long)ms,
			       HOLD_DOWN_MAX_MS);
	c->hold_down_ms = (int32_t)ms;
	return 0;
}

static int parse_place(const json_t *json, struct ha_config *c, struct err *err)
{
	uint32_t port = 0, members = 0;

	int rc = body_device(json, "device", c->device, err);
	if (rc == 0)
		rc = body_ip(json, "local", &c->local, err);
	if (rc == 0)
		rc = body_u32(json, "port", 1, 65535, &port, err);
	if (rc == 0)
		rc = body_u32(json, "members", 0, (uint32_t)c->n_voters, &members, err);
	c->port = (uint16_t)port;
	c->n_members = members;
	return rc;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct ha_config *c = body;
	struct lease_config lease;

	int rc = parse_id(json, "id", &c->id, err);
	if (rc == 0)
		rc = parse_id(json, "generation", &c->generation, err);
	if (rc == 0)
		rc = parse_id(json, "self", &c->self, err);
	if (rc == 0)
		rc = parse_voters(json_object_get(json, "voters"), c, err);
	if (rc == 0)
		rc = parse_place(json, c, err);
	if (rc == 0)
		rc = body_u32(json, "lease_ms", 100, LEASE_LONGEST_US / 1000, &c->lease_ms, err);
	if (rc == 0)
		rc = parse_hold_down(json, c, err);
	if (rc == 0)
		rc = body_bool(json, "hold_isolated", &c->holds_isolated, err);
	if (rc == 0 && body_has(json, "vip"))
		rc = parse_vips(json_object_get(json, "vip"), c, err);
	if (rc == 0 && c->n_vips > 0)
		rc = parse_interface(json, c, err);
	if (rc == 0 && body_has(json, "site"))
		rc = parse_text(json, "site", c->site, err);
	if (rc == 0 && body_has(json, "hops"))
		rc = parse_hops(json_object_get(json, "hops"), c, err);
	if (rc == 0 && body_has(json, "drained"))
		rc = body_bool(json, "drained", &c->is_drained, err);
	return rc < 0 ? rc : ha_lease_config(c, &lease, err);
}

const struct entry_kind kind_ha = {
	.name = "ha",
	.rank = 96,
	.body_size = sizeof(struct ha_config),
	.parse = parse,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing, // but by who holds the lease
};

bool ha_wants_address(const struct reconcile *r, const struct kernel_address *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_ha, &at));) {
		const struct ha_config *c = e->body;

		for (size_t i = 0; i < c->n_hops; i++) {
			const struct ha_hop *hop = &c->hops[i];

			for (size_t k = 0; k < hop->n; k++)
				if (strcmp(hop->device, seen->device) == 0 &&
				    kernel_ip_equal(&hop->ips[k], &seen->prefix.ip))
					return true;
		}
	}
	return false;
}

void reconcile_each_ha(const struct reconcile *r, reconcile_ha_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_ha, &at));) {
		const uint8_t *key = key_of(r, &kind_ha_key, e);

		if (!key)
			continue;
		struct ha_config config;
		memcpy(&config, e->body, sizeof config);
		(void)snprintf(config.name, sizeof config.name, "%s", judging_link(e));
		memcpy(config.key, key, sizeof config.key);
		each(context, &config);
		explicit_bzero(&config, sizeof config);
	}
}
