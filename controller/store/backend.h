// What a database engine does for the store: six functions, all called on one thread at a time.
#pragma once

#include <stdbool.h>

#include "store/store.h"

struct store_backend {
	const char *name;
	// Opens or creates the database. Leaves a damaged or foreign file as it is.
	int (*open)(const char *path, void **ret_db, struct err *err);
	void (*close)(void *db);
	int (*begin)(void *db, bool is_write, struct err *err);
	// Number of rows changed, or the codes of store_exec.
	int (*exec)(void *db, const struct store_statement *statement, struct store_params params,
		    struct err *err);
	// Number of rows seen, or the codes of store_query.
	int (*query)(void *db, const struct store_statement *statement, struct store_params params,
		     store_row_fn *row, void *arg, struct err *err);
	// Commits or rolls back. -EINPROGRESS when nobody can tell whether the commit is on disk;
	// after any failure no transaction is open.
	int (*end)(void *db, bool commit, struct err *err);
};

extern const struct store_backend store_backend_sqlite;

// Opens a store on another backend (a cluster; a test's double that fails on purpose).
int store_open_on(const struct store_backend *backend, struct uv_loop_s *loop, const char *path,
		  struct store **ret_store, struct err *err);
