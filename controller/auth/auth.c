#include "auth/auth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "auth/inside.h"
#include "auth/password.h"
#include "auth/secret.h"

#define WATCH_MS       1000
#define SAVE_USE_MS    60000 // a session's last use reaches the disk this often
#define HOUR_MS        3600000LL
#define SOURCE_BURST   10
#define SOURCE_WAIT_MS 6000
#define USER_BURST     20
#define USER_WAIT_MS   3000

// ---- checking a request ----

// The value of our cookie in a Cookie header ("a=1; __Host-weft=...; b=2"); *ret_len is 0 when it
// is not there.
static const char *cookie_value(const char *header, size_t *ret_len)
{
	const char *p = header;
	while (p) {
		const char *value = NULL;
		p += strspn(p, " \t");
		if (text_starts(p, AUTH_COOKIE_NAME "=", &value)) {
			*ret_len = strcspn(value, "; \t");
			return value;
		}
		p = strchr(p, ';');
		p = p ? p + 1 : NULL;
	}
	*ret_len = 0;
	return NULL;
}

struct auth_session *auth_find_session(const struct auth *auth, const char *cookie, char *ret_hash)
{
	char value[AUTH_SECRET_SIZE];
	size_t len = 0;
	const char *found = cookie ? cookie_value(cookie, &len) : NULL;
	if (!found || len == 0 || len >= sizeof value)
		return NULL;
	memcpy(value, found, len);
	value[len] = '\0';
	secret_hash(value, ret_hash);
	return map_get(auth->tables->sessions, ret_hash);
}

void auth_identity_of(const struct auth_user *user, const struct auth_session *session,
		      struct auth_identity *ret_identity)
{
	struct auth_identity identity = {
		.resource_id = user->id,
		.role = user->role,
		.is_session = true,
		.expires_ms = session->expires_ms,
	};
	(void)snprintf(identity.name, sizeof identity.name, "%s", user->name);
	(void)snprintf(identity.user, sizeof identity.user, "%s", user->name);
	(void)snprintf(identity.actor, sizeof identity.actor, "user/%s", user->name);
	(void)snprintf(identity.csrf, sizeof identity.csrf, "%s", session->csrf);
	*ret_identity = identity;
}

static int check_token(const struct auth *auth, const char *authorization, int64_t now_ms,
		       struct auth_identity *ret_identity, struct err *err)
{
	const char *token = NULL;
	char hash[SECRET_HASH_SIZE];
	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return err_set(err, -EACCES, "Authorization: only `Bearer TOKEN` is understood");
	token = authorization + 7;
	token += strspn(token, " ");
	if (strlen(token) >= AUTH_SECRET_SIZE)
		return err_set(err, -EACCES, "this token is not known");
	secret_hash(token, hash);
	const struct auth_token *found = map_get(auth->tables->tokens, hash);
	if (!found)
		return err_set(err, -EACCES, "this token is not known");
	if (found->identity.expires_ms && now_ms >= found->identity.expires_ms)
		return err_set(err, -EACCES, "the token %s has expired", found->identity.name);
	*ret_identity = found->identity;
	return 0;
}

struct touch {
	struct auth *auth;
	int64_t used_ms;
	char hash[SECRET_HASH_SIZE];
};

static int touch_write(struct store_tx *tx, void *arg, struct err *err)
{
	const struct touch *touch = arg;
	int r = store_exec(tx, SQL_SESSION_TOUCH,
			   STORE_PARAMS(store_text(touch->hash), store_int(touch->used_ms)), err);
	return r < 0 ? r : 0;
}

static void touch_done(void *arg, enum store_result result, const struct err *err)
{
	(void)result; // a lost use only ends a session earlier
	(void)err;
	free(arg);
}

static void touch_session(const struct auth *auth, struct auth_session *session, int64_t now_ms)
{
	session->used_ms = now_ms;
	if (now_ms - session->saved_ms < SAVE_USE_MS)
		return;
	session->saved_ms = now_ms;
	struct touch *touch = calloc(1, sizeof *touch);
	if (!touch)
		return;
	touch->used_ms = now_ms;
	(void)snprintf(touch->hash, sizeof touch->hash, "%s", session->hash);
	if (store_transact(auth->store, NULL, touch_write, touch_done, touch) < 0)
		free(touch);
}

