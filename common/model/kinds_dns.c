// What schemas cannot say about resolvers and what they know.
#include <string.h>

#include "base/clean.h"
#include "base/map.h"
#include "base/text.h"
#include "model/kinds.h"
#include "model/kinds_parts.h"
#include "model/record.h"

// An entry for a node holds at most 16 kB, and lists repeat names in what they need.
enum { SPEC_BYTES_MAX = 8000 };

static void check_size(const struct check *c, const json_t *spec)
{
	size_t bytes = json_dumpb(spec, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	if (bytes > SPEC_BYTES_MAX)
		check_add(c, "", "it has %zu bytes of text and may have %d", bytes, SPEC_BYTES_MAX);
}

void check_domain_list(const struct check *c, const json_t *spec)
{
	static const char *const from[] = { "names", "url", "file" };
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		n += json_object_get(spec, from[i]) != NULL;
	if (n != 1)
		check_add(c, "", "its names come from one of names, url and file, not from %zu", n);
}

void check_blocklist(const struct check *c, const json_t *spec)
{
	check_size(c, spec);
}

void check_dns_forward(const struct check *c, const json_t *spec)
{
	check_size(c, spec);
	if (!json_object_get(spec, "from") && !json_object_get(spec, "names") &&
	    !json_object_get(spec, "pattern"))
		check_add(c, "",
			  "it needs from, names or a pattern: what everybody asks is put to "
			  "the resolver's upstreams");
}

// One node, written in two ways.
static void check_twice(const struct check *c, const char *field, enum kind_id to,
			const json_t *list)
{
	CLEAN(map_free_ptr) struct map *seen = map_new(NULL);
	const json_t *item;
	size_t i;
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);
		const char *name = text ? kind_reference_name(to, text, NULL) : NULL;
		CLEAN(free_ptr) char *path = text_format("%s[%zu]", field, i);
		if (!seen || !name || !path)
			continue;
		if (map_get(seen, name))
			check_add(c, path, "%s stands there twice", name);
		else
			(void)map_set(seen, name, (void *)text);
	}
}

void check_resolver(const struct check *c, const json_t *spec)
{
	check_size(c, spec);
	if (!json_object_get(spec, "site") && !json_object_get(spec, "nodes"))
		check_add(c, "", "it needs a site or nodes to run on");
	check_twice(c, "nodes", KIND_NODES, json_object_get(spec, "nodes"));
	check_twice(c, "blocklists", KIND_BLOCKLISTS, json_object_get(spec, "blocklists"));
	if (json_object_get(spec, "interfaces") &&
	    !json_is_true(json_object_get(spec, "intercept")))
		check_add(c, "interfaces", "nothing is taken from them, as intercept is false");
}

static void check_beside(const struct check *c, struct map *seen, const struct record *record,
			 const char *path)
{
	char owner[RECORD_OWNER_SIZE];
	record_owner_text(record, owner);
	uintptr_t has = (uintptr_t)map_get(seen, owner);
	if (!record_may_stand(record, (unsigned)has))
		check_add(c, path, "%.260s has a cname, and nothing else may stand beside it",
			  owner);
	(void)map_set(seen, owner, (void *)(has | record_has(record)));
}

// Names of nodes and sites come and go.
static bool is_alias_of_own(const struct record *record, const struct name *own)
{
	const struct name *owner = &record->owner;
	return record_has(record) == RECORD_HAS_CNAME && !record->is_below &&
	       owner->n_labels == own->n_labels + 1 && name_is_within(owner, own);
}

void check_dns_zone(const struct check *c, const json_t *spec)
{
	const char *zone = json_string_value(json_object_get(spec, "zone")), *field;
	const json_t *records = json_object_get(spec, "records"), *item;
	CLEAN(map_free_ptr) struct map *seen = map_new(NULL);
	struct name apex, own;
	size_t i;
	if (!seen || name_parse(zone, strlen(zone), &apex, NULL) < 0 ||
	    name_parse(RECORD_ZONE_OWN, strlen(RECORD_ZONE_OWN), &own, NULL) < 0)
		return;
	if (apex.len == own.len && memcmp(apex.wire, own.wire, apex.len) == 0)
		check_add(c, "zone", "%s is made of the nodes and sites", RECORD_ZONE_OWN);
	json_array_foreach((json_t *)records, i, item)
	{
		struct record record;
		struct err why = { 0 };
		CLEAN(free_ptr) char *path = NULL;
		int r = record_parse(item, zone, &record, &field, &why);
		path = text_format("records[%zu]%s%s", i, field[0] ? "." : "", field);
		if (!path)
			return;
		if (r < 0) {
			check_add(c, path, "%s", why.text);
			continue;
		}
		if (strcmp(record.type, "CNAME") == 0 && !record.is_below &&
		    record.owner.len == apex.len)
			check_add(c, path, "a zone itself cannot have a cname");
		if (is_alias_of_own(&record, &own))
			check_add(c, path, "%s is for nodes and sites: a name in it has no cname",
				  RECORD_ZONE_OWN);
		check_beside(c, seen, &record, path);
	}
}
