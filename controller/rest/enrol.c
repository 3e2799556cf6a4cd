// POST /api/v1/enrol: a host with a key becomes a node with a certificate; GET /api/v1/ca: what it
// holds against the key.
//
// First the key is looked at (and, if it asks for approval, the host is put on the list of those
// that wait). Then one transaction takes a use of the key, makes the node if there is none, signs
// and records the certificate. A host that asks again with the same key and the same CSR key (its
// answer was lost) gets another certificate of the same node and takes no use.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/json.h"
#include "model/net.h"

#include "hub/hub.h"
#include "intent/intent.h"
#include "live/live.h"
#include "pki/pki.h"
#include "rest/credential.h"
#include "rest/handlers.h"
#include "rest/resource.h"
#include "rest/server.h"
#include "store/rows.h"

#define PENDING_RETRY_S 5
#define BUSY_RETRY_S    60
#define TRIES_MAX       4

enum pending_state { PENDING_NONE, PENDING_WAITS, PENDING_APPROVED, PENDING_OTHER };

struct enrol {
	json_t *body;
	const char *key; // these point into body
	const char *secret;
	const char *csr;
	const char *public_key;
	char actor[AUTH_NAME_SIZE + 8];
	char source[REQUEST_SOURCE_SIZE];
	char name[PKI_NAME_SIZE];
	const struct pki *pki;
	json_t *grant; // the key's spec
	enum pending_state pending;
	char csr_key[PKI_HASH_SIZE];
	bool is_again;  // this host has become node_id by this key before
	bool has_node;  // the name is a node's already
	bool is_preset; // and the key is for that very node
	bool is_asking; // it was put on the list of those that wait just now
	int64_t now_ms;
	int64_t node_id;
	struct pki_certificate certificate;
	unsigned tries;
	int refusal; // what the transaction said, for the status
	struct err why;
};

static void enrol_free(void *state)
{
	struct enrol *enrol = state;
	json_decref(enrol->body);
	json_decref(enrol->grant);
	pki_certificate_done(&enrol->certificate);
	free(enrol);
}

static void refuse(struct request *request, int code, const char *text)
{
	unsigned status = MHD_HTTP_SERVICE_UNAVAILABLE;
	if (code == -EBUSY) {
		status = MHD_HTTP_TOO_MANY_REQUESTS;
		request_add_header(request, "Retry-After", "%d", BUSY_RETRY_S);
	}
	if (code == -EACCES)
		status = MHD_HTTP_UNAUTHORIZED;
	else if (code == -EEXIST)
		status = MHD_HTTP_CONFLICT;
	else if (code == -EINVAL)
		status = MHD_HTTP_UNPROCESSABLE_CONTENT;
	log_info("enrol: %s: refused: %s", request->source, text);
	request_problem(request, status, "%s", text);
}

static int see_pending(const struct store_row *row, void *arg, struct err *err)
{
	struct enrol *enrol = arg;
	struct store_pending pending;
	(void)err;
	store_read_pending(row, &pending);
	bool is_same = pending.public_key && strcmp(pending.public_key, enrol->public_key) == 0 &&
		       pending.csr && strcmp(pending.csr, enrol->csr) == 0;
	enrol->pending = pending.approved_ms ? PENDING_APPROVED : PENDING_WAITS;
	if (!is_same)
		enrol->pending = PENDING_OTHER;
	return 0;
}

// Which node the host becomes: the key's, else the one it asks for.
static int choose_name(struct enrol *enrol, struct err *err)
{
	const char *preset = json_string_value(json_object_get(enrol->grant, "node"));
	const char *asked = json_string_value(json_object_get(enrol->body, "name"));
	const char *slash = preset ? strchr(preset, '/') : NULL;
	const char *name = asked;
	if (preset)
		name = slash ? slash + 1 : preset;
	if (!name)
		return err_set(err, -EINVAL, "name: the key names no node, so the host must");
	enrol->is_preset = preset != NULL;
	(void)snprintf(enrol->name, sizeof(enrol->name), "%s", name);
	return 0;
}