static int check_session(const struct auth *auth, const struct auth_credentials *credentials,
			 int64_t now_ms, struct auth_identity *ret_identity, struct err *err)
{
	char hash[SECRET_HASH_SIZE];
	struct auth_session *session = auth_find_session(auth, credentials->cookie, hash);
	const struct auth_user *user = session ? tables_user(auth->tables, session->user_id) : NULL;
	if (!user || user->role != session->role)
		return err_set(err, -EACCES, "nobody is signed in");
	if (now_ms >= session->expires_ms || now_ms - session->used_ms >= auth->settings.idle_ms)
		return err_set(err, -EACCES, "the session has expired: sign in again");
	if (credentials->is_write &&
	    (!credentials->csrf || !secret_equal(credentials->csrf, session->csrf)))
		return err_set(err, -EPERM, "the header " AUTH_CSRF_HEADER " is missing or wrong");
	touch_session(auth, session, now_ms);
	auth_identity_of(user, session, ret_identity);
	return 0;
}

int auth_check(struct auth *auth, const struct auth_credentials *credentials, int64_t now_ms,
	       struct auth_identity *ret_identity, struct err *err)
{
	if (credentials->authorization)
		return check_token(auth, credentials->authorization, now_ms, ret_identity, err);
	return check_session(auth, credentials, now_ms, ret_identity, err);
}

static bool has_scope(const struct auth_identity *identity, const char *scope)
{
	for (size_t i = 0; i < identity->scope_count; i++) {
		if (strcmp(identity->scopes[i], scope) == 0)
			return true;
	}
	return false;
}

int auth_allow(const struct auth_identity *identity, enum auth_method method, const char *kind,
	       struct err *err)
{
	enum auth_role needed = auth_role_needed(method, kind);
	const char *verb = method == AUTH_READ ? "read" : "change";
	if (identity->role < needed)
		return err_set(err, -EPERM, "%s has the role %s, to %s %s takes %s",
			       identity->actor, auth_role_name(identity->role), verb, kind,
			       auth_role_name(needed));
	if (identity->scope_count == 0 || has_scope(identity, kind) ||
	    (method == AUTH_READ && has_scope(identity, "read")))
		return 0;
	return err_set(err, -EPERM, "%s has no scope to %s %s", identity->actor, verb, kind);
}

char *auth_set_cookie(const struct auth *auth, const char *session)
{
	long long age_s = session[0] ? (long long)auth->settings.absolute_ms / 1000 : 0;
	return text_format(AUTH_COOKIE_NAME
			   "=%s; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=%lld",
			   session, age_s);
}

// ---- keeping the tables true ----

struct reload {
	struct auth *auth;
	struct auth_tables *tables; // made on the store's thread; NULL when nothing changed
	int64_t known[2];           // version of the present tables
	bool is_poll;               // load only when the version moved
	void (*done)(void *arg);
	void *arg;
};

static int reload_read(struct store_tx *tx, void *arg, struct err *err)
{
	struct reload *reload = arg;
	int64_t version[2];
	int r = tables_version(tx, version, err);
	if (r < 0 || (reload->is_poll && memcmp(version, reload->known, sizeof version) == 0))
		return r;
	tables_free(reload->tables);
	reload->tables = tables_new();
	return reload->tables ? tables_load(reload->tables, tx, err)
			      : err_set(err, -ENOMEM, "out of memory");
}

// Uses that have not reached the disk yet are kept.
static void keep_uses(const struct auth_tables *from, const struct auth_tables *to)
{
	const char *hash = NULL;
	void *value = NULL;
	for (size_t at = 0; map_next(to->sessions, &at, &hash, &value);) {
		struct auth_session *session = value;
		const struct auth_session *before = map_get(from->sessions, hash);
		if (before && before->used_ms > session->used_ms)
			session->used_ms = before->used_ms;
	}
}

static void reload_done(void *arg, enum store_result result, const struct err *err)
{
	(void)err; // what is known stays in force; the next poll tries again
	struct reload *reload = arg;
	struct auth *auth = reload->auth;
	if (result == STORE_OK && reload->tables) {
		keep_uses(auth->tables, reload->tables);
		tables_free(auth->tables);
		auth->tables = take_ptr(&reload->tables);
	}
	if (reload->is_poll)
		auth->is_polling = false;
	if (reload->done)
		reload->done(reload->arg);
	tables_free(reload->tables);
	free(reload);
	auth_unref(auth);
}

