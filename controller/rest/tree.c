// GET /api/v1/segments/{name}/tree: how the tree of a bridge segment runs, and what it costs whom.
#include "model/kinds.h"

#include "intent/intent.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/server.h"

void tree_get(struct request *request)
{
	const struct rest_services *services = &request->rest->services;
	const struct intent_resource *segment =
		intent_find(services->intent, "segments", request->params.name);
	CLEAN(live_tree_done) struct live_tree tree = { 0 };
	struct err err = { 0 };

	if (!segment) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "segments/%s does not exist",
				request->params.name);
		return;
	}
	const char *network = json_string_value(json_object_get(segment->spec, "network"));
	network = network ? kind_reference_name(KIND_NETWORKS, network, NULL) : "";
	if (live_tree_read(services->live, segment->name, network ? network : "", &tree, &err) <
	    0) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err.text);
		return;
	}
	json_t *answer = live_tree_json(&tree);
	if (!answer) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	json_object_set_new(answer, "segment", json_string(segment->name));
	request_answer_json(request, MHD_HTTP_OK, answer);
}
