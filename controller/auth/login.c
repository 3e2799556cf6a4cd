// Signing in and out, and hashing passwords: what takes worker threads and transactions.
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "auth/inside.h"
#include "auth/password.h"
#include "auth/secret.h"

#define HASHING_RUNNING    2    // at once: each takes 32 MiB and a core, and the loop needs one too
#define HASHING_MAX        64   // with those that wait for their turn
#define HASHING_PER_SOURCE 2    // of them from one address
#define KNOWN_MAX          4096 // who signed in well before, and from where

// ---- a login ----

struct login_job {
	uv_work_t work;
	struct login_job *next; // among those under way, in the order they came
	bool is_running;
	bool is_known; // this user has signed in from this address before
	struct auth *auth;
	char user[AUTH_NAME_SIZE];
	char source[64];
	char password[AUTH_PASSWORD_MAX + 2];
	char hash[AUTH_HASH_SIZE]; // the user's at the start; "" for an unknown one
	unsigned log_n;
	bool fits;
	struct auth_login login;
	struct auth_session *session; // becomes the table's when it is on disk
	auth_login_fn *done;
	void *arg;
};

static void login_end(struct login_job *job, const struct auth_login *login, const struct err *err)
{
	struct auth *auth = job->auth;
	job->done(job->arg, login, err);
	free(job->session);
	OPENSSL_cleanse(job, sizeof *job);
	free(job);
	auth_unref(auth);
}

static void login_refuse(struct login_job *job, int code, const char *sentence)
{
	struct err err;
	(void)err_set(&err, code, "%s", sentence);
	login_end(job, NULL, &err);
}

static int session_write(struct store_tx *tx, void *arg, struct err *err)
{
	const struct login_job *job = arg;
	const struct auth_session *s = job->session;
	const struct auth *auth = job->auth;
	int r = store_exec(tx, SQL_SESSION_PRUNE,
			   STORE_PARAMS(store_int(s->created_ms),
					store_int(s->created_ms - auth->settings.idle_ms)),
			   err);
	if (r < 0)
		return r;
	r = store_exec(tx, SQL_SESSION_INSERT,
		       STORE_PARAMS(store_text(s->hash), store_int(s->user_id),
				    store_text(auth_role_name(s->role)), store_text(s->csrf),
				    store_int(s->created_ms), store_int(s->expires_ms)),
		       err);
	return r < 0 ? r : 0;
}

static void session_written(void *arg, enum store_result result, const struct err *err)
{
	struct login_job *job = arg;
	struct auth *auth = job->auth;
	if (result != STORE_OK || tables_add_session(auth->tables, job->session) < 0) {
		struct err why;
		(void)err_set(&why, -EIO, "cannot keep the session: %s", err->text);
		login_end(job, NULL, &why);
		return;
	}
	job->session = NULL;
	login_end(job, &job->login, &(struct err){ 0 });
}

static int make_session(struct login_job *job, const struct auth_user *user, struct err *err)
{
	struct auth_session *s = calloc(1, sizeof *s);
	job->session = s;
	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	int64_t now = clock_wall_ms();
	*s = (struct auth_session){
		.user_id = user->id,
		.role = user->role,
		.created_ms = now,
		.used_ms = now,
		.saved_ms = now,
		.expires_ms = now + job->auth->settings.absolute_ms,
	};
	int r = secret_make("", job->login.session, err);
	if (r == 0)
		r = secret_make("", s->csrf, err);
	if (r < 0)
		return r;
	secret_hash(job->login.session, s->hash);
	auth_identity_of(user, s, &job->login.identity);
	return 0;
}

static void login_worker(uv_work_t *work)
{
	struct login_job *job = work->data;
	job->fits = password_fits(job->password, job->hash[0] ? job->hash : NULL, job->log_n);
	OPENSSL_cleanse(job->password, sizeof job->password);
}

