#include "cli/live.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/severity.h"
#include "model/json.h"

#include "cli/show.h"
#include "cli/sse.h"
#include "cli/terminal.h"
#include "cli/value.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s ? s : "";
}

static void add_now(struct text *t)
{
	char buf[32];
	time_t now = time(NULL);
	struct tm tm;
	if (localtime_r(&now, &tm) && strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm))
		text_add(t, buf);
}

void live_add_event(struct text *t, const json_t *event, bool is_coloured)
{
	char when[64];
	const char *severity = text_of(event, "severity");
	const char *colour = strcmp(severity, "error") == 0     ? COLOUR_RED
			     : strcmp(severity, "warning") == 0 ? COLOUR_YELLOW
								: "";
	const char *node = text_of(event, "node");
	value_add_clean(t, show_time(text_of(event, "at"), when, sizeof(when)));
	text_addf(t, " %s%-7s%s ", is_coloured ? colour : "", severity,
		  is_coloured && *colour ? COLOUR_OFF : "");
	value_add_clean(t, *node ? node : "controller");
	text_add(t, ": ");
	value_add_clean(t, text_of(event, "text"));
	const char *entry = text_of(event, "entry");
	// The sentence often names its entry already.
	if (*entry && !strstr(text_of(event, "text"), entry)) {
		text_add(t, " [");
		value_add_clean(t, entry);
		text_add(t, "]");
	}
	text_add(t, "\n");
}

static void add_node(struct text *t, const json_t *node)
{
	add_now(t);
	text_addf(t, " node %s: %s, revision %lld of %lld", text_of(node, "name"),
		  text_of(node, "health"),
		  (long long)json_integer_value(json_object_get(node, "applied")),
		  (long long)json_integer_value(json_object_get(node, "target")));
	size_t at;
	const json_t *one;
	json_array_foreach(json_object_get(node, "errors"), at, one)
	{
		text_addf(t, "; %s: ", text_of(one, "entry"));
		value_add_clean(t, text_of(one, "text"));
	}
	text_add(t, "\n");
}

static void add_entries(struct text *t, const json_t *data)
{
	const char *key;
	json_t *body;
	size_t at;
	json_object_foreach(json_object_get(data, "set"), key, body)
	{
		add_now(t);
		text_addf(t, " entry %s %s ", text_of(data, "node"), key);
		value_add(t, body);
		text_add(t, "\n");
	}
	json_array_foreach(json_object_get(data, "drop"), at, body)
	{
		add_now(t);
		text_addf(t, " entry %s %s gone\n", text_of(data, "node"),
			  json_is_string(body) ? json_string_value(body) : "?");
	}
}

static void add_samples(struct text *t, const json_t *data)
{
	const char *key;
	json_t *values;
	json_object_foreach(json_object_get(data, "values"), key, values)
	{
		add_now(t);
		text_addf(t, " sample %s %s ", text_of(data, "node"), key);
		value_add(t, values);
		text_add(t, "\n");
	}
}

static void add_line(struct text *t, const char *type, const json_t *data, bool is_coloured)
{
	if (strcmp(type, "event") == 0) {
		live_add_event(t, data, is_coloured);
	} else if (strcmp(type, "node") == 0) {
		add_node(t, data);
	} else if (strcmp(type, "entry") == 0) {
		add_entries(t, data);
	} else if (strcmp(type, "sample") == 0) {
		add_samples(t, data);
	} else if (strcmp(type, "revision") == 0) {
		add_now(t);
		text_addf(t, " revision %lld by %s\n",
			  (long long)json_integer_value(json_object_get(data, "revision")),
			  text_of(data, "user"));
	} else if (strcmp(type, "reset") == 0) {
		add_now(t);
		text_add(t, " gap: some changes were missed\n");
	}
}

static bool concerns(const char *type, const json_t *data, const char *node)
{
	if (!node)
		return true;
	const char *name = text_of(data, strcmp(type, "node") == 0 ? "name" : "node");
	return strcmp(name, node) == 0 || strcmp(type, "reset") == 0;
}

// What it does not know may be bad.
static int rank_of(const char *severity)
{
	int rank = severity_rank(severity);
	return rank < 0 ? SEVERITY_ERROR : rank;
}

// Events by severity and kind; whatever is none passes.
static bool is_asked_for(const char *type, const json_t *data, const struct live_filter *filter)
{
	const char *severity = json_string_value(json_object_get(data, "severity"));
	const char *kind = json_string_value(json_object_get(data, "kind"));
	if (strcmp(type, "event") != 0)
		return true;
	if (filter->severity && severity && rank_of(severity) < rank_of(filter->severity))
		return false;
	return !filter->kind || (kind && text_starts(kind, filter->kind, NULL));
}

void live_add_message(struct text *t, const char *type, const char *id, const json_t *data,
		      const struct live_filter *filter, bool is_coloured)
{
	if ((filter->only_events && strcmp(type, "event") != 0) ||
	    !concerns(type, data, filter->node) || !is_asked_for(type, data, filter))
		return;
	if (!filter->is_json) {
		add_line(t, type, data, is_coloured);
		return;
	}
	json_auto_t *line = json_pack("{s:s, s:s, s:O?}", "type", type, "id", id, "data", data);
	CLEAN(free_ptr) char *dumped = line ? json_dumps(line, JSON_COMPACT | VALUE_REALS) : NULL;
	if (dumped)
		text_addf(t, "%s\n", dumped);
}

struct follow {
	const struct call *call;
	const struct live_filter *filter;
	struct sse sse;
};

static int on_event(const char *type, const char *id, const char *data, void *user)
{
	struct follow *f = user;
	json_auto_t *json = json_loads(data, JSON_DECODE_ANY, NULL);
	CLEAN(text_free) struct text t = { 0 };
	live_add_message(&t, type, id, json, f->filter, f->call->is_coloured);
	if (t.len == 0)
		return 0;
	if (fputs(t.data, f->call->out) == EOF || fflush(f->call->out))
		return -EPIPE;
	return 0;
}

static int on_bytes(const char *bytes, size_t len, void *data)
{
	struct follow *f = data;
	return sse_feed(&f->sse, bytes, len);
}

int live_follow(const struct call *call, struct client *c, const struct live_filter *filter,
		struct err *err)
{
	struct follow follow = { .call = call, .filter = filter };
	follow.sse = (struct sse){ .event = on_event, .user = &follow };
	const char *path = filter->with_samples ? "/api/v1/events?samples=true" : "/api/v1/events";
	bool was_connected = false;
	for (;;) {
		const char *last = follow.sse.id[0] ? follow.sse.id : NULL;
		int r = client_stream(c, path, last, on_bytes, &follow, err);
		sse_reset(&follow.sse);
		bool is_lost = r == -ECONNRESET || r == -ECONNREFUSED || r == -ETIMEDOUT;
		was_connected = was_connected || r == -ECONNRESET;
		if (!is_lost || !was_connected) {
			sse_done(&follow.sse);
			return r;
		}
		(void)nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	}
}
