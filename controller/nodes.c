// From the agents' sessions: admission, state, samples, facts, renewed certificates.
#include <errno.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include "program.h"

static void admit(struct program *program, const struct pki_peer *peer, bool is_expired,
		  struct hub_admission *ret)
{
	struct err err = { 0 };
	const struct intent_resource *node = intent_find_id(program->intent, peer->node_id);
	enum pki_verdict verdict = pki_judge(program->pki, peer, clock_wall_ms() / 1000, &err);
	if (!node || strcmp(node->kind, "nodes") != 0) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "there is no such node any more");
		return;
	}
	if (verdict == PKI_REFUSE) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", err.text);
		return;
	}
	ret->verdict = verdict == PKI_RENEW_ONLY || is_expired ? HUB_RENEW_ONLY : HUB_ADMIT;
	ret->node_id = node->id;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", node->name);
}

static void authorise(void *ctx, const struct hub_peer *peer, struct hub_admission *ret_admission)
{
	struct program *program = ctx;
	struct pki_peer who;
	struct err err = { 0 };
	ret_admission->verdict = HUB_REFUSE;
	const unsigned char *der = peer->certificate;
	X509 *certificate = d2i_X509(NULL, &der, (long)peer->certificate_len);
	int r = certificate ? pki_peer_verify(program->pki, certificate, &err)
			    : err_set(&err, -EINVAL, "its certificate cannot be read");
	if (r >= 0)
		r = pki_peer_read(certificate, &who, &err);
	X509_free(certificate);
	if (r < 0)
		(void)snprintf(ret_admission->reason, sizeof(ret_admission->reason), "%s",
			       err.text);
	else
		admit(program, &who, peer->is_expired, ret_admission);
}

static int target(void *ctx, int64_t node_id, struct hub_target *ret_target, struct err *err)
{
	struct program *program = ctx;
	struct intent_target found;
	if (!intent_node_target(program->intent, node_id, &found))
		return err_set(err, -ENOENT, "there is no node %lld", (long long)node_id);
	ret_target->revision = found.revision;
	return digest_parse(found.digest, &ret_target->digest);
}

struct entry_visit {
	hub_entry_fn visit;
	void *visitor;
};

static int visit_entry(void *arg, const char *key, const char *body)
{
	const struct entry_visit *visit = arg;
	return visit->visit(visit->visitor, key, body, strlen(body));
}

static int entries(void *ctx, int64_t node_id, hub_entry_fn visit, void *visitor, struct err *err)
{
	struct program *program = ctx;
	struct entry_visit to = { visit, visitor };
	int r = intent_node_entries(program->intent, node_id, visit_entry, &to);
	return r < 0 ? err_set(err, r, "the entries of node %lld: %s", (long long)node_id,
			       strerror(-r))
		     : 0;
}

// "192.0.2.7:51234" or "[2001:db8::7]:51234" without the port.
static char *host_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	int len = colon ? (int)(colon - address) : (int)strlen(address);
	if (address[0] == '[' && len >= 2)
		return text_format("%.*s", len - 2, address + 1);
	return text_format("%.*s", len, address);
}

static void set_facts(struct program *program, int64_t node_id, json_t *facts)
{
	struct err err = { 0 };
	if (facts && intent_set_facts(program->intent, node_id, facts, &err) < 0)
		log_warn("node %lld: its facts were not noted: %s", (long long)node_id, err.text);
	json_decref(facts);
}

// A key that is another node's is not taken over: the node keeps the one it had, and people are
// told.
static void note_key(struct program *program, const struct hub_connection *connection)
{
	struct err err = { 0 };
	json_auto_t *facts = json_pack("{s:s}", "public_key", connection->hello->public_key);
	if (!facts || intent_set_facts(program->intent, connection->node_id, facts, &err) >= 0)
		return;
	log_warn("node %s: %s", connection->name, err.text);
	const struct msg_event event = { .at_ms = clock_wall_ms(),
					 .severity = "error",
					 .kind = "key_refused",
					 .text = err.text };
	live_event(program->live, connection->node_id, &event, event.at_ms);
}

static void connected(void *ctx, const struct hub_connection *connection)
{
	struct program *program = ctx;
	live_connected(program->live, connection->node_id, connection->address, connection->hello,
		       clock_wall_ms());
	CLEAN(free_ptr) char *host = host_of(connection->address);
	note_key(program, connection);
	set_facts(program, connection->node_id,
		  json_pack("{s:s}", "seen_address", host ? host : ""));
}

static void disconnected(void *ctx, int64_t node_id, const char *reason)
{
	live_disconnected(((struct program *)ctx)->live, node_id, reason, clock_wall_ms());
}

static void applied(void *ctx, int64_t node_id, const struct msg_applied *message)
{
	live_applied(((struct program *)ctx)->live, node_id, message, clock_wall_ms());
}

// Where an up peer is seen; NULL when the body does not say.
static const char *endpoint_of(const json_t *peer)
{
	const char *state = json_string_value(json_object_get(peer, "state"));
	return state && strcmp(state, "up") == 0
		       ? json_string_value(json_object_get(peer, "endpoint"))
		       : NULL;
}

// "peer/home/bob": where the node sees this peer, and whether its large packets get there whole.
static void note_peer(struct program *program, int64_t node_id, const char *rest, const json_t *was,
		      const json_t *body)
{
	const char *slash = strchr(rest, '/');
	if (!slash)
		return;
	CLEAN(free_ptr) char *network = text_format("%.*s", (int)(slash - rest), rest);
	const char *endpoint = endpoint_of(body);
	const char *last = endpoint_of(was);
	const char *fragments = json_string_value(json_object_get(body, "fragments"));
	json_int_t path_mtu = json_integer_value(json_object_get(body, "path_mtu"));
	bool is_lost =
		fragments && strcmp(fragments, "lost") == 0 && path_mtu > 0 && path_mtu <= 65535;
	// Only a move is news: said again, what a slower observer still believes would undo it.
	if (endpoint && last && strcmp(endpoint, last) == 0)
		endpoint = NULL;
	if (network)
		(void)intent_observe_peer(program->intent, node_id, network, slash + 1, endpoint,
					  is_lost ? (int)path_mtu : 0);
}

