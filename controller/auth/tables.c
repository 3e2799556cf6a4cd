#include "auth/tables.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "store/rows.h"

CLEAN_FUNC(json_t, json_decref)

struct auth_tables *tables_new(void)
{
	CLEAN(tables_free_ptr) struct auth_tables *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->users_by_name = map_new(free);
	t->users_by_id = map_new(NULL);
	t->tokens = map_new(free);
	t->sessions = map_new(free);
	if (!t->users_by_name || !t->users_by_id || !t->tokens || !t->sessions)
		return NULL;
	return take_ptr(&t);
}

void tables_free(struct auth_tables *tables)
{
	if (!tables)
		return;
	map_free(tables->users_by_id);
	map_free(tables->users_by_name);
	map_free(tables->tokens);
	map_free(tables->sessions);
	free(tables);
}

static void id_key(int64_t id, char key[24])
{
	(void)snprintf(key, 24, "%lld", (long long)id);
}

const struct auth_user *tables_user(const struct auth_tables *tables, int64_t id)
{
	char key[24];
	id_key(id, key);
	return map_get(tables->users_by_id, key);
}

int tables_add_session(struct auth_tables *tables, struct auth_session *session)
{
	return map_set(tables->sessions, session->hash, session);
}

static enum auth_role role_of(const json_t *spec)
{
	return auth_role_parse(json_string_value(json_object_get(spec, "role")));
}

// ---- one row of `resource` ----

static int add_user(struct auth_tables *t, const struct store_resource *resource)
{
	CLEAN(json_decref_ptr) json_t *spec = json_loads(resource->spec, 0, NULL);
	struct auth_user *user = calloc(1, sizeof *user);
	if (!user)
		return -ENOMEM;
	user->id = resource->id;
	user->role = role_of(spec);
	(void)snprintf(user->name, sizeof user->name, "%s", resource->name);
	if (map_set(t->users_by_name, user->name, user) < 0) {
		free(user);
		return -ENOMEM;
	}
	char key[24];
	id_key(user->id, key);
	return map_set(t->users_by_id, key, user);
}

static void read_scopes(const json_t *scopes, struct auth_identity *identity)
{
	size_t count = json_array_size(scopes);
	for (size_t i = 0; i < count; i++) {
		const char *scope = json_string_value(json_array_get(scopes, i));
		if (identity->scope_count == AUTH_SCOPES_MAX || !scope)
			continue;
		(void)snprintf(identity->scopes[identity->scope_count++], AUTH_SCOPE_SIZE, "%s",
			       scope);
	}
	// A list that names nothing usable grants nothing: never more than was written.
	if (count > 0 && identity->scope_count == 0)
		identity->role = AUTH_ROLE_NONE;
}

struct loading {
	struct auth_tables *tables;
	struct map *tokens; // decimal id -> struct auth_token, until its hash is known; owned
};

// A token ends with its owner, and when he is no longer as much as it is. Users are loaded first.
static bool is_owned_well(const struct auth_tables *t, const json_t *spec)
{
	const char *owner = json_string_value(json_object_get(spec, "owner"));
	const struct auth_user *user = owner ? map_get(t->users_by_name, owner) : NULL;
	return !owner || (user && role_of(spec) <= user->role);
}

static int add_token(const struct loading *loading, const struct store_resource *resource)
{
	CLEAN(json_decref_ptr) json_t *spec = json_loads(resource->spec, 0, NULL);
	if (!is_owned_well(loading->tables, spec))
		return 0;
	const char *owner = json_string_value(json_object_get(spec, "owner"));
	struct auth_token *token = calloc(1, sizeof *token);
	if (!token)
		return -ENOMEM;
	struct auth_identity *identity = &token->identity;
	identity->resource_id = resource->id;
	identity->role = role_of(spec);
	(void)snprintf(identity->name, sizeof identity->name, "%s", resource->name);
	(void)snprintf(identity->actor, sizeof identity->actor, "token/%s", identity->name);
	(void)snprintf(identity->user, sizeof identity->user, "%s", owner ? owner : "");
	read_scopes(json_object_get(spec, "scopes"), identity);
	char key[24];
	id_key(resource->id, key);
	int r = map_set(loading->tokens, key, token);
	if (r < 0)
		free(token);
	return r;
}

