// What the fleet does now: overview, one node's observed state.
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "model/kinds.h"
#include "model/net.h"

#include "intent/intent.h"
#include "live/live.h"
#include "rest/confirm.h"
#include "rest/handlers.h"
#include "rest/server.h"
#include "store/rows.h"
#include "store/store.h"

// The overview while the store is asked who waits for approval.
static int add_pending(const struct store_row *row, void *arg, struct err *err)
{
	char text[TIME_TEXT_SIZE];
	struct store_pending pending;
	(void)err;
	store_read_pending(row, &pending);
	if (pending.approved_ms == 0)
		json_array_append_new(arg, json_pack("{s:s?, s:s?, s:s?, s:s}", "name",
						     pending.name, "public_key", pending.public_key,
						     "source", pending.source, "since",
						     time_format(pending.created_ms, text)));
	return 0;
}

// Store's thread.
static int read_pending(struct store_tx *tx, void *arg, struct err *err)
{
	json_t *list = ((struct request *)arg)->state;
	json_array_clear(list);
	int r = store_query(tx, SQL_PENDING_ALL, STORE_NO_PARAMS, add_pending, list, err);
	return r < 0 ? r : 0;
}

static void state_answer(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	const struct rest_services *services = &request->rest->services;
	if (result != STORE_OK) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err->text);
		return;
	}
	int64_t now = clock_wall_ms();
	char time[TIME_TEXT_SIZE];
	json_t *state = live_state_json(services->live, now);
	json_t *counts = json_object_get(state, "counts");
	size_t at;
	json_t *node;
	json_array_foreach(json_object_get(state, "nodes"), at, node)
		request_time_field(node, "since");
	json_array_foreach(json_object_get(state, "ha_groups"), at, node)
		request_time_field(node, "since");
	for (size_t i = 0; counts && i < KIND_COUNT; i++)
		json_object_set_new(
			counts, kinds[i].name,
			json_integer((json_int_t)intent_count(services->intent, kinds[i].name)));
	json_object_set_new(state, "controller", json_string(store_controller_id(services->store)));
	json_object_set_new(state, "version", json_string(weft_version()));
	json_object_set_new(state, "revision", json_integer(intent_revision(services->intent)));
	json_object_set_new(state, "now", json_string(time_format(now, time)));
	json_object_set_new(state, "cursor",
			    json_sprintf("%s-%llu", store_controller_id(services->store),
					 (unsigned long long)live_cursor(services->live)));
	json_object_set(state, "pending", request->state);
	json_t *confirmation = confirmation_json(services->intent);
	if (confirmation)
		json_object_set_new(state, "confirmation", confirmation);
	request_answer_json(request, MHD_HTTP_OK, state);
}

static void list_free(void *state)
{
	json_decref(state);
}

void state_get(struct request *request)
{
	request->state = json_array();
	request->state_free = list_free;
	if (store_read(request->rest->services.store, read_pending, state_answer, request) < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store's queue is full");
}

static int add_desired(void *arg, const char *key, const char *body)
{
	json_t *value = json_loads(body, 0, NULL);
	if (entry_is_secret(key))
		(void)json_object_set_new(value, "key", json_string("(redacted)"));
	return json_object_set_new(arg, key, value ? value : json_object());
}

void observed_get(struct request *request)
{
	const struct rest_services *services = &request->rest->services;
	const struct intent_resource *node =
		intent_find(services->intent, "nodes", request->params.name);
	if (!node) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "nodes/%s does not exist",
				request->params.name);
		return;
	}
	metrics_want(request->rest); // who looks again has samples then
	json_t *observed = live_observed_json(services->live, node->id);
	if (!observed)
		observed = json_pack("{s:{}, s:n}", "entries", "samples");
	json_t *samples = json_object_get(observed, "samples");
	json_object_set_new(observed, "sampled",
			    json_integer(json_integer_value(json_object_get(samples, "at"))));
	request_time_field(observed, "sampled");
	json_t *values = json_object_get(samples, "values");
	json_object_set_new(observed, "samples", values ? json_incref(values) : json_object());
	json_t *desired = json_object();
	(void)intent_node_entries(services->intent, node->id, add_desired, desired);
	json_object_set_new(observed, "desired", desired);
	json_t *state = live_node_json(services->live, node->id, clock_wall_ms());
	request_time_field(state, "since");
	json_object_set_new(observed, "node", state);
	request_answer_json(request, MHD_HTTP_OK, observed);
}
