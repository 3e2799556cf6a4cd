// `discover`: the names that a client asked for lately, to pick some into a list.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/map.h"
#include "base/text.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resolvers.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/verb/verbs.h"

// A name that was asked for.
struct found {
	const char *name; // the map's
	size_t times;
	char *last; // when, as the controller writes it
	char *outcome;
};

static void found_free(void *at)
{
	struct found *found = at;
	if (!found)
		return;
	free(found->last);
	free(found->outcome);
	free(found);
}

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? text : "";
}

static int note(struct map *all, const json_t *row, struct err *err)
{
	const char *name = text_of(row, "name");
	struct found *found = map_get(all, name);
	if (!found) {
		found = calloc(1, sizeof(*found));
		if (!found || map_set(all, name, found) < 0) {
			free(found);
			return err_set(err, -ENOMEM, "out of memory");
		}
	}
	char *last = strdup(text_of(row, "at")), *outcome = strdup(text_of(row, "outcome"));
	free(found->last);
	free(found->outcome);
	found->last = last;
	found->outcome = outcome;
	found->times++;
	return last && outcome ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int gather(struct client *c, const char *node, const char *client, struct map *all,
		  struct err *err)
{
	CLEAN(text_free) struct text query = { 0 };
	json_auto_t *answer = NULL;
	const json_t *row;
	size_t i;
	int r = resolvers_query(&query, "client", client, err);
	if (!r)
		r = resolvers_query(&query, "limit", "1000", err);
	if (!r)
		r = resolvers_ask(c, node, "log", query.data, &answer, err);
	json_array_foreach(json_object_get(answer, "rows"), i, row)
	{
		if (!r && *text_of(row, "name"))
			r = note(all, row, err);
	}
	return r;
}

static int gather_all(struct call *call, struct client *c, struct map *all, struct err *err)
{
	json_auto_t *places = NULL;
	const json_t *place;
	size_t i;
	int r = resolvers_list(c, call_option(call, "node"), &places, err);
	json_array_foreach(places, i, place)
	{
		if (!r)
			r = gather(c, text_of(place, "node"), call_option(call, "from"), all, err);
	}
	return r;
}

static int compare(const void *x, const void *y)
{
	const struct found *a = *(struct found *const *)x, *b = *(struct found *const *)y;
	if (a->times != b->times)
		return a->times > b->times ? -1 : 1;
	return strcmp(a->name, b->name);
}

// The most asked first. Caller frees the array.
static struct found **ordered(const struct map *all)
{
	struct found **items = calloc(map_size(all) + 1, sizeof(struct found *));
	size_t n = 0;
	void *value;
	const char *name;
	for (size_t at = 0; items && map_next(all, &at, &name, &value); n++) {
		items[n] = value;
		items[n]->name = name;
	}
	if (items)
		qsort(items, n, sizeof(struct found *), compare);
	return items;
}

static int show(const struct call *call, struct found *const *items, struct err *err)
{
	CLEAN(table_done) struct table table = { 0 };
	json_auto_t *list = json_array();
	char when[32];
	int r = 0;
	table_cell(&table, "NAME");
	table_cell(&table, "TIMES");
	table_cell(&table, "LAST");
	table_cell(&table, "OUTCOME");
	table_end_row(&table);
	for (size_t i = 0; items && items[i]; i++) {
		char times[24];
		(void)snprintf(times, sizeof(times), "%zu", items[i]->times);
		table_cell(&table, items[i]->name);
		table_cell(&table, times);
		table_cell(&table, show_time(items[i]->last, when, sizeof(when)));
		table_cell(&table, items[i]->outcome);
		table_end_row(&table);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:I, s:s, s:s}", "name", items[i]->name, "times",
					(json_int_t)items[i]->times, "last", items[i]->last,
					"outcome", items[i]->outcome));
	}
	if (show_as_asked(call, list, err, &r))
		return r;
	return show_table(call, &table, err);
}

// ---- picking ----

static bool has_name(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;
	json_array_foreach(names, i,
			   one) if (strcmp(json_string_value(one), name) == 0) return true;
	return false;
}

static int pick(struct call *call, struct client *c, const char *list, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply now = { 0 }, done = { 0 };
	const struct kind *kind = &kinds[KIND_DOMAIN_LISTS];
	int r = resource_get(c, kind, list, false, &now, err);
	const bool is_new = r == -ENOENT;
	if (is_new) {
		client_problem_clear(c);
		r = 0;
	}
	const json_t *spec = json_object_get(now.json, "spec");
	if (!r && spec && !json_object_get(spec, "names"))
		return err_set(err, -EINVAL,
			       "domain-lists/%s is not written down: its names come from %s", list,
			       json_object_get(spec, "url") ? "a URL" : "a file");
	if (r)
		return r;
	json_auto_t *names = spec ? json_deep_copy(json_object_get(spec, "names")) : json_array();
	for (size_t i = 0; i < call->n_args; i++)
		if (!has_name(names, call_arg(call, i)))
			(void)json_array_append_new(names, json_string(call_arg(call, i)));
	json_auto_t *body = spec ? json_copy((json_t *)(uintptr_t)spec) : json_object();
	(void)json_object_set(body, "names", names);
	const struct client_request request = { .method = "PUT",
						.body = body,
						.if_match = is_new ? NULL : now.etag };
	r = resource_call(c, kind, list, NULL, request, &done, err);
	if (!r)
		fprintf(call->out, "domain-lists/%s has %zu name%s.\n", list,
			json_array_size(names), json_array_size(names) == 1 ? "" : "s");
	return r;
}

static int discover(struct call *call, struct err *err)
{
	const char *list = call_option(call, "into");
	struct client *c;
	if ((list != NULL) != (call->n_args > 0))
		return err_set(err, -EINVAL,
			       "--into LIST and the names that are to go there belong together");
	int r = call_client(call, &c, err);
	if (r)
		return r;
	if (list)
		return pick(call, c, list, err);
	CLEAN(map_free_ptr) struct map *all = map_new(found_free);
	if (!all)
		return err_set(err, -ENOMEM, "out of memory");
	r = gather_all(call, c, all, err);
	CLEAN(free_ptr) struct found **items = r ? NULL : ordered(all);
	if (!r && !items)
		r = err_set(err, -ENOMEM, "out of memory");
	return r ? r : show(call, items, err);
}

static const struct verb_arg args[] = {
	{ .name = "NAME",
	  .word = WORD_ANY,
	  .help = "With --into: what is added, as a rule of a list",
	  .is_optional = true,
	  .is_many = true },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "from", .value = "CLIENT", .help = "The client's address, all if not given" },
	{ .name = "node",
	  .value = "NODE",
	  .word = WORD_NODE,
	  .help = "Only what this node's resolver was asked" },
	{ .name = "into", .value = "LIST", .help = "The domain list that the names go to" },
	{ 0 },
};

const struct verb verb_discover = {
	.name = "discover",
	.summary = "Show the names that a client asked for lately, and pick some into a list",
	.text = "Use the service, look at what was asked, and put what belongs to it into a list: "
		"a "
		"name stands for itself and everything below it. The resolver's `log` must be "
		"`all`.\n\n weft discover --from 10.1.0.7\n weft discover --into tv netflix.com "
		"nflxvideo.net",
	.args = args,
	.options = options,
	.run = discover,
};
