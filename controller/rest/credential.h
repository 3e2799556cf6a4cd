// Credentials behind resources: what a token or an enrolment key is checked against, made and kept
// up to date.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "auth/auth.h"
#include "rest/request.h"

// A secret made for a resource that may turn out to have one already.
struct credential_fresh {
	char secret[AUTH_SECRET_SIZE];
	char hash[AUTH_HASH_SIZE];
	int64_t now_ms;
	bool is_issued; // it became the resource's own: show it once
};

enum credential_type {
	CREDENTIAL_NONE,
	CREDENTIAL_PASSWORD, // users
	CREDENTIAL_TOKEN,    // tokens
	CREDENTIAL_KEY,      // enrolment-keys
};

enum credential_type credential_of_kind(const char *kind);

int credential_make(enum credential_type type, struct credential_fresh *ret_fresh, struct err *err);

// Step of a transaction (store's thread): the id of a resource that this transaction may just have
// made; 0 when none.
int64_t credential_tx_resource(struct store_tx *tx, const char *kind, const char *name);

// Step of a transaction (store's thread): gives the resource `id` the fresh secret when it has
// none, and brings expiry and uses up to date when its spec changed since. A changed spec gives an
// enrolment key all of its uses anew.
int credential_tx_keep(struct store_tx *tx, enum credential_type type, int64_t id,
		       struct credential_fresh *fresh, struct err *err);

// Adds what is shown once to `to`: "token", or "key" and "join".
int credential_show(struct request *request, enum credential_type type, const char *name,
		    const struct credential_fresh *fresh, json_t *to);

// "weft1.…" of an enrolment key. Caller frees; NULL when out of memory.
char *credential_key_text(const struct rest *rest, const char *name, const char *secret);