// What is observed, where it bears on what other nodes should have. `was`: the body before, or
// NULL.
static void note_facts(struct program *program, int64_t node_id, const struct entry_change *change,
		       const json_t *was)
{
	const char *rest;
	bool is_peer = text_starts(change->key, "peer/", &rest);
	if (!is_peer && strcmp(change->key, "node/self") != 0)
		return;
	json_auto_t *body =
		change->body ? json_loadb(change->body, change->body_len, 0, NULL) : NULL;
	if (is_peer) {
		note_peer(program, node_id, rest, was, body);
		return;
	}
	json_t *addresses = json_object_get(body, "addresses");
	if (json_is_array(addresses))
		set_facts(program, node_id, json_pack("{s:O}", "local_addresses", addresses));
}

// The bodies before, as an array beside message->changes: null where there was none or it bears on
// nobody else.
static json_t *bodies_before(struct program *program, int64_t node_id,
			     const struct msg_observe *message)
{
	const struct entry_set *entries = live_node_entries(program->live, node_id);
	json_t *before = json_array();
	for (size_t i = 0; i < message->count; i++) {
		const char *key = message->changes[i].key;
		bool is_peer = entries && text_starts(key, "peer/", NULL);
		const char *was = is_peer ? entry_set_get(entries, key, NULL) : NULL;
		json_t *body = was ? json_loads(was, 0, NULL) : NULL;
		(void)json_array_append_new(before, body ? body : json_null());
	}
	return before;
}

static int observed(void *ctx, int64_t node_id, const struct msg_observe *message, struct err *err)
{
	struct program *program = ctx;
	json_auto_t *before = bodies_before(program, node_id, message);
	int r = live_observed(program->live, node_id, message, clock_wall_ms(), err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < message->count; i++)
		note_facts(program, node_id, &message->changes[i], json_array_get(before, i));
	return 0;
}

static void samples(void *ctx, int64_t node_id, const struct msg_samples *message)
{
	live_samples(((struct program *)ctx)->live, node_id, message, clock_wall_ms());
}

static void event(void *ctx, int64_t node_id, const struct msg_event *message)
{
	live_event(((struct program *)ctx)->live, node_id, message, clock_wall_ms());
}

// A certificate on its way through the store.
struct renewal {
	struct program *program;
	int64_t node_id;
	char *csr;
	char name[PKI_NAME_SIZE];
	struct pki_certificate certificate;
};

static void renewal_free(struct renewal *renewal)
{
	pki_certificate_done(&renewal->certificate);
	free(renewal->csr);
	free(renewal);
}

// Store's thread.
static int renewal_sign(struct store_tx *tx, void *arg, struct err *err)
{
	struct renewal *renewal = arg;
	const struct pki_request request = { renewal->csr, renewal->name, renewal->node_id,
					     clock_wall_ms() / 1000 };
	pki_certificate_done(&renewal->certificate);
	// Its revocation may be ahead of this in the store's queue.
	int r = pki_tx_has_certificate(tx, renewal->node_id, err);
	if (r == 0)
		return err_set(err, -EACCES, "its certificates were revoked");
	if (r > 0)
		r = pki_sign(renewal->program->pki, &request, &renewal->certificate, err);
	return r < 0 ? r : pki_tx_record(tx, &renewal->certificate, renewal->node_id, err);
}

static void renewal_done(void *arg, enum store_result result, const struct err *err)
{
	struct renewal *renewal = arg;
	struct hub *hub = renewal->program->is_stopping ? NULL : renewal->program->hub;
	struct err sending = { 0 };
	if (!hub) {
		renewal_free(renewal);
		return;
	}
	if (result != STORE_OK) {
		log_warn("node %s: its certificate was not renewed: %s", renewal->name, err->text);
		hub_disconnect(hub, renewal->node_id, err->text, true);
	} else if (hub_renewed(hub, renewal->node_id, renewal->certificate.pem, &sending) < 0) {
		log_info("node %s: its new certificate could not be sent: %s", renewal->name,
			 sending.text);
	} else {
		log_info("node %s: certificate renewed", renewal->name);
	}
	renewal_free(renewal);
}

static void renew(void *ctx, int64_t node_id, const char *csr_pem)
{
	struct program *program = ctx;
	const struct intent_resource *node = intent_find_id(program->intent, node_id);
	struct renewal *renewal = calloc(1, sizeof(*renewal));
	if (!node || !renewal) {
		free(renewal);
		return;
	}
	renewal->program = program;
	renewal->node_id = node_id;
	renewal->csr = strdup(csr_pem);
	(void)snprintf(renewal->name, sizeof(renewal->name), "%s", node->name);
	if (!renewal->csr ||
	    store_transact(program->store, NULL, renewal_sign, renewal_done, renewal) < 0)
		renewal_free(renewal);
}

const struct hub_ops program_hub_ops = {
	.authorise = authorise,
	.target = target,
	.entries = entries,
	.connected = connected,
	.disconnected = disconnected,
	.applied = applied,
	.observed = observed,
	.samples = samples,
	.event = event,
	.asked = program_asked,
	.renew = renew,
	.lease = program_lease,
	.content = program_list_content,
};
