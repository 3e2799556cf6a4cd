// POST /api/v1/apply: a whole set of resources as one transaction, or what it would change.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "model/json.h"
#include "model/kinds.h"

#include "rest/confirm.h"
#include "rest/credential.h"
#include "rest/handlers.h"
#include "rest/ownership.h"
#include "rest/resource.h"
#include "rest/server.h"

// One user, token or enrolment key of the set.
struct apply_credential {
	struct apply_credential *next;
	enum credential_type type;
	const char *kind;
	char *name;
	char *password; // until it is hashed
	struct credential_fresh fresh;
};

struct apply {
	json_t *body;
	bool is_dry;
	bool has_password;
	struct apply_credential *credentials;
	struct apply_credential *hashing; // whose password is at the worker
	json_t *result;                   // to be answered after auth knows it
};

static void apply_free(void *state)
{
	struct apply *apply = state;
	struct apply_credential *next;
	for (struct apply_credential *c = apply->credentials; c; c = next) {
		next = c->next;
		if (c->password)
			explicit_bzero(c->password, strlen(c->password));
		free(c->password);
		free(c->name);
		explicit_bzero(c, sizeof(*c));
		free(c);
	}
	json_decref(apply->body);
	json_decref(apply->result);
	free(apply);
}

// Store's thread.
static int store_credentials(void *arg, struct store_tx *tx, int64_t id, struct err *err)
{
	struct apply *apply = arg;
	(void)id;
	for (struct apply_credential *c = apply->credentials; c; c = c->next) {
		int64_t of = credential_tx_resource(tx, c->kind, c->name);
		if (of == 0)
			continue;
		int r = c->type == CREDENTIAL_PASSWORD
				? auth_tx_set_password(tx, of, c->fresh.hash, c->fresh.now_ms, err)
				: credential_tx_keep(tx, c->type, of, &c->fresh, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void answer(void *arg)
{
	struct request *request = arg;
	struct apply *apply = request->state;
	request_answer_json(request, MHD_HTTP_OK, take_ptr(&apply->result));
}

// What is shown once, as "kind/name" -> string.
static json_t *shown_once(struct request *request, const struct apply *apply)
{
	json_t *shown = json_object();
	for (const struct apply_credential *c = apply->credentials; c; c = c->next) {
		if (c->type == CREDENTIAL_PASSWORD || !c->fresh.is_issued)
			continue;
		CLEAN(free_ptr) char *key = text_format("%s/%s", c->kind, c->name);
		CLEAN(free_ptr)
		char *text = c->type == CREDENTIAL_TOKEN
				     ? strdup(c->fresh.secret)
				     : credential_key_text(request->rest, c->name, c->fresh.secret);
		if (key && text)
			json_object_set_new(shown, key, json_string(text));
	}
	if (json_object_size(shown) > 0)
		return shown;
	json_decref(shown);
	return NULL;
}

static void applied(void *arg, const struct intent_answer *result)
{
	struct request *request = arg;
	struct apply *apply = request->state;
	if (resource_refused(request, result))
		return;
	apply->result = confirm_result(request, result);
	json_t *shown = apply->is_dry ? NULL : shown_once(request, apply);
	if (shown)
		json_object_set_new(apply->result, "shown_once", shown);
	if (apply->is_dry)
		answer(request);
	else
		auth_reload(request->rest->services.auth, answer, request);
}

static void submit(struct request *request)
{
	struct apply *apply = request->state;
	struct intent_request change = {
		.verb = INTENT_APPLY,
		.actor = request->who.actor,
		.body = apply->body,
		.expected_revision = INTENT_ANY_REVISION,
		.dry_run = apply->is_dry,
		.confirm_ms = apply->is_dry ? 0 : confirm_time_ms(apply->body),
		.hook = apply->credentials && !apply->is_dry ? store_credentials : NULL,
		.hook_arg = apply,
	};
	(void)resource_submit(request, &change, applied, request);
}

static void hash_next(struct request *request);

static void hashed(void *arg, const char *hash, const struct err *err)
{
	struct request *request = arg;
	struct apply *apply = request->state;
	struct apply_credential *c = apply->hashing;
	if (!hash) {
		CLEAN(free_ptr) char *field = text_format("users.%s.password", c->name);
		request_problem_field(request, field ? field : "users", err->text);
		return;
	}
	(void)snprintf(c->fresh.hash, sizeof(c->fresh.hash), "%s", hash);
	explicit_bzero(c->password, strlen(c->password));
	free(take_ptr(&c->password));
	hash_next(request);
}

// One password after the other, then the whole set.
static void hash_next(struct request *request)
{
	struct apply *apply = request->state;
	struct apply_credential *c = apply->credentials;
	while (c && !c->password)
		c = c->next;
	apply->hashing = c;
	if (c && !apply->is_dry)
		auth_hash_password(request->rest->services.auth, c->password, hashed, request);
	else
		submit(request);
}

// Notes the credential of one resource and takes a password out of its spec.
static int take_credential(struct apply *apply, const struct kind *kind, const char *name,
			   json_t *spec, struct err *err)
{
	enum credential_type type = credential_of_kind(kind->name);
	const json_t *password = json_object_get(spec, "password");
	if (type == CREDENTIAL_NONE || (type == CREDENTIAL_PASSWORD && !json_is_string(password)))
		return 0;
	struct apply_credential *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	c->next = apply->credentials;
	apply->credentials = c;
	c->type = type;
	c->kind = kind->name;
	c->name = strdup(name);
	c->fresh.now_ms = clock_wall_ms();
	if (type != CREDENTIAL_PASSWORD)
		return credential_make(type, &c->fresh, err);
	apply->has_password = true;
	c->password = strdup(json_string_value(password));
	(void)json_object_del(spec, "password");
	return c->name && c->password ? 0 : err_set(err, -ENOMEM, "out of memory");
}

struct prune_check {
	const struct request *request;
	const char *kind;
	const json_t *listed;
	const char *set;
	struct err *err;
	int result;
};

// May this person write this resource? A token also when it is his own.
static int check_one(const struct prune_check *check, const char *name, json_t *spec)
{
	if (strcmp(check->kind, "tokens") == 0)
		return ownership_check(check->request, name, spec, false, check->err);
	return auth_allow(&check->request->who, AUTH_WRITE, check->kind, check->err);
}

static bool check_pruned(void *arg, const struct intent_resource *resource)
{
	struct prune_check *check = arg;
	if (resource->set && strcmp(resource->set, check->set) == 0 &&
	    !json_object_get(check->listed, resource->name))
		check->result = check_one(check, resource->name, NULL);
	return check->result >= 0;
}

// May this person write all that the set writes, or would prune? -EPERM with a sentence. Notes the
// owner of tokens.
static int check_resources(const struct request *request, const json_t *body, struct err *err)
{
	const json_t *resources = json_object_get(body, "resources");
	const char *set = json_string_value(json_object_get(body, "set"));
	for (size_t i = 0; i < KIND_COUNT; i++) {
		json_t *listed = json_object_get(resources, kinds[i].name);
		struct prune_check check = { request, kinds[i].name,
					     listed,  set ? set : "default",
					     err,     0 };
		const char *name;
		json_t *spec;
		if (json_is_true(json_object_get(body, "prune")))
			intent_list(request->rest->services.intent, kinds[i].name, NULL,
				    check_pruned, &check);
		json_object_foreach(listed, name, spec) if (check.result >= 0) check.result =
			check_one(&check, name, spec);
		if (check.result < 0)
			return check.result;
	}
	return 0;
}

static int take_credentials(struct apply *apply, struct err *err)
{
	json_t *resources = json_object_get(apply->body, "resources");
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const char *name;
		json_t *spec;
		json_object_foreach(json_object_get(resources, kinds[i].name), name, spec)
		{
			int r = take_credential(apply, &kinds[i], name, spec, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

// The set's own fields; the resources are the intent's to check. 0 or a negative errno after having
// answered.
static int check_envelope(struct request *request, const json_t *body)
{
	json_auto_t *envelope = json_copy((json_t *)(uintptr_t)body);
	if (json_is_object(json_object_get(envelope, "resources")))
		json_object_set_new(envelope, "resources", json_object());
	return request_check(request, "ApplyRequest", envelope);
}

void apply_post(struct request *request)
{
	json_auto_t *body = NULL;
	struct err err = { 0 };
	if (request_json(request, "application/json", &body) < 0 ||
	    check_envelope(request, body) < 0)
		return;
	if (check_resources(request, body, &err) < 0) {
		request_problem(request, MHD_HTTP_FORBIDDEN, "%s", err.text);
		return;
	}
	struct apply *apply = calloc(1, sizeof(*apply));
	if (!apply) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	request->state = apply;
	request->state_free = apply_free;
	apply->is_dry = json_is_true(json_object_get(body, "dry_run"));
	apply->body = take_ptr(&body);
	if (take_credentials(apply, &err) < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err.text);
	else if (apply->has_password && confirm_time_ms(apply->body) > 0)
		request_problem(request, MHD_HTTP_CONFLICT,
				"a password cannot be undone: apply users with passwords without "
				"confirm");
	else
		hash_next(request);
}