static int wait_for_approval(struct store_tx *tx, struct enrol *enrol, int64_t key_id,
			     struct err *err)
{
	int r = store_query(tx, SQL_PENDING_GET, STORE_PARAMS(store_text(enrol->name)), see_pending,
			    enrol, err);
	if (r < 0 || enrol->pending != PENDING_NONE)
		return r < 0 ? r : 0;
	enrol->pending = PENDING_WAITS;
	enrol->is_asking = true;
	r = store_exec(tx, SQL_PENDING_PUT,
		       STORE_PARAMS(store_text(enrol->name), store_int(key_id),
				    store_text(enrol->csr), store_text(enrol->public_key),
				    store_text(enrol->source), store_int(enrol->now_ms)),
		       err);
	return r < 0 ? r : 0;
}

static int see_node(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	*(int64_t *)arg = store_row_int(row, 0);
	return 0;
}

// Has this host been let in by this key, and not been thrown out since?
static int look_for_former(struct store_tx *tx, struct enrol *enrol, struct err *err)
{
	int64_t key_id = credential_tx_resource(tx, "enrolment-keys", enrol->key);
	int64_t node_id = 0;
	int r = store_query(tx, SQL_ENROLLED_GET,
			    STORE_PARAMS(store_int(key_id), store_text(enrol->csr_key)), see_node,
			    &node_id, err);
	if (r > 0)
		r = pki_tx_has_certificate(tx, node_id, err);
	enrol->is_again = r > 0;
	if (enrol->is_again)
		enrol->node_id = node_id;
	return r < 0 ? r : 0;
}

static int use_key(struct store_tx *tx, const struct enrol *enrol, enum auth_key_use use,
		   struct auth_key_grant *ret_grant, struct err *err)
{
	const struct auth_key_claim claim = { enrol->key, enrol->secret,
					      enrol->is_again ? AUTH_KEY_AGAIN : use,
					      enrol->now_ms };
	return auth_tx_use_key(tx, &claim, ret_grant, err);
}

// Store's thread: looks at the key without taking a use.
static int look_at_key(struct store_tx *tx, void *arg, struct err *err)
{
	struct enrol *enrol = ((struct request *)arg)->state;
	struct auth_key_grant grant = { 0 };
	int r = look_for_former(tx, enrol, err);
	json_decref(enrol->grant);
	enrol->grant = NULL;
	enrol->pending = PENDING_NONE;
	enrol->is_asking = false;
	if (r >= 0)
		r = use_key(tx, enrol, AUTH_KEY_LOOK, &grant, err);
	if (r >= 0 && !enrol->is_again) {
		enrol->grant = json_loads(grant.spec, 0, NULL);
		r = choose_name(enrol, err);
	}
	if (r >= 0 && !enrol->is_again && json_is_true(json_object_get(enrol->grant, "approval")))
		r = wait_for_approval(tx, enrol, grant.id, err);
	free(grant.spec);
	enrol->refusal = r;
	return r;
}

// A key that does not name a node must not take one over.
static int check_free(struct store_tx *tx, const struct enrol *enrol, int64_t id, struct err *err)
{
	int has_joined = pki_tx_has_certificate(tx, id, err);
	if (has_joined <= 0)
		return has_joined;
	if (!enrol->is_preset)
		return err_set(err, -EEXIST,
			       "nodes/%s has joined already; revoke it, or use a key made for it",
			       enrol->name);
	return pki_tx_revoke_node(tx, id, enrol->now_ms, err);
}

static int sign(struct store_tx *tx, struct enrol *enrol, int64_t id, struct err *err)
{
	const struct pki_request request = { enrol->csr, enrol->name, id, enrol->now_ms / 1000 };
	pki_certificate_done(&enrol->certificate);
	int r = pki_sign(enrol->pki, &request, &enrol->certificate, err);
	return r < 0 ? r : pki_tx_record(tx, &enrol->certificate, id, err);
}

