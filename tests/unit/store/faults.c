// Memory that runs out and a disk that fills or fails at every single step: a sentence, a sound
// database, no leak.
#include <errno.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "fault.h"
#include "scratch.h"

// ---- SQLite's own memory comes from us ----

static void *sqlite_alloc(int size)
{
	return fault_malloc((size_t)size);
}

static void *sqlite_grow(void *old, int size)
{
	return fault_realloc(old, (size_t)size);
}

static int sqlite_size(void *p)
{
	return (int)malloc_usable_size(p);
}

static int sqlite_round(int size)
{
	return (size + 7) & ~7;
}

static int sqlite_start(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void sqlite_stop(void *arg)
{
	(void)arg;
}

static const sqlite3_mem_methods memory = { sqlite_alloc, free,         sqlite_grow, sqlite_size,
					    sqlite_round, sqlite_start, sqlite_stop, NULL };

// ---- one life of a store ----

// What a run got to before something failed; rows that were acknowledged must be there afterwards.
struct life {
	const struct scratch *scratch;
	int64_t acknowledged;
	bool was_told;   // an answer other than OK came with a sentence
	bool is_unknown; // ... or the outcome of the last row is unknown
};

static bool told(const struct err *err)
{
	return err->code < 0 && err->text[0];
}

// Opens (makes, migrates), writes three rows, reads them. True when nothing failed.
static bool live(struct life *life)
{
	struct store *store = NULL;
	struct err err = { 0 };
	if (store_open(NULL, life->scratch->db, &store, &err) < 0) {
		life->was_told = told(&err);
		return false;
	}
	enum store_result result = STORE_OK;
	for (int64_t id = 1; id <= 3 && result == STORE_OK; id++) {
		result = store_transact_sync(store, NULL, insert_node, &id, &err);
		if (result == STORE_OK)
			life->acknowledged++;
	}
	life->is_unknown = result == STORE_UNKNOWN;
	if (result == STORE_OK)
		result = store_read_sync(store, count_kinds, &(int64_t){ 0 }, &err);
	life->was_told = told(&err);
	store_free(store);
	return result == STORE_OK;
}

static int expect_ok(void *arg, int count, char **values, char **names)
{
	(void)arg;
	(void)count;
	(void)names;
	assert_string_equal(values[0], "ok");
	return 0;
}

// After the fault is gone: a sound file, with every acknowledged row, and writable.
static void expect_sound(const struct life *life)
{
	struct store *store = scratch_open(life->scratch);
	int64_t count = count_nodes(store);
	assert_true(count == life->acknowledged ||
		    (life->is_unknown && count == life->acknowledged + 1));
	int64_t id = 100;
	assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, NULL), STORE_OK);
	store_free(store);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(life->scratch->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA integrity_check", expect_ok, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static char *template_data; // a database with today's schema
static size_t template_len;

struct walk {
	enum fault_kind kind;
	void (*arm)(enum fault_kind kind, unsigned n);
	bool starts_empty; // makes the database; otherwise it stands already
	unsigned at_least; // calls that a walk must have seen
};

static void walk(const struct walk *w)
{
	for (unsigned n = 1;; n++) {
		void *state = NULL;
		(void)scratch_setup(&state);
		struct life life = { .scratch = state };
		if (!w->starts_empty)
			assert_int_equal(file_replace(life.scratch->db, template_data, template_len,
						      0600, NULL),
					 0);
		w->arm(w->kind, n);
		bool is_whole = live(&life);
		bool has_struck = fault_disarm();
		// What SQLite can do without (a cache, a larger buffer) may fail unseen.
		if (!is_whole && !life.was_told)
			fail_msg("call %u failed without a sentence", n);
		if (!has_struck && !is_whole)
			fail_msg("failed after %u calls with nothing made to fail", n);
		expect_sound(&life);
		(void)scratch_teardown(&state);
		if (!has_struck) {
			print_message("%u calls were made to fail\n", n - 1);
			assert_true(n > w->at_least);
			return;
		}
	}
}

static void test_each_allocation_fails(void **state)
{
	(void)state;
	walk(&(struct walk){ FAULT_ALLOC, fault_arm, false, 200 });
}

static void test_each_write_or_sync_fails(void **state)
{
	(void)state;
	walk(&(struct walk){ FAULT_FILE, fault_arm, true, 100 });
}

static void test_disk_is_full_from_each_write_on(void **state)
{
	(void)state;
	walk(&(struct walk){ FAULT_FILE, fault_arm_from, true, 100 });
}

static int make_template(void **state)
{
	void *scratch = NULL;
	(void)state;
	(void)scratch_setup(&scratch);
	const struct scratch *s = scratch;
	store_free(scratch_open(s));
	assert_int_equal(file_read(s->db, 1 << 24, &template_data, &template_len, NULL), 0);
	return scratch_teardown(&scratch);
}

static int free_template(void **state)
{
	(void)state;
	free(template_data);
	return 0;
}

int main(void)
{
	// Before its first use: without the pools that would hide allocations from the count.
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails),
		cmocka_unit_test(test_each_write_or_sync_fails),
		cmocka_unit_test(test_disk_is_full_from_each_write_on),
	};
	return cmocka_run_group_tests(tests, make_template, free_template);
}