static int on_resource(const struct store_row *row, void *arg, struct err *err)
{
	const struct loading *loading = arg;
	struct store_resource resource;
	store_read_resource(row, &resource);
	bool is_user = strcmp(resource.kind, "users") == 0;
	int r = is_user ? add_user(loading->tables, &resource) : add_token(loading, &resource);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

// ---- one row of `credential`, `session` ----

static int on_credential(const struct store_row *row, void *arg, struct err *err)
{
	const struct loading *loading = arg;
	struct store_credential credential;
	store_read_credential(row, &credential);
	char key[24];
	id_key(credential.resource_id, key);
	struct auth_user *user = map_get(loading->tables->users_by_id, key);
	if (user)
		(void)snprintf(user->hash, sizeof user->hash, "%s", credential.hash);
	const struct auth_token *waiting = map_get(loading->tokens, key);
	if (!waiting)
		return 0;
	struct auth_token *token = malloc(sizeof *token);
	if (!token)
		return err_set(err, -ENOMEM, "out of memory");
	*token = *waiting;
	token->identity.expires_ms = credential.expires_ms;
	int r = map_set(loading->tables->tokens, credential.hash, token);
	if (r < 0)
		free(token);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int on_session(const struct store_row *row, void *arg, struct err *err)
{
	struct store_session stored;
	store_read_session(row, &stored);
	struct auth_session *session = calloc(1, sizeof *session);
	if (!session)
		return err_set(err, -ENOMEM, "out of memory");
	*session = (struct auth_session){
		.user_id = stored.user_id,
		.role = auth_role_parse(stored.role),
		.created_ms = stored.created_ms,
		.used_ms = stored.used_ms,
		.saved_ms = stored.used_ms,
		.expires_ms = stored.expires_ms,
	};
	(void)snprintf(session->hash, sizeof session->hash, "%s", stored.hash);
	(void)snprintf(session->csrf, sizeof session->csrf, "%s", stored.csrf);
	int r = tables_add_session(arg, session);
	if (r < 0)
		free(session);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int load_kind(struct store_tx *tx, const char *kind, struct loading *loading,
		     struct err *err)
{
	return store_query(tx, SQL_RESOURCE_LIST,
			   STORE_PARAMS(store_text(kind), store_text(""), store_text(""),
					store_text(""), store_int(INT64_MAX)),
			   on_resource, loading, err);
}

int tables_version(struct store_tx *tx, int64_t ret_version[2], struct err *err)
{
	int r = store_meta_int(tx, "auth_revision", &ret_version[0], err);
	return r < 0 ? r : store_meta_int(tx, "revision", &ret_version[1], err);
}

int tables_load(struct auth_tables *tables, struct store_tx *tx, struct err *err)
{
	struct loading loading = { .tables = tables, .tokens = map_new(free) };
	if (!loading.tokens)
		return err_set(err, -ENOMEM, "out of memory");
	int r = tables_version(tx, tables->version, err);
	if (r >= 0)
		r = load_kind(tx, "users", &loading, err);
	if (r >= 0)
		r = load_kind(tx, "tokens", &loading, err);
	if (r >= 0)
		r = store_query(tx, SQL_CREDENTIAL_ALL, STORE_NO_PARAMS, on_credential, &loading,
				err);
	if (r >= 0)
		r = store_query(tx, SQL_SESSION_ALL, STORE_NO_PARAMS, on_session, tables, err);
	map_free(loading.tokens);
	return r < 0 ? r : 0;
}