static bool start_reload(struct auth *auth, const struct reload *wanted)
{
	struct reload *reload = malloc(sizeof *reload);
	if (!reload)
		return false;
	*reload = *wanted;
	reload->auth = auth;
	memcpy(reload->known, auth->tables->version, sizeof reload->known);
	if (auth->is_closing || store_read(auth->store, reload_read, reload_done, reload) < 0) {
		free(reload);
		return false;
	}
	auth->refs++;
	return true;
}

void auth_reload(struct auth *auth, void (*done)(void *arg), void *arg)
{
	if (!start_reload(auth, &(struct reload){ .done = done, .arg = arg }) && done)
		done(arg);
}

static void on_watch(uv_timer_t *timer)
{
	struct auth *auth = timer->data;
	if (!auth->is_polling)
		auth->is_polling = start_reload(auth, &(struct reload){ .is_poll = true });
}

// ---- life ----

void auth_unref(struct auth *auth)
{
	if (--auth->refs > 0)
		return;
	tables_free(auth->tables);
	limit_free(auth->by_source);
	limit_free(auth->by_user);
	map_free(auth->known);
	free(auth);
}

static int load_first(struct store_tx *tx, void *arg, struct err *err)
{
	struct auth *auth = arg;
	tables_free(auth->tables);
	auth->tables = tables_new();
	return auth->tables ? tables_load(auth->tables, tx, err)
			    : err_set(err, -ENOMEM, "out of memory");
}

static void fill_settings(struct auth *auth, const struct auth_settings *settings)
{
	if (settings)
		auth->settings = *settings;
	if (auth->settings.idle_ms == 0)
		auth->settings.idle_ms = 12LL * HOUR_MS;
	if (auth->settings.absolute_ms == 0)
		auth->settings.absolute_ms = 7LL * 24 * HOUR_MS;
	if (auth->settings.source_attempts == 0)
		auth->settings.source_attempts = SOURCE_BURST;
	if (auth->settings.source_wait_ms == 0)
		auth->settings.source_wait_ms = SOURCE_WAIT_MS;
	if (auth->settings.user_attempts == 0)
		auth->settings.user_attempts = USER_BURST;
	if (auth->settings.user_wait_ms == 0)
		auth->settings.user_wait_ms = USER_WAIT_MS;
	if (auth->settings.scrypt_log_n == 0)
		auth->settings.scrypt_log_n = PASSWORD_LOG_N;
}

int auth_new(struct uv_loop_s *loop, struct store *store, const struct auth_settings *settings,
	     struct auth **ret_auth, struct err *err)
{
	struct auth *auth = calloc(1, sizeof *auth);
	if (!auth)
		return err_set(err, -ENOMEM, "out of memory");
	auth->loop = loop;
	auth->store = store;
	auth->refs = 1;
	fill_settings(auth, settings);
	const struct auth_settings *s = &auth->settings;
	auth->by_source = limit_new(s->source_attempts, (int64_t)s->source_wait_ms);
	auth->by_user = limit_new(s->user_attempts, (int64_t)s->user_wait_ms);
	struct err why = { 0 };
	auth->known = map_new(NULL);
	int r = auth->by_source && auth->by_user && auth->known
			? 0
			: err_set(&why, -ENOMEM, "out of memory");
	if (r == 0 && store_read_sync(store, load_first, auth, &why) != STORE_OK)
		r = why.code;
	if (r == 0)
		r = uv_timer_init(loop, &auth->watch);
	if (r < 0) {
		auth_unref(auth);
		return err_set(err, r, "auth: %s", why.code ? why.text : uv_strerror(r));
	}
	auth->watch.data = auth;
	auth->refs++;
	(void)uv_timer_start(&auth->watch, on_watch, WATCH_MS, WATCH_MS);
	*ret_auth = auth;
	return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
	auth_unref(handle->data);
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	auth->is_closing = true;
	uv_close((uv_handle_t *)&auth->watch, on_watch_closed);
	auth_unref(auth);
}
