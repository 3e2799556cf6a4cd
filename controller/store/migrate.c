#include "store/migrate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

// End of the string or identifier that begins at `p` with its quote; a doubled quote inside stays
// inside.
static const char *skip_quoted(const char *p)
{
	char quote = *p++;
	for (; *p; p++) {
		if (*p != quote)
			continue;
		if (p[1] != quote)
			return p + 1;
		p++;
	}
	return p;
}

// Behind the statement that begins at `p`: its semicolon or the end of the text. Knows `--`
// comments and quotes; the subset has no triggers, so a semicolon always ends a statement.
static const char *statement_end(const char *p)
{
	while (*p && *p != ';') {
		if (*p == '\'' || *p == '"')
			p = skip_quoted(p);
		else if (p[0] == '-' && p[1] == '-')
			p += strcspn(p, "\n");
		else
			p++;
	}
	return p;
}

// Behind white space and comments.
static const char *statement_start(const char *p)
{
	for (;;) {
		p += strspn(p, " \t\r\n;");
		if (p[0] != '-' || p[1] != '-')
			return p;
		p += strcspn(p, "\n");
	}
}

static int run(const struct store_backend *backend, void *db, const char *text, struct err *err)
{
	struct store_statement statement = { .slot = -1, .text = text };
	int r = backend->exec(db, &statement, STORE_NO_PARAMS, err);
	return r < 0 ? r : 0;
}

static int run_file(const struct store_backend *backend, void *db, const struct migration *m,
		    struct err *err)
{
	const char *p = statement_start((const char *)m->sql);
	while (*p) {
		const char *end = statement_end(p);
		CLEAN(free_ptr) char *text = strndup(p, (size_t)(end - p));
		if (!text)
			return err_set(err, -ENOMEM, "out of memory");
		int r = run(backend, db, text, err);
		if (r < 0)
			return r;
		p = statement_start(end);
	}
	char pragma[64];
	(void)snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", m->version);
	return run(backend, db, pragma, err);
}

static int read_version(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	*(int64_t *)arg = store_row_int(row, 0);
	return 0;
}

static int schema_version(const struct store_backend *backend, void *db, int64_t *ret_version,
			  struct err *err)
{
	return backend->query(db, store_statement(SQL_SCHEMA_VERSION), STORE_NO_PARAMS,
			      read_version, ret_version, err);
}

// The version is asked again inside: another program of the controller may be starting on the same
// new database and have been first.
static int apply(const struct store_backend *backend, void *db, const struct migration *m,
		 struct err *err)
{
	int64_t have = 0;
	int r = backend->begin(db, true, err);
	if (r < 0)
		return r;
	r = schema_version(backend, db, &have, err);
	if (r >= 0 && have < m->version)
		r = run_file(backend, db, m, err);
	if (r < 0) {
		(void)backend->end(db, false, NULL);
		return err_prefix(err, "schema change %s", m->file);
	}
	return backend->end(db, true, err);
}

int migrate(const struct store_backend *backend, void *db, const struct migration *list,
	    size_t count, struct err *err)
{
	int64_t have = 0;
	int r = schema_version(backend, db, &have, err);
	if (r < 0)
		return r;
	int newest = count ? list[count - 1].version : 0;
	if (have > newest)
		return err_set(err, -ENOTSUP,
			       "the database has schema %lld, this program knows up to %d: it was "
			       "written by a "
			       "newer version, install that one",
			       (long long)have, newest);
	for (size_t i = 0; i < count; i++) {
		if (list[i].version <= have)
			continue;
		r = apply(backend, db, &list[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
