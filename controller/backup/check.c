// What a controller needs to start and to be right, looked at without changing it: everything that
// has to be opened is opened as a copy.
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clean.h"
#include "base/text.h"

#include "backup/backup.h"
#include "backup/inside.h"
#include "intent/intent.h"
#include "pki/pki.h"
#include "pki/vault.h"
#include "store/file.h"
#include "store/store.h"

#define DAY 86400LL

struct check {
	const struct check_options *options;
	char *database; // the copy
	const char *what;
	int faults;
	int before; // faults when `what` began
};

static void begin(struct check *check, const char *what)
{
	check->what = what;
	check->before = check->faults;
}

static void end(struct check *check)
{
	if (check->faults == check->before)
		check->options->told(check->options->arg, check->what, NULL);
}

static void fault(void *arg, const char *sentence)
{
	struct check *check = arg;
	check->faults++;
	check->options->told(check->options->arg, check->what, sentence);
}

static void faultf(struct check *check, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void faultf(struct check *check, const char *fmt, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fault(check, text);
}

// ---- files ----

static void check_files(struct check *check)
{
	const char *dir = check->options->state_dir;
	struct stat of_dir;
	begin(check, "files");
	if (stat(dir, &of_dir) != 0) {
		faultf(check, "%s: %s", dir, strerror(errno));
		return;
	}
	for (size_t i = 0; i < state_files_count; i++) {
		CLEAN(free_ptr) char *path = state_file_path(dir, state_files[i].name);
		struct stat st;
		if (!path || (stat(path, &st) != 0 && !state_files[i].is_needed))
			continue;
		if (access(path, R_OK) != 0)
			faultf(check, "%s: %s: restore a backup, or give it to its user (chown)",
			       path, strerror(errno));
		else if (st.st_uid != of_dir.st_uid)
			faultf(check, "%s belongs to another user than %s: chown --reference=%s %s",
			       path, dir, dir, path);
		else if (st.st_mode & 077)
			faultf(check, "%s can be read by others: chmod 600 %s", path, path);
	}
	end(check);
}

// ---- authority ----

static void check_authority(struct check *check)
{
	struct err err = { 0 };
	CLEAN(pki_free_ptr) struct pki *pki = NULL;
	begin(check, "authority");
	if (pki_open(check->options->state_dir, false, check->options->now, &pki, &err) < 0)
		fault(check, err.text);
	else if (pki_ca_expires(pki) <= check->options->now)
		fault(check, "the authority's certificate (ca.crt) has expired: every node has to "
			     "join a new one");
	else if (pki_ca_expires(pki) < check->options->now + 365 * DAY)
		fault(check, "the authority's certificate (ca.crt) expires within a year");
	end(check);
}

// ---- what is in the database ----

struct secrets {
	struct check *check;
	struct vault *vault;
	size_t count;
};

static int check_secret(const struct store_row *row, void *arg, struct err *err)
{
	struct secrets *secrets = arg;
	struct vault_bytes sealed = { 0 };
	struct vault_output plain = { 0 };
	struct err why = { 0 };
	(void)err;
	int64_t id = store_row_int(row, 0);
	sealed.data = store_row_blob(row, 1, &sealed.len);
	secrets->count++;
	if (vault_unseal(secrets->vault, id, sealed, &plain, &why) < 0)
		faultf(secrets->check, "secret with the id %lld: %s", (long long)id, why.text);
	if (plain.data)
		OPENSSL_cleanse(plain.data, plain.len);
	free(plain.data);
	return 0;
}

static int read_secrets(struct store_tx *tx, void *arg, struct err *err)
{
	int r = store_query(tx, SQL_SECRET_SEALED, STORE_NO_PARAMS, check_secret, arg, err);
	return r < 0 ? r : 0;
}

static void check_secrets(struct check *check, struct store *store)
{
	struct err err = { 0 };
	CLEAN(vault_free_ptr) struct vault *vault = NULL;
	begin(check, "secrets");
	int r = vault_open(check->options->state_dir, false, &vault, &err);
	struct secrets secrets = { check, vault, 0 };
	if (r < 0 || store_read_sync(store, read_secrets, &secrets, &err) != STORE_OK)
		fault(check, err.text);
	end(check);
}

static void check_plan(struct check *check, struct store *store, uv_loop_t *loop)
{
	struct err err = { 0 };
	struct intent *intent = NULL;
	CLEAN(vault_free_ptr) struct vault *vault = NULL;
	struct intent_settings settings = { .loop = loop,
					    .store = store,
					    .schema = check->options->schema,
					    .vxlan_port = check->options->vxlan_port,
					    .wireguard_port = check->options->wireguard_port,
					    .probe_port = check->options->probe_port,
					    .ha_port = check->options->ha_port,
					    .numbers = check->options->numbers };
	begin(check, "plan");
	int r = vault_open(check->options->state_dir, false, &vault, &err);
	if (r == 0)
		r = vault_derive(vault, VAULT_PROBE, settings.probe_secret, &err);
	if (r == 0)
		r = intent_open(&settings, &intent, &err);
	if (r == 0)
		r = intent_verify(intent, fault, check, &err);
	if (r < 0)
		fault(check, err.text);
	intent_free(intent);
	end(check);
}

static int check_contents(struct check *check, struct err *err)
{
	uv_loop_t loop;
	struct store *store = NULL;
	struct err why = { 0 };
	int r = uv_loop_init(&loop);
	if (r < 0)
		return err_set(err, r, "the loop: %s", uv_strerror(r));
	begin(check, "schema");
	if (store_open(NULL, check->database, &store, &why) < 0)
		fault(check, why.text);
	end(check);
	if (store) {
		check_secrets(check, store);
		check_plan(check, store, &loop);
	}
	store_free(store);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return 0;
}

static int check_database(struct check *check, const char *dir, struct err *err)
{
	CLEAN(free_ptr) char *path = state_file_path(check->options->state_dir, "weft.db");
	struct err why = { 0 };
	check->database = state_file_path(dir, "weft.db");
	if (!path || !check->database)
		return err_set(err, -ENOMEM, "out of memory");
	begin(check, "database");
	int r = access(path, F_OK) != 0 ? -errno : store_file_copy(path, check->database, &why);
	if (r == -ENOENT) {
		faultf(check, "%s does not exist: restore a backup", path);
		return 0;
	}
	if (r == 0)
		r = store_file_check(check->database, fault, check, &why);
	if (r < 0)
		faultf(check, "%s: %s", path, why.text);
	end(check);
	// Opening a damaged one tells nothing more.
	return r == 0 ? check_contents(check, err) : 0;
}

int backup_check(const struct check_options *options, struct err *err)
{
	struct check check = { .options = options };
	char dir[] = "/tmp/weft-check.XXXXXX";
	if (!mkdtemp(dir))
		return err_set(err, -errno, "cannot make a directory in /tmp: %s", strerror(errno));
	check_files(&check);
	check_authority(&check);
	int r = check_database(&check, dir, err);
	free(check.database);
	directory_remove(dir);
	return r < 0 ? r : check.faults;
}
