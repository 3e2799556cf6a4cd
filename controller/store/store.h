// The controller's memory on disk: asynchronous transactions over one table of SQL statements.
//
// A transaction is a function that the store runs on its own thread; its completion is called on
// the loop thread. Such a function has no effects outside the transaction and its own `arg` (it may
// run again after a failed commit), and `arg` belongs to the store's thread until `done` was
// called. Transactions run one after the other, in the order given.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "store/sql.h"

struct store;
struct store_tx;
struct uv_loop_s;

enum store_result {
	STORE_OK,         // committed, on disk
	STORE_CONSTRAINT, // nothing changed: a uniqueness or reference rule was hurt (the function
			  // returned -EEXIST), or the operation was done already (err->code is
			  // -EALREADY)
	STORE_RETRY,      // nothing changed: the database was busy or a guard failed (the function
			  // returned -EAGAIN)
	STORE_FAILED,     // nothing changed: err says why (the function's own refusal, a full disk,
			  // ...)
	STORE_UNKNOWN,    // the commit broke off: ask store_operation_done() before doing it again
};

#define STORE_OPERATION_MAX 64 // longest operation id, bytes

// Runs on the store's thread. 0 commits; a negative errno rolls back and reaches `done` with the
// sentence in err.
typedef int store_fn(struct store_tx *tx, void *arg, struct err *err);

// Runs on the loop thread. err->code is 0 when the result is STORE_OK.
typedef void store_done_fn(void *arg, enum store_result result, const struct err *err);

// Opens or creates the SQLite file `path` (mode 0600) and brings its schema up to date; blocks. A
// file that is damaged, of a newer schema, or not writable is refused with a sentence and left as
// it was. `loop` may be NULL for a command that uses only the _sync functions. The sentence does
// not repeat `path`.
int store_open(struct uv_loop_s *loop, const char *path, struct store **ret_store, struct err *err);

// Finishes what is queued, calls the completions, and closes. On the loop thread; the loop must run
// once more after it.
void store_free(struct store *store);
CLEAN_FUNC(struct store, store_free)

// Queues a write transaction. `op_id` (copied, 1..64 bytes, fresh for each operation) is recorded
// with it; NULL where nobody will ask about an unknown outcome. Returns 0, or a negative errno when
// it could not be queued (`done` is not called then).
int store_transact(struct store *store, const char *op_id, store_fn *fn, store_done_fn *done,
		   void *arg);

// Queues a transaction that only reads (a consistent snapshot).
int store_read(struct store *store, store_fn *fn, store_done_fn *done, void *arg);

// The same, waiting for the outcome: for start-up, commands and tests, never inside a running
// loop's callbacks.
enum store_result store_transact_sync(struct store *store, const char *op_id, store_fn *fn,
				      void *arg, struct err *err);
enum store_result store_read_sync(struct store *store, store_fn *fn, void *arg, struct err *err);

// Whether the operation `op_id` was committed (ids are kept for a day). `is_done` is meaningful
// when result is STORE_OK.
typedef void store_operation_fn(void *arg, enum store_result result, bool is_done);
int store_operation_done(struct store *store, const char *op_id, store_operation_fn *done,
			 void *arg);

// Fills `ret_id` (STORE_OPERATION_MAX + 1 bytes) with a fresh random operation id.
void store_operation_make(char *ret_id);

// Random id of this controller's database, made at its first start. Valid while the store is.
const char *store_controller_id(const struct store *store);

// ---- inside a transaction (store's thread) ----

enum store_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB };

struct store_value {
	enum store_type type;
	int64_t integer;
	const void *bytes; // TEXT is NUL-terminated as well
	size_t len;
};

struct store_params {
	const struct store_value *values;
	size_t count;
};

// One row of a result; its bytes are valid until the row function returns.
struct store_row {
	const struct store_value *values;
	size_t count;
};

struct store_value store_int(int64_t value);
struct store_value store_text(const char *text); // NULL gives an SQL NULL; not copied
struct store_value store_blob(const void *bytes, size_t len);
struct store_value store_null(void);

// STORE_PARAMS(store_int(1), store_text("x")): the parameters ?1, ?2, ... of a statement.
#define STORE_PARAMS(...)                                                                          \
	((struct store_params){ (const struct store_value[]){ __VA_ARGS__ },                       \
				sizeof((const struct store_value[]){ __VA_ARGS__ }) /              \
					sizeof(struct store_value) })
#define STORE_NO_PARAMS ((struct store_params){ NULL, 0 })

// Runs a statement that returns no rows. Returns the number of rows changed, or a negative errno:
// -EEXIST for a hurt constraint, -EAGAIN busy, -ENOSPC full, -EUCLEAN damaged, -EROFS read only,
// -EIO. After -EEXIST the transaction stands as before the statement; the function may go on.
int store_exec(struct store_tx *tx, enum store_sql sql, struct store_params params,
	       struct err *err);

// As store_exec, but anything other than exactly one changed row is -EAGAIN: for guarded updates.
int store_exec_guarded(struct store_tx *tx, enum store_sql sql, struct store_params params,
		       struct err *err);

// A negative errno ends the query with that error, a positive value ends it early without one.
typedef int store_row_fn(const struct store_row *row, void *arg, struct err *err);

// Returns the number of rows seen, or a negative errno. `row` may be NULL where only the number
// counts. Do not run the same statement from its row function.
int store_query(struct store_tx *tx, enum store_sql sql, struct store_params params,
		store_row_fn *row, void *arg, struct err *err);

// Column readers; a NULL or a column of another type reads as 0 / NULL.
int64_t store_row_int(const struct store_row *row, size_t column);
const char *store_row_text(const struct store_row *row, size_t column);
const void *store_row_blob(const struct store_row *row, size_t column, size_t *ret_len);
bool store_row_is_null(const struct store_row *row, size_t column);
