// A store with a few users on a loop, and auth on top of it.
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <uv.h>

#include "auth/auth.h"
#include "store/rows.h"

#define DAY_MS 86400000LL

struct fixture {
	char dir[64];
	char db[96];
	uv_loop_t loop;
	struct store *store;
	struct auth *auth;
};

// *state: struct fixture, with a store that has the users admin (password `admin-password`), olga
// (operator, `olga-password`), and auth with cheap hashes.
int fixture_setup(void **state);
int fixture_teardown(void **state);

// Runs `fn` as a transaction that must commit.
void fixture_do(const struct fixture *f, store_fn *fn, void *arg);

struct new_resource {
	int64_t id;
	const char *kind;
	const char *name;
	const char *spec;
};
int fixture_insert(struct store_tx *tx, void *arg, struct err *err); // struct new_resource

void fixture_reload(struct fixture *f); // auth_reload, and waits for it

// Signs in and waits. 0 or the error code; ret_login may be NULL.
int fixture_login(struct fixture *f, const char *user, const char *password,
		  struct auth_login *ret_login);