static int admit(struct store_tx *tx, struct enrol *enrol, int64_t id, struct err *err)
{
	struct auth_key_grant grant = { 0 };
	// It may have been thrown out, or let in, since the key was looked at.
	int r = look_for_former(tx, enrol, err);
	enrol->is_again = enrol->is_again && enrol->node_id == id;
	if (r >= 0 && !enrol->is_again)
		r = check_free(tx, enrol, id, err);
	if (r >= 0)
		r = use_key(tx, enrol, AUTH_KEY_TAKE, &grant, err);
	free(grant.spec);
	if (r >= 0)
		r = sign(tx, enrol, id, err);
	if (r >= 0)
		r = store_exec(tx, SQL_ENROLLED_PUT,
			       STORE_PARAMS(store_int(grant.id), store_text(enrol->csr_key),
					    store_int(id), store_int(enrol->now_ms)),
			       err);
	if (r >= 0 && enrol->pending == PENDING_APPROVED)
		r = store_exec(tx, SQL_PENDING_DELETE, STORE_PARAMS(store_text(enrol->name)), err);
	return r < 0 ? r : 0;
}

// Store's thread, inside the intent's transaction.
static int admit_hook(void *arg, struct store_tx *tx, int64_t id, struct err *err)
{
	struct enrol *enrol = ((struct request *)arg)->state;
	enrol->refusal = admit(tx, enrol, id, &enrol->why);
	enrol->node_id = id;
	if (enrol->refusal < 0 && err)
		*err = enrol->why;
	return enrol->refusal;
}

static json_t *url_list(const char *const *urls)
{
	json_t *list = json_array();
	for (size_t i = 0; urls[i]; i++)
		json_array_append_new(list, json_string(urls[i]));
	return list;
}

// Only what is refused counts against an address.
static void give_back(struct request *request)
{
	limit_give(request->rest->enrol_limit, request->network, clock_mono_ms());
}

static void answer(void *arg)
{
	struct request *request = arg;
	struct enrol *enrol = request->state;
	give_back(request);
	const struct rest *rest = request->rest;
	request_answer_json(request, MHD_HTTP_OK,
			    json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "name", enrol->name, "id",
				      (json_int_t)enrol->node_id, "certificate",
				      enrol->certificate.pem, "ca", pki_ca_pem(rest->services.pki),
				      "controllers", url_list(rest->config.urls), "hub",
				      url_list(rest->config.hub_urls)));
}

static void look(struct request *request);

// The node was made, or went away, while this request had the other in mind: the same host asking
// twice at once does that. The key is looked at anew.
static bool has_moved(const struct intent_answer *result)
{
	return result->status == INTENT_PRECONDITION || result->status == INTENT_NOT_FOUND;
}

static void admitted(void *arg, const struct intent_answer *result)
{
	struct request *request = arg;
	struct enrol *enrol = request->state;
	const struct rest_services *services = &request->rest->services;
	if (has_moved(result)) {
		if (++enrol->tries < TRIES_MAX)
			look(request);
		else
			refuse(request, -EAGAIN, "the node is being changed just now; ask again");
		return;
	}
	if (result->status != INTENT_OK && enrol->refusal < 0 && enrol->refusal != -EAGAIN) {
		refuse(request, enrol->refusal, enrol->why.text);
		return;
	}
	if (resource_refused(request, result))
		return;
	log_info("node %s: %s with key %s from %s", enrol->name,
		 enrol->is_again ? "asked again" : "joined", enrol->key, request->source);
	json_auto_t *facts = json_pack("{s:s}", "public_key", enrol->public_key);
	struct err err = { 0 };
	if (intent_set_facts(services->intent, enrol->node_id, facts, &err) < 0)
		log_warn("node %s: its key was not noted: %s", enrol->name, err.text);
	// Whoever had the name's certificate before is revoked now.
	hub_disconnect(services->hub, enrol->node_id, "the node joined anew", false);
	pki_refresh(services->pki, services->store, answer, request);
}

// The spec of a node that the key's owner did not write down beforehand.
static json_t *fresh_spec(const struct enrol *enrol)
{
	json_t *spec = json_object();
	json_t *site = json_object_get(enrol->grant, "site");
	json_t *tags = json_object_get(enrol->grant, "tags");
	if (site)
		json_object_set(spec, "site", site);
	if (tags)
		json_object_set(spec, "tags", tags);
	return spec;
}

