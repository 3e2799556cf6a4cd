// Entries by which a node measures its links, and the keys that the packets are authenticated by.
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "plan/generate.h"

// HKDF-Expand (RFC 5869, 2.3) of one block: the secret is as good as random. The counter of the one
// block stands behind the information.
bool generate_secret(const struct generation *g, const char *info, char ret_text[SECRET_TEXT_SIZE])
{
	unsigned char key[32];
	unsigned key_len = 0;
	char block[128];

	const int len = snprintf(block, sizeof block, "%s\x01", info);
	if (!HMAC(EVP_sha256(), g->fleet->settings.probe_secret,
		  sizeof g->fleet->settings.probe_secret, (const unsigned char *)block, (size_t)len,
		  key, &key_len))
		return false;
	for (size_t i = 0; i < sizeof key; i++)
		(void)snprintf(ret_text + 2 * i, 3, "%02x", key[i]);
	OPENSSL_cleanse(key, sizeof key);
	return true;
}

// A pair is named by ids, so that a rename changes no key.
bool generate_key(struct generation *g, const char *kind, const struct fleet_object *scope,
		  const struct fleet_object *peer)
{
	const int64_t a = g->node->id, b = peer->id;
	char info[96], key[SECRET_TEXT_SIZE];

	(void)snprintf(info, sizeof info, "%s/%lld/%lld/%lld", kind, (long long)scope->id,
		       (long long)(a < b ? a : b), (long long)(a < b ? b : a));
	if (!generate_secret(g, info, key)) {
		g->out->failed = true;
		return false;
	}
	generate_add(g, json_pack("{s:s, s:[]}", "key", key, "needs"), "%s-key/%s/%s", kind,
		     scope->name, peer->name);
	OPENSSL_cleanse(key, sizeof key);
	return true;
}

const struct fleet_probe *link_probe(const struct fleet *fleet, const struct fleet_object *network,
				     const char *a, const char *b)
{
	const struct fleet_link *link = fleet_override(fleet, network->name, a, b);

	return link && link->probe.is_written ? &link->probe : &network->as.network.probe;
}

// NULL: none.
const struct fleet_sla *sla_find(const struct fleet *fleet, const char *name)
{
	const struct fleet_object *sla = name ? fleet_find(fleet, FLEET_SLA, name) : NULL;

	return sla ? &sla->as.sla : NULL;
}

const struct fleet_sla *link_sla(const struct fleet *fleet, const struct fleet_object *network,
				 const char *a, const char *b)
{
	const struct fleet_link *link = fleet_override(fleet, network->name, a, b);

	return sla_find(fleet, link && link->sla ? link->sla : network->as.network.sla);
}

static void add_limit(json_t *body, const char *what, const char *unit, const struct limit *limit)
{
	char name[32];

	(void)snprintf(name, sizeof name, "%s_%s", what, limit->most ? unit : "permille");
	if (limit->most || limit->factor_permille)
		(void)json_object_set_new(
			body, name,
			json_integer(limit->most ? limit->most : limit->factor_permille));
}

static json_t *sla_json(const struct fleet_sla *sla)
{
	json_t *body =
		json_pack("{s:i, s:i}", "for_ms", sla->for_ms, "clear_for_ms", sla->clear_for_ms);

	add_limit(body, "latency", "us", &sla->latency);
	add_limit(body, "jitter", "us", &sla->jitter);
	add_limit(body, "loss", "ppm", &sla->loss);
	return body;
}

void json_add_probe(json_t *body, const struct fleet_probe *probe, const struct fleet_sla *sla)
{
	(void)json_object_set_new(body, "interval_ms", json_integer(probe->interval_ms));
	(void)json_object_set_new(body, "down", json_integer(probe->down));
	(void)json_object_set_new(body, "up", json_integer(probe->up));
	(void)json_object_set_new(body, "hold_down_ms", json_integer(probe->hold_down_ms));
	if (sla)
		(void)json_object_set_new(body, "sla", sla_json(sla));
}

// Both ends in the first family that both have an address of.
static bool link_addresses(const struct generation *g, const struct network_cell *cell,
			   struct address *ret_own, struct address *ret_peer)
{
	for (int family = 4; family <= 6; family += 2) {
		if (fleet_address(g->fleet, cell->network, g->node, family, ret_own) &&
		    fleet_address(g->fleet, cell->network, cell->peer, family, ret_peer))
			return true;
	}
	return false;
}

void generate_probe(struct generation *g, const struct network_cell *cell)
{
	const char *network = cell->network->name, *peer = cell->peer->name;
	char device[DEVICE_NAME_SIZE], text[ADDRESS_TEXT_SIZE];
	char peer_key[192], key_key[192], address_key[192];
	struct address own, theirs;

	if (!link_addresses(g, cell, &own, &theirs) ||
	    !generate_key(g, "probe", cell->network, cell->peer))
		return;
	name_wireguard(device, cell->network->id);
	(void)snprintf(peer_key, sizeof peer_key, "peer/%s/%s", network, peer);
	(void)snprintf(key_key, sizeof key_key, "probe-key/%s/%s", network, peer);
	(void)snprintf(address_key, sizeof address_key, "address/%s/%s", network,
		       address_format(&own, text));
	json_t *body = json_pack("{s:s, s:o, s:o, s:i, s:o}", "device", device, "local",
				 json_address(&own, -1), "remote", json_address(&theirs, -1),
				 "port", g->fleet->settings.probe_port, "needs",
				 json_needs(peer_key, address_key, key_key, NULL));
	json_add_probe(body, link_probe(g->fleet, cell->network, g->node->name, peer),
		       link_sla(g->fleet, cell->network, g->node->name, peer));
	generate_add(g, body, "probe/%s/%s", network, peer);
}

// Nothing is needed for it: whether its interface is there is what it tells.
void generate_external(struct generation *g, const struct fleet_object *link)
{
	const struct fleet_link *l = &link->as.link;
	json_t *body =
		json_pack("{s:s, s:s, s:[]}", "device", l->interface, "target", l->target, "needs");

	if (l->udp_port)
		(void)json_object_set_new(body, "udp_port", json_integer(l->udp_port));
	json_add_probe(body, &l->probe, sla_find(g->fleet, l->sla));
	generate_add(g, body, "echo/%s", link->name);
}
