// PUT and PATCH of a resource, with the credential that users, tokens and enrolment keys have
// beside their spec.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "model/json.h"

#include "rest/credential.h"
#include "rest/handlers.h"
#include "rest/resource.h"
#include "rest/server.h"

// The change while it waits for a password's hash and for the store.
struct write {
	struct intent_request change;
	json_t *body;
	enum credential_type type;
	struct credential_fresh fresh;
	bool has_password;
	json_t *resource; // to be answered after auth knows it
	unsigned status;
};

static void write_free(void *state)
{
	struct write *write = state;
	json_decref(write->body);
	json_decref(write->resource);
	explicit_bzero(&write->fresh, sizeof(write->fresh));
	free(write);
}

// Store's thread.
static int store_credential(void *arg, struct store_tx *tx, int64_t id, struct err *err)
{
	struct write *write = arg;
	if (write->type == CREDENTIAL_PASSWORD)
		return auth_tx_set_password(tx, id, write->fresh.hash, write->fresh.now_ms, err);
	return credential_tx_keep(tx, write->type, id, &write->fresh, err);
}

static void answer(void *arg)
{
	struct request *request = arg;
	struct write *write = request->state;
	resource_answer(request, write->status, take_ptr(&write->resource));
}

static void written(void *arg, const struct intent_answer *result)
{
	struct request *request = arg;
	struct write *write = request->state;
	if (resource_refused(request, result))
		return;
	write->resource = json_deep_copy(result->resource);
	write->status = result->is_created ? MHD_HTTP_CREATED : MHD_HTTP_OK;
	if (result->is_created)
		request_add_header(request, "Location", "/api/v1/%s/%s", request->params.kind,
				   request->params.name);
	bool is_shown = write->type == CREDENTIAL_TOKEN || write->type == CREDENTIAL_KEY;
	if (is_shown && write->fresh.is_issued &&
	    credential_show(request, write->type, request->params.name, &write->fresh,
			    write->resource) < 0) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	// Whoever reads the answer may sign in with it at once.
	if (write->type == CREDENTIAL_PASSWORD || write->type == CREDENTIAL_TOKEN)
		auth_reload(request->rest->services.auth, answer, request);
	else
		answer(request);
}

static void submit(struct request *request)
{
	struct write *write = request->state;
	bool has_hook = write->has_password || write->type == CREDENTIAL_TOKEN ||
			write->type == CREDENTIAL_KEY;
	write->change.hook = has_hook ? store_credential : NULL;
	write->change.hook_arg = write;
	(void)resource_submit(request, &write->change, written, request);
}

static void hashed(void *arg, const char *hash, const struct err *err)
{
	struct request *request = arg;
	struct write *write = request->state;
	if (!hash) {
		request_problem_field(request, "password", err->text);
		return;
	}
	(void)snprintf(write->fresh.hash, sizeof(write->fresh.hash), "%s", hash);
	submit(request);
}

// Takes the password out of a user's spec and hashes it; it is stored nowhere else.
static void take_password(struct request *request)
{
	struct write *write = request->state;
	const json_t *password = json_object_get(write->body, "password");
	if (!password) {
		submit(request);
		return;
	}
	if (!json_is_string(password)) {
		request_problem_field(request, "password", "is not a string");
		return;
	}
	write->has_password = true;
	CLEAN(free_ptr) char *copy = strdup(json_string_value(password));
	(void)json_object_del(write->body, "password");
	if (!copy) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	auth_hash_password(request->rest->services.auth, copy, hashed, request);
	explicit_bzero(copy, strlen(copy));
}

static void write_begin(struct request *request, enum intent_verb verb, const char *content_type)
{
	int64_t expected;
	json_auto_t *body = NULL;
	if (resource_expected(request, &expected) < 0 ||
	    request_json(request, content_type, &body) < 0 ||
	    resource_owned(request, body, verb == INTENT_PATCH) < 0)
		return;
	struct write *write = calloc(1, sizeof(*write));
	if (!write) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	request->state = write;
	request->state_free = write_free;
	write->body = take_ptr(&body);
	write->type = credential_of_kind(request->params.kind);
	write->fresh.now_ms = clock_wall_ms();
	write->change = (struct intent_request){
		.verb = verb,
		.actor = request->who.actor,
		.kind = request->params.kind,
		.name = request->params.name,
		.body = write->body,
		.expected_revision = expected,
	};
	struct err err = { 0 };
	if (write->type == CREDENTIAL_PASSWORD)
		take_password(request);
	else if (write->type != CREDENTIAL_NONE &&
		 credential_make(write->type, &write->fresh, &err) < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err.text);
	else
		submit(request);
}

void resource_put(struct request *request)
{
	write_begin(request, INTENT_PUT, "application/json");
}

void resource_patch(struct request *request)
{
	write_begin(request, INTENT_PATCH, "application/merge-patch+json");
}
