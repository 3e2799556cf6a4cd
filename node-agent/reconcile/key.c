// probe-key/<network>/<node>, path-key/<segment>/<node>, ha-key/<group>: what the packets of a
// link, of the ways to a node and of a group's voters are authenticated by. Each is handed on with
// the entry that it is for.
#include <string.h>

#include "wire/limits.h"

#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/kind.h"

struct key {
	uint8_t bytes[BODY_SECRET_SIZE];
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct key *key = body;

	return body_secret(json, "key", key->bytes, err);
}

static void done(void *body)
{
	explicit_bzero(body, sizeof(struct key));
}

const uint8_t *key_of(const struct reconcile *r, const struct entry_kind *kind,
		      const struct entry *e)
{
	char name[WIRE_KEY_MAX + 8];

	(void)snprintf(name, sizeof name, "%s/%s", kind->name, judging_link(e));
	const struct entry *key = reconcile_entry(r, name);
	return key && key->body ? ((const struct key *)key->body)->bytes : NULL;
}

const struct entry_kind kind_probe_key = {
	.name = "probe-key",
	.rank = 90,
	.body_size = sizeof(struct key),
	.parse = parse,
	.done = done,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};

const struct entry_kind kind_path_key = {
	.name = "path-key",
	.rank = 90,
	.body_size = sizeof(struct key),
	.parse = parse,
	.done = done,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};

const struct entry_kind kind_ha_key = {
	.name = "ha-key",
	.rank = 91,
	.body_size = sizeof(struct key),
	.parse = parse,
	.done = done,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};
