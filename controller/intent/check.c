// What is wrong with the edits: by themselves, and with what they refer to.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "intent/parts.h"

int outcome_set(struct outcome *outcome, enum intent_class status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(outcome->detail, sizeof outcome->detail, fmt, args);
	va_end(args);
	outcome->status = status;
	return -EINVAL;
}

static int outcome_problems(struct outcome *outcome, enum intent_class status)
{
	struct err err = { 0 };

	if (!problem_list_any(&outcome->problems))
		return 0;
	(void)problem_list_err(&outcome->problems, &err);
	return outcome_set(outcome, status, "%s", err.text);
}

void check_spec(struct intent *intent, enum kind_id kind, const char *name, const json_t *spec,
		struct problem_list *problems)
{
	CLEAN(free_ptr) char *prefix = text_format("%s.%s", kinds[kind].name, name);
	struct problem_list found = { 0 };
	struct err err;

	if (!prefix)
		return;
	if (kind_name_check(&kinds[kind], name, &err) < 0) {
		problem_add(problems, prefix, "%s", err.text);
		return;
	}
	schema_check(intent->settings.schema, kinds[kind].schema, spec, prefix, &found);
	// The second looks at values that the first found well formed.
	if (!problem_list_any(&found))
		kind_check_spec(&kinds[kind], name, spec, prefix, &found);
	for (size_t i = 0; i < found.len; i++)
		problem_add(problems, found.items[i].field, "%s", found.items[i].text);
	problems->is_cut = problems->is_cut || found.is_cut;
	problem_list_done(&found);
}

// The planner sees the spec with the schema's defaults in it.
static int parse_one(struct intent *intent, struct resource *r, struct err *err)
{
	enum fleet_kind kind = fleet_kind_parse(kinds[r->kind].name);
	json_auto_t *spec = kind == FLEET_KIND_COUNT ? NULL : json_deep_copy(r->spec);

	if (kind == FLEET_KIND_COUNT || r->object)
		return 0;
	if (!spec)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = schema_fill_defaults(intent->settings.schema, kinds[r->kind].schema, spec, err);
	const struct fleet_source source = { kind, r->pub.id, r->name, spec, r->facts };
	return rc < 0 ? rc : fleet_object_new(&source, &r->object, err);
}

int edits_parse(struct intent *intent, const struct edits *edits, struct outcome *outcome)
{
	for (size_t i = 0; i < edits->count; i++) {
		struct edit *e = &edits->items[i];
		struct err err = { 0 };
		int rc = 0;

		if (!e->after)
			continue;
		if (e->is_none)
			e->after->object = fleet_object_ref(e->before->object);
		else
			rc = parse_one(intent, e->after, &err);
		if (rc == -ENOMEM)
			return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
		if (rc < 0)
			return outcome_set(outcome, INTENT_INVALID, "%s", err.text);
	}
	return 0;
}

// ---- references ----

struct reference_check {
	struct intent *intent;
	const struct resource *from;
	struct outcome *outcome;
};

static const char *nearest_name(const struct intent *intent, enum kind_id kind, const char *name)
{
	size_t count = map_size(intent->by_name[kind]), n = 0;
	CLEAN(free_ptr) const char **names = calloc(count + 1, sizeof *names);

	for (size_t at = 0;
	     names && n < count && map_next(intent->by_name[kind], &at, &names[n], NULL);)
		n++;
	return names ? text_nearest(name, names) : NULL;
}

static int check_reference(const struct kind_reference_at *at, void *data)
{
	const struct reference_check *c = data;
	const struct kind *to = &kinds[at->to];

	if (at->name && resource_find(c->intent, at->to, at->name))
		return 0;
	CLEAN(free_ptr)
	char *field = text_format("%s.%s.%s", c->from->pub.kind, c->from->name, at->path);
	const char *nearest = at->name ? nearest_name(c->intent, at->to, at->name) : NULL;

	if (!at->name)
		problem_add(&c->outcome->problems, field ? field : "", "%s is no %s", at->text,
			    to->singular);
	else if (at->to == KIND_GATEWAY_GROUPS && resource_find(c->intent, KIND_GATEWAYS, at->name))
		problem_add(&c->outcome->problems, field ? field : "",
			    "there is no gateway-group %s, but a gateway of that name: a "
			    "gateway-group has to try it",
			    at->name);
	else if (nearest)
		problem_add(&c->outcome->problems, field ? field : "",
			    "there is no %s %s, did you mean %s?", to->singular, at->name, nearest);
	else
		problem_add(&c->outcome->problems, field ? field : "", "there is no %s %s",
			    to->singular, at->name);
	return 0;
}

struct user_search {
	enum kind_id kind;
	const char *name;
	const struct resource *user;
	struct text *list;
	size_t count;
};

static int search_user(const struct kind_reference_at *at, void *data)
{
	struct user_search *s = data;

	if (at->to != s->kind || !at->name || strcmp(at->name, s->name) != 0)
		return 0;
	if (s->count++ < 5)
		text_addf(s->list, "%s%s/%s", s->list->len ? ", " : "",
			  kinds[s->user->kind].singular, s->user->name);
	return 1;
}

// Everything that still refers to a deleted resource is named.
static void check_unused(const struct intent *intent, const struct resource *gone,
			 struct text *list, size_t *ret_count)
{
	struct user_search s = { gone->kind, gone->name, NULL, list, 0 };
	void *value;

	if (resource_find(intent, gone->kind, gone->name))
		return;
	for (size_t at = 0; map_next(intent->by_id, &at, NULL, &value);) {
		s.user = value;
		(void)kind_walk_references(&kinds[s.user->kind], s.user->spec, search_user, &s);
	}
	*ret_count = s.count;
}

static int check_deleted(const struct intent *intent, const struct edits *edits,
			 struct outcome *outcome)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct resource *gone = edits->items[i].after ? NULL : edits->items[i].before;
		CLEAN(text_free) struct text list = { 0 };
		CLEAN(free_ptr) char *field = NULL;
		size_t count = 0;

		if (!gone)
			continue;
		check_unused(intent, gone, &list, &count);
		if (count == 0)
			continue;
		field = text_format("%s.%s", gone->pub.kind, gone->name);
		if (count > 5)
			text_addf(&list, " and %zu more", count - 5);
		problem_add(&outcome->problems, field ? field : "", "still referenced by %s",
			    list.data ? list.data : "others");
	}
	return outcome_problems(outcome, INTENT_CONFLICT);
}

int check_references(struct intent *intent, const struct edits *edits, struct outcome *outcome)
{
	struct reference_check c = { intent, NULL, outcome };

	if (check_deleted(intent, edits, outcome) < 0)
		return -EINVAL;
	for (size_t i = 0; i < edits->count; i++) {
		c.from = edits->items[i].is_none ? NULL : edits->items[i].after;
		if (c.from)
			(void)kind_walk_references(&kinds[c.from->kind], c.from->spec,
						   check_reference, &c);
	}
	return outcome_problems(outcome, INTENT_INVALID);
}
