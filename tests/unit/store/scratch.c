#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof *s);
	assert_non_null(s);
	// In memory where that is possible: thousands of syncs on a busy disk take minutes.
	(void)snprintf(s->dir, sizeof s->dir, "%s/weft-store.XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->db, sizeof s->db, "%s/weft.db", s->dir);
	*state = s;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	(void)nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

struct store *scratch_open(const struct scratch *scratch)
{
	struct store *store = NULL;
	struct err err = { 0 };
	if (store_open(NULL, scratch->db, &store, &err) < 0)
		fail_msg("%s", err.text);
	return store;
}

int insert_node(struct store_tx *tx, void *arg, struct err *err)
{
	int64_t id = *(const int64_t *)arg;
	char name[24];
	(void)snprintf(name, sizeof name, "n%lld", (long long)id);
	int r = store_exec(tx, SQL_RESOURCE_INSERT,
			   STORE_PARAMS(store_int(id), store_text("nodes"), store_text(name),
					store_text("{}"), store_null(), store_int(1), store_int(5)),
			   err);
	return r < 0 ? r : 0;
}

static int read_count(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	*(int64_t *)arg = store_row_int(row, 1);
	return 0;
}

int count_kinds(struct store_tx *tx, void *arg, struct err *err)
{
	int r = store_query(tx, SQL_RESOURCE_COUNT, STORE_NO_PARAMS, read_count, arg, err);
	return r < 0 ? r : 0;
}

int64_t count_nodes(struct store *store)
{
	int64_t count = 0;
	assert_int_equal(store_read_sync(store, count_kinds, &count, NULL), STORE_OK);
	return count;
}
