// Opening: new, old, newer, damaged and forbidden databases; every statement fits the schema.
#include "store/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#include "scratch.h"

static int run(void *db, const char *text)
{
	const struct store_statement statement = { .slot = -1, .text = text };
	return store_backend_sqlite.exec(db, &statement, STORE_NO_PARAMS, NULL);
}

static int read_int(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	*(int64_t *)arg = store_row_int(row, 0);
	return 0;
}

static int64_t version_of(void *db)
{
	int64_t version = -1;
	assert_int_equal(store_backend_sqlite.query(db, store_statement(SQL_SCHEMA_VERSION),
						    STORE_NO_PARAMS, read_int, &version, NULL),
			 1);
	return version;
}

static void *open_raw(const struct scratch *s)
{
	void *db = NULL;
	struct err err = { 0 };
	if (store_backend_sqlite.open(s->db, &db, &err) < 0)
		fail_msg("%s", err.text);
	return db;
}

static void test_new_database(void **state)
{
	const struct scratch *s = *state;
	struct store *store = scratch_open(s);
	char id[40];
	(void)snprintf(id, sizeof id, "%s", store_controller_id(store));
	assert_int_equal(strlen(id), 16);
	store_free(store);
	struct stat st;
	assert_int_equal(stat(s->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	void *db = open_raw(s);
	assert_int_equal(version_of(db), migrations[migration_count - 1].version);
	store_backend_sqlite.close(db);
	store = scratch_open(s);
	assert_string_equal(store_controller_id(store), id);
	store_free(store);
}

// As `reset-password` beside a controller that starts for the first time.
static void test_many_make_the_same_new_database(void **state)
{
	enum { AT_ONCE = 4 };
	const struct scratch *s = *state;
	pid_t children[AT_ONCE];
	for (size_t i = 0; i < AT_ONCE; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] > 0)
			continue;
		struct store *store = NULL;
		struct err err = { 0 };
		if (store_open(NULL, s->db, &store, &err) < 0)
			(void)fprintf(stderr, "%s\n", err.text);
		_exit(store ? 0 : 1);
	}
	size_t failed = 0;
	for (size_t i = 0; i < AT_ONCE; i++) {
		int status = -1;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		failed += status != 0;
	}
	assert_int_equal(failed, 0);
	store_free(scratch_open(s));
}

static void test_newer_schema_is_refused(void **state)
{
	const struct scratch *s = *state;
	store_free(scratch_open(s));
	void *db = open_raw(s);
	assert_int_not_equal(run(db, "PRAGMA user_version = 99"), -1);
	store_backend_sqlite.close(db);
	struct store *store = NULL;
	struct err err = { 0 };
	assert_int_equal(store_open(NULL, s->db, &store, &err), -ENOTSUP);
	assert_null(store);
	assert_non_null(strstr(err.text, "schema 99"));
	db = open_raw(s);
	assert_int_equal(version_of(db), 99);
	store_backend_sqlite.close(db);
}

#define SQL(text) (const unsigned char *)(text)

static const struct migration sound[] = {
	{ 1, "001_a.sql",
	  SQL("-- a comment; with a semicolon\n"
	      "CREATE TABLE a (x TEXT) STRICT; -- trailing; too\n\n"
	      "INSERT INTO a (x) VALUES ('one; it''s two'), (\"x\")\n;") },
	{ 2, "002_b.sql", SQL("CREATE TABLE b (x TEXT) STRICT") },
};

static const struct migration broken[] = {
	{ 1, "001_a.sql", SQL("CREATE TABLE a (x TEXT) STRICT") },
	{ 2, "002_b.sql", SQL("CREATE TABLE b (x TEXT) STRICT; CREATE TABLE a (y TEXT) STRICT;") },
};

static void test_files_run_in_order_and_once(void **state)
{
	void *db = open_raw(*state);
	int64_t count = 0;
	const struct store_statement st = { -1,
					    "SELECT count(*) FROM a WHERE x LIKE '%; it''s two'" };
	for (int i = 0; i < 2; i++)
		assert_int_equal(migrate(&store_backend_sqlite, db, sound, 2, NULL), 0);
	assert_int_equal(version_of(db), 2);
	assert_int_equal(
		store_backend_sqlite.query(db, &st, STORE_NO_PARAMS, read_int, &count, NULL), 1);
	assert_int_equal(count, 1);
	store_backend_sqlite.close(db);
}

