// The SQLite backend: one connection, WAL, synchronous FULL, statements prepared once and kept.
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/backend.h"
#include "store/file.h"
#include "store/migrate.h"

#define BUSY_MS     5000 // another process (reset-password) holds the write lock for milliseconds
#define BUSY_NAP_MS 10
#define COLUMN_MAX  16

struct sqlite_db {
	sqlite3 *handle;
	char *path;
	sqlite3_stmt *kept[SQL_COUNT];
};

static const struct {
	int sqlite; // primary result code
	int code;
	const char *text;
} failures[] = {
	{ SQLITE_CONSTRAINT, -EEXIST, "a rule of the database was hurt" },
	{ SQLITE_BUSY, -EAGAIN, "the database is busy" },
	{ SQLITE_LOCKED, -EAGAIN, "the database is busy" },
	{ SQLITE_FULL, -ENOSPC, "the disk is full, nothing was changed: make room and try again" },
	{ SQLITE_CORRUPT, -EUCLEAN,
	  "the database is damaged, it was left as it is: restore a backup" },
	{ SQLITE_NOTADB, -EUCLEAN, "this is not a database of Weft, it was left as it is" },
	{ SQLITE_READONLY, -EROFS,
	  "the database cannot be written: check the owner, mode and mount" },
	{ SQLITE_CANTOPEN, -EACCES,
	  "the database cannot be opened: check the owner, mode and mount" },
	{ SQLITE_PERM, -EACCES, "the database cannot be opened: check the owner, mode and mount" },
	{ SQLITE_NOMEM, -ENOMEM, "out of memory" },
	{ SQLITE_TOOBIG, -EFBIG, "a value is too large for the database" },
	{ SQLITE_IOERR, -EIO, "reading or writing the database failed" },
};

static int failed(const struct sqlite_db *db, int rc, struct err *err)
{
	const char *detail = sqlite3_errmsg(db->handle);
	// The index of the log could not grow: before anything was written.
	if (rc == SQLITE_IOERR_SHMSIZE)
		rc = SQLITE_FULL;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		if (failures[i].sqlite == (rc & 0xff))
			return err_set(err, failures[i].code, "%s (%s)", failures[i].text, detail);
	}
	return err_set(err, -EIO, "the database failed: %s", detail);
}

static void db_free(struct sqlite_db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		(void)sqlite3_finalize(db->kept[i]);
	(void)sqlite3_close(db->handle);
	free(db->path);
	free(db);
}
CLEAN_FUNC(struct sqlite_db, db_free)

static int run_text(const struct sqlite_db *db, const char *text, struct err *err)
{
	int rc = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : failed(db, rc, err);
}

// Makes the file itself, so that it (and the WAL, which takes its mode) is nobody else's to read.
static int make_file(const char *path, struct err *err)
{
	CLEAN(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		return 0;
	int code = -errno;
	return err_set(err, code, "cannot open the database: %s", strerror(-code));
}

static int check_row(void *arg, int count, char **values, char **names)
{
	(void)names;
	int *is_sound = arg;
	*is_sound = count > 0 && values[0] && strcmp(values[0], "ok") == 0;
	return 0;
}

// SQLite waits for nobody where two programs turn a new database to WAL at once (it says busy to
// one of them at once, lest they wait for each other).
static int use_log(const struct sqlite_db *db, struct err *err)
{
	int r = run_text(db, "PRAGMA journal_mode = WAL", err);
	for (int waited = 0; r == -EAGAIN && waited < BUSY_MS; waited += BUSY_NAP_MS) {
		(void)sqlite3_sleep(BUSY_NAP_MS);
		r = run_text(db, "PRAGMA journal_mode = WAL", err);
	}
	return r;
}

static int configure(const struct sqlite_db *db, struct err *err)
{
	(void)sqlite3_extended_result_codes(db->handle, 1);
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	int is_sound = 0;
	// First of all, and before anything is written: a damaged file stays for whoever repairs
	// it.
	int rc = sqlite3_exec(db->handle, "PRAGMA quick_check(1)", check_row, &is_sound, NULL);
	if (rc != SQLITE_OK)
		return failed(db, rc, err);
	if (!is_sound)
		return err_set(err, -EUCLEAN,
			       "the database is damaged, it was left as it is: restore a backup");
	int r = use_log(db, err);
	if (r == 0)
		r = run_text(db, "PRAGMA synchronous = FULL", err);
	if (r == 0)
		r = run_text(db, "PRAGMA foreign_keys = ON", err);
	if (r == 0)
		r = run_text(db, "PRAGMA trusted_schema = OFF", err);
	return r;
}

static int db_open(const char *path, void **ret_db, struct err *err)
{
	int r = make_file(path, err);
	if (r < 0)
		return r;
	CLEAN(db_free_ptr) struct sqlite_db *db = calloc(1, sizeof *db);
	if (!db || !(db->path = strdup(path)))
		return err_set(err, -ENOMEM, "out of memory");
	int rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX,
				 NULL);
	r = rc == SQLITE_OK ? configure(db, err) : failed(db, rc, err);
	if (r < 0)
		return r;
	*ret_db = take_ptr(&db);
	return 0;
}

