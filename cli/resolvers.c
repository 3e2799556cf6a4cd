#include "cli/resolvers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

static const char *node_of(const json_t *place)
{
	return json_string_value(json_object_get(place, "node"));
}

static int compare(const void *a, const void *b)
{
	return strcmp(node_of(*(json_t *const *)a), node_of(*(json_t *const *)b));
}

static json_t *sorted(const json_t *places)
{
	size_t count = json_array_size(places);
	CLEAN(free_ptr) json_t **items = calloc(count + 1, sizeof(json_t *));
	json_t *ret = items ? json_array() : NULL;
	for (size_t i = 0; ret && i < count; i++)
		items[i] = json_array_get(places, i);
	if (ret)
		qsort(items, count, sizeof(json_t *), compare);
	for (size_t i = 0; ret && i < count; i++)
		(void)json_array_append(ret, items[i]);
	return ret;
}

static void add_places(json_t *places, const json_t *resolver, const char *wanted)
{
	const json_t *effective = json_object_get(resolver, "effective");
	const json_t *name = json_object_get(resolver, "name"), *node;
	size_t i;
	json_array_foreach(json_object_get(effective, "nodes"), i, node)
	{
		if (!wanted || strcmp(json_string_value(node), wanted) == 0)
			(void)json_array_append_new(
				places, json_pack("{s:O, s:O}", "node", node, "resolver", name));
	}
}

int resolvers_list(struct client *c, const char *node, json_t **ret_places, struct err *err)
{
	json_auto_t *items = NULL, *places = json_array();
	const json_t *resolver;
	size_t i;
	int r = client_list(c, "/api/v1/resolvers", "effective=true", 0, &items, err);
	if (r)
		return r;
	json_array_foreach(items, i, resolver) add_places(places, resolver, node);
	if (json_array_size(places) == 0)
		return node ? err_set(err, -ENOENT, "nodes/%s has no resolver", node)
			    : err_set(err, -ENOENT,
				      "there is no resolver: `weft edit resolvers NAME` makes one");
	*ret_places = sorted(places);
	return *ret_places ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int resolvers_ask(struct client *c, const char *node, const char *what, const char *query,
		  json_t **ret_answer, struct err *err)
{
	CLEAN(free_ptr) char *name = client_encode(node);
	if (!name)
		return err_set(err, -ENOMEM, "out of memory");
	return client_get(c, ret_answer, err, "/api/v1/nodes/%s/dns/%s%s", name, what, query);
}

int resolvers_query(struct text *query, const char *name, const char *value, struct err *err)
{
	CLEAN(free_ptr) char *encoded = value ? client_encode(value) : NULL;
	if (value && !encoded)
		return err_set(err, -ENOMEM, "out of memory");
	if (value)
		text_addf(query, "%s%s=%s", query->len ? "&" : "?", name, encoded);
	return 0;
}
