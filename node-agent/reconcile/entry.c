#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/kind.h"

#define PROTOCOL_DEFAULT 87

const struct entry_kind *const entry_kinds[] = {
	&kind_sysctl,        &kind_wireguard,   &kind_peer,      &kind_guard,    &kind_wire,
	&kind_bridge,        &kind_port,        &kind_address,   &kind_route,    &kind_uplink,
	&kind_gateway_group, &kind_rule,        &kind_exit,      &kind_policy,   &kind_probe_key,
	&kind_path_key,      &kind_ha_key,      &kind_probe,     &kind_echo,     &kind_ha,
	&kind_gateway,       &kind_path,        &kind_outside,   &kind_splitter, &kind_names,
	&kind_dns_zone,      &kind_dns_forward, &kind_dns_block, &kind_dns,
};
const size_t entry_kinds_len = ARRAY_LEN(entry_kinds);

uint8_t reconcile_protocol(const struct reconcile *r)
{
	return r->config.route_protocol ? r->config.route_protocol : PROTOCOL_DEFAULT;
}

const struct entry_kind *entry_kind_of_key(const char *key)
{
	const size_t len = strcspn(key, "/");

	for (size_t i = 0; i < entry_kinds_len; i++)
		if (strlen(entry_kinds[i]->name) == len &&
		    strncmp(entry_kinds[i]->name, key, len) == 0)
			return entry_kinds[i];
	return NULL;
}

struct entry *reconcile_entry(const struct reconcile *r, const char *key)
{
	return r->by_key ? map_get(r->by_key, key) : NULL;
}

const struct entry *entry_next(const struct reconcile *r, const struct entry_kind *kind, size_t *at)
{
	for (; *at < r->entries_len; (*at)++)
		if (r->entries[*at].kind == kind && r->entries[*at].body)
			return &r->entries[(*at)++];
	return NULL;
}

void finding_missing(struct finding *f)
{
	f->match = ENTRY_MISSING;
}

void finding_differs(struct finding *f, const char *fmt, ...)
{
	va_list args;

	if (f->match != ENTRY_SAME)
		return;
	f->match = ENTRY_DIFFERENT;
	va_start(args, fmt);
	(void)vsnprintf(f->what, sizeof f->what, fmt, args);
	va_end(args);
}

static void entry_done(struct entry *e)
{
	if (e->kind && e->kind->done && e->body)
		e->kind->done(e->body);
	for (size_t i = 0; i < e->needs_len; i++)
		free(e->needs[i]);
	free(e->needs);
	free(e->body);
	free(e->key);
	free(e->text);
	free(e->blocked_by);
	free(e->drift);
}

void entries_free(struct entry *entries, size_t len)
{
	for (size_t i = 0; i < len; i++)
		entry_done(&entries[i]);
	free(entries);
}

static int needs_load(struct entry *e, const json_t *json)
{
	const json_t *needs = json_object_get(json, "needs");

	e->needs = calloc(json_array_size(needs) + 1, sizeof *e->needs);
	if (!e->needs)
		return err_set(&e->error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(needs); i++) {
		const char *key = json_string_value(json_array_get(needs, i));

		if (!key)
			return err_set(&e->error, -EINVAL, "needs[%zu]: a string is missing", i);
		e->needs[e->needs_len] = strdup(key);
		if (!e->needs[e->needs_len])
			return err_set(&e->error, -ENOMEM, "out of memory");
		e->needs_len++;
	}
	return 0;
}

// Fills body and needs; what is wrong stays in e->error.
static void body_load(struct entry *e)
{
	json_error_t at;

	if (!e->kind) {
		(void)err_set(&e->error, -EOPNOTSUPP,
			      "unsupported: this agent does not know `%.*s`",
			      (int)strcspn(e->key, "/"), e->key);
		return;
	}
	json_t *json = json_loads(e->text, JSON_REJECT_DUPLICATES, &at);
	if (!json_is_object(json)) {
		if (!json && json_error_code(&at) == json_error_out_of_memory)
			(void)err_set(&e->error, -ENOMEM, "out of memory");
		else
			(void)err_set(&e->error, -EINVAL, "the body is no JSON object");
		json_decref(json);
		return;
	}
	void *body = calloc(1, e->kind->body_size);
	int rc = body ? needs_load(e, json) : err_set(&e->error, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = e->kind->parse(json, body, &e->error);
	if (rc < 0 && body && e->kind->done)
		e->kind->done(body);
	if (rc < 0)
		free(body);
	else
		e->body = body;
	json_decref(json);
}

static int entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int rank_x = x->kind ? x->kind->rank : 1000, rank_y = y->kind ? y->kind->rank : 1000;

	return rank_x != rank_y ? rank_x - rank_y : strcmp(x->key, y->key);
}

int entries_load(const struct entry_set *set, struct entry **ret, size_t *ret_len, struct err *err)
{
	struct entry *entries = calloc(entry_set_count(set) + 1, sizeof *entries);
	struct entry_change c;
	size_t len = 0;

	if (!entries)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t at = 0; entry_set_next(set, &at, &c);) {
		struct entry *e = &entries[len++];

		e->key = strdup(c.key);
		e->text = strdup(c.body);
		if (!e->key || !e->text) {
			entries_free(entries, len);
			return err_set(err, -ENOMEM, "out of memory");
		}
		e->kind = entry_kind_of_key(e->key);
		body_load(e);
	}
	qsort(entries, len, sizeof *entries, entry_order);
	*ret = entries;
	*ret_len = len;
	return 0;
}