static void db_close(void *db)
{
	db_free(db);
}

static int db_begin(void *arg, bool is_write, struct err *err)
{
	return run_text(arg, is_write ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

static int db_end(void *arg, bool commit, struct err *err)
{
	const struct sqlite_db *db = arg;
	int r = 0;
	if (commit) {
		r = run_text(db, "COMMIT", err);
		// A write or sync that failed half way may or may not have reached the disk.
		if (r == -EIO)
			r = err_set(err, -EINPROGRESS,
				    "the commit broke off, its outcome is unknown: %s",
				    sqlite3_errmsg(db->handle));
	}
	// Some failures have rolled back already.
	if (!sqlite3_get_autocommit(db->handle))
		(void)run_text(db, "ROLLBACK", NULL);
	return r;
}

// ---- statements ----

static int prepare(struct sqlite_db *db, const struct store_statement *statement,
		   sqlite3_stmt **ret_stmt, struct err *err)
{
	bool is_kept = statement->slot >= 0;
	if (is_kept && db->kept[statement->slot]) {
		*ret_stmt = db->kept[statement->slot];
		return 0;
	}
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v3(db->handle, statement->text, -1,
				    is_kept ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, NULL);
	if (rc != SQLITE_OK)
		return failed(db, rc, err);
	if (is_kept)
		db->kept[statement->slot] = stmt;
	*ret_stmt = stmt;
	return 0;
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct store_value *v)
{
	switch (v->type) {
	case STORE_NULL:
		return sqlite3_bind_null(stmt, at);
	case STORE_INT:
		return sqlite3_bind_int64(stmt, at, v->integer);
	case STORE_TEXT:
		return sqlite3_bind_text64(stmt, at, v->bytes, v->len, SQLITE_STATIC, SQLITE_UTF8);
	case STORE_BLOB:
		if (v->len == 0)
			return sqlite3_bind_zeroblob(stmt, at, 0);
		return sqlite3_bind_blob64(stmt, at, v->bytes, v->len, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static int bind_all(const struct sqlite_db *db, sqlite3_stmt *stmt, struct store_params params,
		    struct err *err)
{
	int wanted = sqlite3_bind_parameter_count(stmt);
	if ((size_t)wanted != params.count)
		return err_set(err, -EINVAL, "a statement got %zu parameters and takes %d: %s",
			       params.count, wanted, sqlite3_sql(stmt));
	for (size_t i = 0; i < params.count; i++) {
		int rc = bind_one(stmt, (int)i + 1, &params.values[i]);
		if (rc != SQLITE_OK)
			return failed(db, rc, err);
	}
	return 0;
}

static struct store_value column(sqlite3_stmt *stmt, int at)
{
	switch (sqlite3_column_type(stmt, at)) {
	case SQLITE_INTEGER:
		return store_int(sqlite3_column_int64(stmt, at));
	case SQLITE_TEXT: {
		const void *text = sqlite3_column_text(stmt, at);
		return (struct store_value){ .type = STORE_TEXT,
					     .bytes = text,
					     .len = (size_t)sqlite3_column_bytes(stmt, at) };
	}
	case SQLITE_BLOB: {
		const void *blob = sqlite3_column_blob(stmt, at);
		return store_blob(blob, (size_t)sqlite3_column_bytes(stmt, at));
	}
	default:
		return store_null();
	}
}

static int hand_out(sqlite3_stmt *stmt, store_row_fn *row, void *arg, struct err *err)
{
	struct store_value values[COLUMN_MAX];
	int count = sqlite3_column_count(stmt);
	if (count > COLUMN_MAX)
		return err_set(err, -EOVERFLOW, "a statement has more than %d columns", COLUMN_MAX);
	for (int i = 0; i < count; i++)
		values[i] = column(stmt, i);
	struct store_row r = { .values = values, .count = (size_t)count };
	return row(&r, arg, err);
}

// Steps to the end; rows go to `row` (NULL: they are skipped). Number of rows or a negative errno.
static int step_all(const struct sqlite_db *db, sqlite3_stmt *stmt, store_row_fn *row, void *arg,
		    struct err *err)
{
	int rows = 0;
	for (;;) {
		int rc = sqlite3_step(stmt);
		if (rc == SQLITE_DONE)
			return rows;
		if (rc != SQLITE_ROW)
			return failed(db, rc, err);
		rows++;
		int r = row ? hand_out(stmt, row, arg, err) : 0;
		if (r != 0)
			return r < 0 ? r : rows;
	}
}

static void put_back(const struct store_statement *statement, sqlite3_stmt *stmt)
{
	if (statement->slot < 0) {
		(void)sqlite3_finalize(stmt);
		return;
	}
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
}

static int db_query(void *arg, const struct store_statement *statement, struct store_params params,
		    store_row_fn *row, void *row_arg, struct err *err)
{
	struct sqlite_db *db = arg;
	sqlite3_stmt *stmt = NULL;
	int r = prepare(db, statement, &stmt, err);
	if (r < 0)
		return r;
	r = bind_all(db, stmt, params, err);
	if (r == 0)
		r = step_all(db, stmt, row, row_arg, err);
	put_back(statement, stmt);
	return r;
}

static int db_exec(void *arg, const struct store_statement *statement, struct store_params params,
		   struct err *err)
{
	struct sqlite_db *db = arg;
	int r = db_query(db, statement, params, NULL, NULL, err);
	return r < 0 ? r : sqlite3_changes(db->handle);
}

const struct store_backend store_backend_sqlite = {
	.name = "sqlite",
	.open = db_open,
	.close = db_close,
	.begin = db_begin,
	.exec = db_exec,
	.query = db_query,
	.end = db_end,
};

// ---- the file ----

static void handle_close(sqlite3 **handle)
{
	(void)sqlite3_close(*handle);
}

static int open_file(const char *path, int flags, sqlite3 **handle, struct err *err)
{
	int rc = sqlite3_open_v2(path, handle, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(*handle, BUSY_MS);
	const struct sqlite_db db = { .handle = *handle };
	return rc == SQLITE_OK ? 0 : failed(&db, rc, err);
}

int store_file_copy(const char *path, const char *to, struct err *err)
{
	CLEAN(handle_close) sqlite3 *from = NULL;
	CLEAN(handle_close) sqlite3 *copy = NULL;
	int r = open_file(path, SQLITE_OPEN_READONLY, &from, err);
	if (r < 0)
		return err_prefix(err, "%s", path);
	r = make_file(to, err);
	if (r == 0)
		r = open_file(to, SQLITE_OPEN_READWRITE, &copy, err);
	if (r < 0)
		return err_prefix(err, "%s", to);
	const struct sqlite_db db = { .handle = copy };
	sqlite3_backup *backup = sqlite3_backup_init(copy, "main", from, "main");
	if (!backup)
		return failed(&db, sqlite3_errcode(copy), err);
	// All in one step: a consistent snapshot, and with a write-ahead log nobody waits for it.
	(void)sqlite3_backup_step(backup, -1);
	int rc = sqlite3_backup_finish(backup);
	return rc == SQLITE_OK ? 0 : failed(&db, rc, err);
}

struct file_check {
	store_fault_fn *told;
	void *arg;
	int faults;
};

static void fault(struct file_check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void fault(struct file_check *check, const char *fmt, ...)
{
	struct err text;
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text.text, sizeof text.text, fmt, args);
	va_end(args);
	check->told(check->arg, text.text);
	check->faults++;
}

static int integrity_row(void *arg, int count, char **values, char **names)
{
	(void)names;
	if (count > 0 && values[0] && strcmp(values[0], "ok") != 0)
		fault(arg, "the database is damaged: %s", values[0]);
	return 0;
}

static int foreign_row(void *arg, int count, char **values, char **names)
{
	(void)names;
	if (count > 2)
		fault(arg, "row %s of the table %s refers to a row of %s that does not exist",
		      values[1] ? values[1] : "?", values[0], values[2]);
	return 0;
}

static int version_row(void *arg, int count, char **values, char **names)
{
	(void)names;
	long newest = migration_count ? migrations[migration_count - 1].version : 0;
	long have = count > 0 && values[0] ? strtol(values[0], NULL, 10) : 0;
	if (have > newest)
		fault(arg,
		      "the database has schema %ld, this program knows up to %ld: install the "
		      "newer "
		      "version",
		      have, newest);
	else if (have == 0)
		fault(arg, "this is not a database of Weft");
	return 0;
}

int store_file_check(const char *path, store_fault_fn *told, void *arg, struct err *err)
{
	static const struct {
		const char *pragma;
		int (*row)(void *arg, int count, char **values, char **names);
	} steps[] = {
		{ "PRAGMA integrity_check", integrity_row },
		{ "PRAGMA foreign_key_check", foreign_row },
		{ "PRAGMA user_version", version_row },
	};
	CLEAN(handle_close) sqlite3 *handle = NULL;
	struct file_check check = { told, arg, 0 };
	int r = open_file(path, SQLITE_OPEN_READONLY, &handle, err);
	if (r < 0)
		return r;
	const struct sqlite_db db = { .handle = handle };
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int rc = sqlite3_exec(handle, steps[i].pragma, steps[i].row, &check, NULL);
		if (rc != SQLITE_OK)
			return failed(&db, rc, err);
	}
	return check.faults;
}