static void leave_line(const struct login_job *job)
{
	struct login_job **at = &job->auth->logins;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

// Those who were here before go first: a flood of strangers does not keep them out.
static struct login_job *next_in_line(const struct auth *auth)
{
	struct login_job *first = NULL;
	unsigned running = 0;
	for (struct login_job *job = auth->logins; job; job = job->next) {
		running += job->is_running;
		if (!job->is_running && (!first || (job->is_known && !first->is_known)))
			first = job;
	}
	return running < HASHING_RUNNING ? first : NULL;
}

static void login_checked(uv_work_t *work, int status);

static void run_logins(struct auth *auth)
{
	for (struct login_job *job; (job = next_in_line(auth));) {
		job->work.data = job;
		job->is_running = true;
		if (!auth->is_closing &&
		    uv_queue_work(auth->loop, &job->work, login_worker, login_checked) == 0)
			continue;
		leave_line(job);
		login_refuse(job, -ESHUTDOWN, "the controller is stopping");
	}
}

static void known_name(const struct login_job *job, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s %s", job->source, job->user);
}

// Such an attempt is a good one, and the next from there goes first.
static void become_known(const struct login_job *job)
{
	struct auth *auth = job->auth;
	char name[sizeof job->source + sizeof job->user + 1];
	limit_give(auth->by_source, job->source, clock_mono_ms());
	limit_give(auth->by_user, job->user, clock_mono_ms());
	if (map_size(auth->known) >= KNOWN_MAX) {
		map_free(auth->known);
		auth->known = map_new(NULL);
	}
	known_name(job, name, sizeof name);
	if (auth->known)
		(void)map_set(auth->known, name, auth); // any value but NULL
}

static void login_checked(uv_work_t *work, int status)
{
	struct login_job *job = work->data;
	struct auth *auth = job->auth;
	leave_line(job);
	run_logins(auth);
	if (status < 0 || auth->is_closing) {
		login_refuse(job, -ESHUTDOWN, "the controller is stopping");
		return;
	}
	// The user may have been deleted or given another password while the hash was computed.
	const struct auth_user *user = map_get(auth->tables->users_by_name, job->user);
	if (!job->fits || !user || strcmp(user->hash, job->hash) != 0) {
		login_refuse(job, -EACCES, "user or password is wrong");
		return;
	}
	become_known(job);
	struct err err = { 0 };
	int r = make_session(job, user, &err);
	if (r == 0)
		r = store_transact(auth->store, NULL, session_write, session_written, job);
	if (r < 0)
		login_refuse(job, -EIO, err.code ? err.text : "cannot keep the session");
}

// Who was here before is not held up by what others try in his name.
static bool may_try(struct auth *auth, const struct login_job *job)
{
	int64_t now = clock_mono_ms();
	unsigned all = 0;
	unsigned of_source = 0;
	for (const struct login_job *other = auth->logins; other; other = other->next, all++)
		of_source += strcmp(other->source, job->source) == 0;
	return all < HASHING_MAX && of_source < HASHING_PER_SOURCE &&
	       limit_take(auth->by_source, job->source, now) &&
	       (limit_take(auth->by_user, job->user, now) || job->is_known);
}

static void login_start(struct login_job *job)
{
	struct auth *auth = job->auth;
	char name[sizeof job->source + sizeof job->user + 1];
	if (auth->is_closing) {
		login_refuse(job, -ESHUTDOWN, "the controller is stopping");
		return;
	}
	known_name(job, name, sizeof name);
	job->is_known = auth->known && map_get(auth->known, name);
	if (!may_try(auth, job)) {
		login_refuse(job, -EBUSY, "too many attempts to sign in: wait a minute");
		return;
	}
	const struct auth_user *user = map_get(auth->tables->users_by_name, job->user);
	if (user)
		(void)snprintf(job->hash, sizeof job->hash, "%s", user->hash);
	struct login_job **last = &auth->logins;
	while (*last)
		last = &(*last)->next;
	*last = job;
	run_logins(auth);
}

void auth_login(struct auth *auth, const char *user, const char *password, const char *source,
		auth_login_fn *done, void *arg)
{
	struct login_job *job = calloc(1, sizeof *job);
	if (!job) {
		done(arg, NULL, &(struct err){ .code = -ENOMEM, .text = "out of memory" });
		return;
	}
	job->auth = auth;
	job->done = done;
	job->arg = arg;
	job->log_n = auth->settings.scrypt_log_n;
	// What is longer than any name or password is cut, and then fits nothing.
	(void)snprintf(job->user, sizeof job->user, "%s", user);
	(void)snprintf(job->source, sizeof job->source, "%s", source);
	(void)snprintf(job->password, sizeof job->password, "%s", password);
	auth->refs++;
	login_start(job);
}

// ---- signing out ----

struct logout_job {
	struct auth *auth;
	char hash[SECRET_HASH_SIZE];
	void (*done)(void *arg);
	void *arg;
};

static int logout_write(struct store_tx *tx, void *arg, struct err *err)
{
	const struct logout_job *job = arg;
	int r = store_exec(tx, SQL_SESSION_DELETE, STORE_PARAMS(store_text(job->hash)), err);
	return r < 0 ? r : 0;
}

static void logout_end(void *arg, enum store_result result, const struct err *err)
{
	(void)result; // the browser has lost its cookie in any case
	(void)err;
	struct logout_job *job = arg;
	// A reload that was under way may have brought it back.
	(void)map_drop(job->auth->tables->sessions, job->hash);
	if (job->done)
		job->done(job->arg);
	auth_unref(job->auth);
	free(job);
}

void auth_logout(struct auth *auth, const char *cookie, void (*done)(void *arg), void *arg)
{
	char hash[SECRET_HASH_SIZE];
	const struct auth_session *session = auth_find_session(auth, cookie, hash);
	struct logout_job *job = session ? calloc(1, sizeof *job) : NULL;
	if (!job) {
		if (done)
			done(arg);
		return;
	}
	*job = (struct logout_job){ .auth = auth, .done = done, .arg = arg };
	memcpy(job->hash, hash, sizeof job->hash);
	(void)map_drop(auth->tables->sessions, hash);
	auth->refs++;
	if (store_transact(auth->store, NULL, logout_write, logout_end, job) < 0)
		logout_end(job, STORE_FAILED, NULL);
}

// ---- hashing a new password ----

struct hash_job {
	uv_work_t work;
	struct auth *auth;
	char *password;
	char hash[AUTH_HASH_SIZE];
	unsigned log_n;
	struct err err;
	auth_hash_fn *done;
	void *arg;
};

static void hash_worker(uv_work_t *work)
{
	struct hash_job *job = work->data;
	(void)password_hash(job->password, job->log_n, job->hash, &job->err);
}

static void hash_end(uv_work_t *work, int status)
{
	struct hash_job *job = work->data;
	struct auth *auth = job->auth;
	if (status < 0)
		(void)err_set(&job->err, status, "hashing was cancelled");
	job->done(job->arg, job->err.code ? NULL : job->hash, &job->err);
	OPENSSL_cleanse(job->password, strlen(job->password));
	free(job->password);
	free(job);
	auth_unref(auth);
}

void auth_hash_password(struct auth *auth, const char *password, auth_hash_fn *done, void *arg)
{
	struct hash_job *job = calloc(1, sizeof *job);
	char *copy = strdup(password);
	if (!job || !copy) {
		free(job);
		free(copy);
		done(arg, NULL, &(struct err){ .code = -ENOMEM, .text = "out of memory" });
		return;
	}
	*job = (struct hash_job){ .auth = auth, .password = copy, .done = done, .arg = arg };
	job->log_n = auth->settings.scrypt_log_n;
	job->work.data = job;
	auth->refs++;
	int r = uv_queue_work(auth->loop, &job->work, hash_worker, hash_end);
	if (r < 0)
		hash_end(&job->work, r);
}