static void test_a_broken_file_leaves_the_version_before(void **state)
{
	void *db = open_raw(*state);
	struct err err = { 0 };
	assert_true(migrate(&store_backend_sqlite, db, broken, 2, &err) < 0);
	assert_non_null(strstr(err.text, "002_b.sql"));
	assert_int_equal(version_of(db), 1);
	assert_true(run(db, "INSERT INTO b (x) VALUES ('no such table')") < 0);
	store_backend_sqlite.close(db);
}

static void refused(const struct scratch *s, int code, const char *words)
{
	struct store *store = NULL;
	struct err err = { 0 };
	assert_int_equal(store_open(NULL, s->db, &store, &err), code);
	if (!strstr(err.text, words))
		fail_msg("`%s` does not say `%s`", err.text, words);
}

static void test_a_foreign_file_is_left_alone(void **state)
{
	const struct scratch *s = *state;
	static const char text[] =
		"This was somebody's diary, and it is longer than any header of SQLite, "
		"which has a hundred bytes.";
	assert_int_equal(file_replace(s->db, text, sizeof text, 0600, NULL), 0);
	refused(s, -EUCLEAN, "not a database");
	CLEAN(free_ptr) char *after = NULL;
	assert_int_equal(file_read(s->db, 4096, &after, NULL, NULL), 0);
	assert_string_equal(after, text);
}

static void test_a_damaged_database_is_left_alone(void **state)
{
	const struct scratch *s = *state;
	struct store *store = scratch_open(s);
	for (int64_t id = 1; id <= 50; id++)
		assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, NULL),
				 STORE_OK);
	store_free(store);
	CLEAN(free_ptr) char *data = NULL;
	size_t len = 0;
	assert_int_equal(file_read(s->db, 1 << 24, &data, &len, NULL), 0);
	assert_true(len > 8192);
	memset(data + 4096, 0xa5, len - 4096);
	assert_int_equal(file_replace(s->db, data, len, 0600, NULL), 0);
	refused(s, -EUCLEAN, "damaged");
	CLEAN(free_ptr) char *after = NULL;
	size_t after_len = 0;
	assert_int_equal(file_read(s->db, 1 << 24, &after, &after_len, NULL), 0);
	assert_int_equal(after_len, len);
	assert_memory_equal(after, data, len);
}

static void test_no_such_directory(void **state)
{
	struct scratch s = *(const struct scratch *)*state;
	(void)snprintf(s.db, sizeof s.db, "%s/none/weft.db", s.dir);
	refused(&s, -ENOENT, "cannot open the database");
}

// The largest parameter number of a statement.
static size_t parameters_of(const char *text)
{
	size_t most = 0;
	for (const char *p = strchr(text, '?'); p; p = strchr(p + 1, '?')) {
		size_t n = strtoul(p + 1, NULL, 10);
		most = n > most ? n : most;
	}
	return most;
}

static void test_every_statement_fits_the_schema(void **state)
{
	store_free(scratch_open(*state));
	void *db = open_raw(*state);
	const struct store_value nulls[16] = { { 0 } };
	for (int i = 0; i < SQL_COUNT; i++) {
		const struct store_statement *st = store_statement((enum store_sql)i);
		assert_int_equal(st->slot, i);
		char explain[1024];
		(void)snprintf(explain, sizeof explain, "EXPLAIN %s", st->text);
		const struct store_statement probe = { .slot = -1, .text = explain };
		struct err err = { 0 };
		struct store_params params = { nulls, parameters_of(st->text) };
		if (store_backend_sqlite.query(db, &probe, params, NULL, NULL, &err) < 0)
			fail_msg("%s: %s", st->text, err.text);
	}
	store_backend_sqlite.close(db);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_database),
		TEST(test_many_make_the_same_new_database),
		TEST(test_newer_schema_is_refused),
		TEST(test_files_run_in_order_and_once),
		TEST(test_a_broken_file_leaves_the_version_before),
		TEST(test_a_foreign_file_is_left_alone),
		TEST(test_a_damaged_database_is_left_alone),
		TEST(test_no_such_directory),
		TEST(test_every_statement_fits_the_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
