// Letting nodes in and throwing them out.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/json.h"

#include "hub/hub.h"
#include "intent/intent.h"
#include "live/live.h"
#include "pki/pki.h"
#include "rest/handlers.h"
#include "rest/operation.h"
#include "rest/server.h"

struct membership {
	int64_t node_id; // 0 for one that only waits
	int64_t now_ms;
	bool is_changed;
};

// The route lets in whoever may write nodes (and tokens with that scope); this takes more.
static bool has_role(struct request *request, const char *area)
{
	enum auth_role needed = auth_role_needed(AUTH_WRITE, area);
	if (request->who.role >= needed)
		return true;
	request_problem(request, MHD_HTTP_FORBIDDEN, "%s has the role %s, to %s a node takes %s",
			request->who.actor, auth_role_name(request->who.role), area,
			auth_role_name(needed));
	return false;
}

// Starts a transaction about the request's node. 0, or a negative errno after having answered.
static int begin(struct request *request, int64_t node_id, store_fn *fn, store_done_fn *done)
{
	struct membership *m = calloc(1, sizeof(*m));
	if (m) {
		m->node_id = node_id;
		m->now_ms = clock_wall_ms();
		request->state = m;
		request->state_free = free;
	}
	int r = m ? store_transact(request->rest->services.store, operation_id(request), fn, done,
				   request)
		  : -ENOMEM;
	if (r < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store's queue is full");
	return r;
}

// Answers for every result but STORE_OK; true when it did.
static bool is_refused(struct request *request, enum store_result result, const struct err *err)
{
	if (result == STORE_OK)
		return false;
	request_problem(request,
			err->code == -EALREADY ? MHD_HTTP_CONFLICT : MHD_HTTP_SERVICE_UNAVAILABLE,
			"%s", err->text);
	return true;
}

static void tell(const struct request *request, const char *severity, const char *kind,
		 const char *what)
{
	const struct membership *m = request->state;
	char text[160];
	const struct live_event event = {
		.node_id = m->node_id,
		.node = request->params.name,
		.at_ms = m->now_ms,
		.severity = severity,
		.kind = kind,
		.text = text,
	};
	(void)snprintf(text, sizeof(text), "%s by %s", what, request->who.actor);
	live_event_own(request->rest->services.live, &event);
}

// Store's thread.
static int revoke_certificates(struct store_tx *tx, void *arg, struct err *err)
{
	const struct membership *m = ((struct request *)arg)->state;
	return pki_tx_revoke_node(tx, m->node_id, m->now_ms, err);
}

// Its sessions end and, without its key, its tunnels at the others. It comes back by a new
// enrolment key only.
static void end_session(void *arg)
{
	struct request *request = arg;
	const struct membership *m = request->state;
	const struct rest_services *services = &request->rest->services;
	json_auto_t *facts = json_pack("{s:n}", "public_key");
	struct err err = { 0 };
	hub_disconnect(services->hub, m->node_id, "its certificate was revoked", false);
	int r = intent_set_facts(services->intent, m->node_id, facts, &err);
	if (r < 0 && r != -ENOENT) // deleted meanwhile: no tunnels either
		log_error("node %s: its key was not taken back: %s", request->params.name,
			  err.text);
	request_answer_empty(request, MHD_HTTP_NO_CONTENT);
}

static void revoked(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	const struct rest_services *services = &request->rest->services;
	if (is_refused(request, result, err))
		return;
	tell(request, "warning", "revoked", "its certificates were revoked");
	log_info("node %s: certificates revoked by %s", request->params.name, request->who.actor);
	pki_refresh(services->pki, services->store, end_session, request);
}

void node_revoke(struct request *request)
{
	const struct intent_resource *node =
		intent_find(request->rest->services.intent, "nodes", request->params.name);
	if (!has_role(request, "revoke"))
		return;
	if (node)
		(void)begin(request, node->id, revoke_certificates, revoked);
	else
		request_problem(request, MHD_HTTP_NOT_FOUND, "nodes/%s does not exist",
				request->params.name);
}

// Store's thread.
static int approve(struct store_tx *tx, void *arg, struct err *err)
{
	struct request *request = arg;
	struct membership *m = request->state;
	int changed = store_exec(
		tx, SQL_PENDING_APPROVE,
		STORE_PARAMS(store_text(request->params.name), store_int(m->now_ms)), err);
	m->is_changed = changed > 0;
	return changed < 0 ? changed : 0;
}

static void approved(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	const struct membership *m = request->state;
	if (is_refused(request, result, err))
		return;
	if (!m->is_changed) {
		request_problem(request, MHD_HTTP_NOT_FOUND,
				"no host waits for approval as nodes/%s", request->params.name);
		return;
	}
	tell(request, "info", "approved", "its host was approved");
	log_info("node %s: approved by %s", request->params.name, request->who.actor);
	request_answer_empty(request, MHD_HTTP_NO_CONTENT);
}

void node_approve(struct request *request)
{
	if (has_role(request, "approve"))
		(void)begin(request, 0, approve, approved);
}
