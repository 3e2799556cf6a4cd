// What was changed, and what happened.
#include <errno.h>
#include <string.h>

#include "base/severity.h"
#include "model/json.h"
#include "model/net.h"
#include "wire/limits.h"

#include "intent/intent.h"
#include "rest/handlers.h"
#include "rest/server.h"
#include "store/rows.h"

#define PAGE_LIMIT     100
#define PAGE_LIMIT_MAX 1000
#define CHANGES_MAX    10000000 // in one revision: more than fit in a body

struct pages {
	int64_t after;
	int64_t limit;
	char node[ROUTE_PARAM_SIZE];
	int64_t rank;                 // of events: the least severity, 0 info .. 2 error
	char kind[ROUTE_PARAM_SIZE];  // of events: how their kind begins
	char entry[WIRE_KEY_MAX + 1]; // of events: what they are about
	int64_t since_ms, until_ms;   // of events
	json_t *items;
	int64_t last; // number of the last item, for `next`
};

static void pages_free(void *state)
{
	struct pages *pages = state;
	json_decref(pages->items);
	free(pages);
}

static json_t *time_json(int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	return json_string(time_format(ms, text));
}

static json_t *spec_json(const char *text)
{
	return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static int add_change(const struct store_row *row, void *arg, struct err *err)
{
	struct pages *pages = arg;
	struct store_change change;
	store_read_change(row, &change);
	json_auto_t *before = spec_json(change.before);
	json_auto_t *after = spec_json(change.after);
	json_t *item = json_pack("{s:I, s:I, s:o, s:s?, s:s?, s:s?, s:s?, s:o*}", "id",
				 (json_int_t)change.revision * CHANGES_MAX + change.seq, "revision",
				 (json_int_t)change.revision, "at", time_json(change.at_ms), "user",
				 change.actor, "kind", change.kind, "name", change.name, "action",
				 change.action, "fields", json_diff_list(before, after));
	if (!item || json_array_append_new(pages->items, item) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	pages->last = change.revision;
	return 0;
}

static int add_event(const struct store_row *row, void *arg, struct err *err)
{
	struct pages *pages = arg;
	struct store_event event;
	store_read_event(row, &event);
	json_t *item = json_pack("{s:I, s:o, s:s?, s:s?, s:s?, s:s?, s:s?}", "id",
				 (json_int_t)event.id, "at", time_json(event.at_ms), "node",
				 event.node, "severity", event.severity, "kind", event.kind,
				 "entry", event.entry, "text", event.text);
	if (!item || json_array_append_new(pages->items, item) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	pages->last = event.id;
	return 0;
}

static int read_history(struct store_tx *tx, void *arg, struct err *err)
{
	struct pages *pages = ((struct request *)arg)->state;
	json_array_clear(pages->items);
	int r = store_query(tx, SQL_HISTORY_PAGE,
			    STORE_PARAMS(store_int(pages->after), store_int(pages->limit)),
			    add_change, pages, err);
	return r < 0 ? r : 0;
}

static int read_log(struct store_tx *tx, void *arg, struct err *err)
{
	struct pages *pages = ((struct request *)arg)->state;
	json_array_clear(pages->items);
	int r = store_query(tx, SQL_EVENT_PAGE,
			    STORE_PARAMS(store_text(pages->node), store_int(pages->after),
					 store_int(pages->limit), store_int(pages->rank),
					 store_text(pages->kind), store_text(pages->entry),
					 store_int(pages->since_ms), store_int(pages->until_ms)),
			    add_event, pages, err);
	return r < 0 ? r : 0;
}

static void pages_answer(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	struct pages *pages = request->state;
	if (result != STORE_OK) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err->text);
		return;
	}
	// Revisions with several changes make a page longer than its limit, never shorter before
	// the end.
	bool is_full = json_array_size(pages->items) >= (size_t)pages->limit;
	request_answer_json(request, MHD_HTTP_OK,
			    json_pack("{s:O, s:o}", "items", pages->items, "next",
				      is_full ? json_integer(pages->last) : json_null()));
}

static int read_time(struct request *request, const char *name, int64_t *ret_ms)
{
	const char *text = request_query(request, name);
	if (!text || time_parse(text, ret_ms, NULL) == 0)
		return 0;
	request_problem(request, MHD_HTTP_BAD_REQUEST,
			"%s: not a time such as 2027-01-31T12:00:00Z", name);
	return -EINVAL;
}

// Of events only. -EINVAL when refused.
static int read_filter(struct request *request, struct pages *pages)
{
	const char *kind = request_query(request, "kind");
	const char *entry = request_query(request, "entry");
	const char *severity = request_query(request, "severity");
	int rank = severity ? severity_rank(severity) : SEVERITY_INFO;
	(void)snprintf(pages->kind, sizeof(pages->kind), "%s", kind ? kind : "");
	(void)snprintf(pages->entry, sizeof(pages->entry), "%s", entry ? entry : "");
	pages->rank = rank;
	pages->until_ms = INT64_MAX;
	if (rank >= 0)
		return read_time(request, "since", &pages->since_ms) < 0
			       ? -EINVAL
			       : read_time(request, "until", &pages->until_ms);
	request_problem(request, MHD_HTTP_BAD_REQUEST, "severity: neither info, warning nor error");
	return -EINVAL;
}

static void pages_begin(struct request *request, store_fn *fn)
{
	struct pages *pages = calloc(1, sizeof(*pages));
	if (!pages) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	request->state = pages;
	request->state_free = pages_free;
	pages->items = json_array();
	pages->limit = PAGE_LIMIT;
	const char *node = request_query(request, "node");
	(void)snprintf(pages->node, sizeof(pages->node), "%s", node ? node : "");
	if (read_filter(request, pages) < 0 ||
	    request_query_number(request, "limit", 1, PAGE_LIMIT_MAX, &pages->limit) < 0 ||
	    request_query_number(request, "after", 0, INT64_MAX, &pages->after) < 0)
		return;
	if (store_read(request->rest->services.store, fn, pages_answer, request) < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store's queue is full");
}

void history_get(struct request *request)
{
	pages_begin(request, read_history);
}

void log_get(struct request *request)
{
	pages_begin(request, read_log);
}