static void submit(struct request *request)
{
	struct enrol *enrol = request->state;
	const struct intent_resource *former =
		enrol->is_again ? intent_find_id(request->rest->services.intent, enrol->node_id)
				: NULL;
	if (former)
		(void)snprintf(enrol->name, sizeof(enrol->name), "%s", former->name);
	const struct intent_resource *present =
		intent_find(request->rest->services.intent, "nodes", enrol->name);
	enrol->has_node = present != NULL;
	if (intent_key_owner(request->rest->services.intent, enrol->public_key,
			     present ? present->id : 0)) {
		refuse(request, -EEXIST,
		       "another node has this WireGuard key: was its state directory copied?");
		return;
	}
	json_auto_t *spec = enrol->has_node ? json_object() : fresh_spec(enrol);
	enrol->refusal = 0;
	struct intent_request change = {
		.verb = enrol->has_node ? INTENT_PATCH : INTENT_PUT,
		.actor = enrol->actor,
		.kind = "nodes",
		.name = enrol->name,
		.body = spec,
		.expected_revision = enrol->has_node ? INTENT_ANY_REVISION : INTENT_NO_RESOURCE,
		.hook = admit_hook,
		.hook_arg = request,
	};
	(void)resource_submit(request, &change, admitted, request);
}

// So that whoever may approve it learns of it.
static void tell_asking(const struct request *request, const struct enrol *enrol)
{
	char text[REQUEST_SOURCE_SIZE + 64];
	const struct live_event event = {
		.node = enrol->name,
		.at_ms = enrol->now_ms,
		.severity = "warning",
		.kind = "approval_wanted",
		.text = text,
	};
	(void)snprintf(text, sizeof(text), "a host at %s waits for approval", enrol->source);
	live_event_own(request->rest->services.live, &event);
}

static void looked(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	struct enrol *enrol = request->state;
	if (result != STORE_OK) {
		refuse(request, enrol->refusal < 0 ? enrol->refusal : -EIO, err->text);
		return;
	}
	if (enrol->pending == PENDING_OTHER) {
		refuse(request, -EEXIST, "another host waits for approval under this name");
		return;
	}
	if (enrol->pending == PENDING_WAITS) {
		give_back(request);
		if (enrol->is_asking)
			tell_asking(request, enrol);
		request_add_header(request, "Retry-After", "%d", PENDING_RETRY_S);
		request_answer_json(request, MHD_HTTP_ACCEPTED,
				    json_pack("{s:b, s:s}", "pending", 1, "name", enrol->name));
		return;
	}
	submit(request);
}

static void look(struct request *request)
{
	if (store_transact(request->rest->services.store, NULL, look_at_key, looked, request) < 0)
		refuse(request, -EAGAIN, "the store's queue is full");
}

void ca_get(struct request *request)
{
	request_answer_text(request, MHD_HTTP_OK, "application/x-pem-file",
			    pki_ca_pem(request->rest->services.pki));
}

void enrol_post(struct request *request)
{
	json_auto_t *body = NULL;
	if (!limit_take(request->rest->enrol_limit, request->network, clock_mono_ms())) {
		refuse(request, -EBUSY,
		       "too many refused enrolments from this address: wait a minute");
		return;
	}
	if (request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "EnrolRequest", body) < 0)
		return;
	struct enrol *enrol = calloc(1, sizeof(*enrol));
	if (!enrol) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	request->state = enrol;
	request->state_free = enrol_free;
	enrol->body = take_ptr(&body);
	enrol->key = json_string_value(json_object_get(enrol->body, "key_id"));
	enrol->secret = json_string_value(json_object_get(enrol->body, "secret"));
	enrol->csr = json_string_value(json_object_get(enrol->body, "csr"));
	enrol->public_key = json_string_value(json_object_get(enrol->body, "public_key"));
	enrol->pki = request->rest->services.pki;
	enrol->now_ms = clock_wall_ms();
	(void)snprintf(enrol->actor, sizeof(enrol->actor), "key/%s", enrol->key);
	(void)snprintf(enrol->source, sizeof(enrol->source), "%s", request->source);
	struct err err = { 0 };
	if (pki_csr_key_hash(enrol->csr, enrol->csr_key, &err) < 0) {
		refuse(request, err.code, err.text);
		return;
	}
	look(request);
}
