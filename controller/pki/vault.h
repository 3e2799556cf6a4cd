// Seals secrets with AES-256-GCM under a key file that is kept outside the database.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

struct vault;

#define VAULT_SECRET_MAX 65536 // longest secret, bytes

// Loads `state_dir`/secret.key (32 bytes, mode 0600). When it does not exist it is made if
// `may_make`, which is for a database that holds no secret yet; -ENOENT otherwise.
int vault_open(const char *state_dir, bool may_make, struct vault **ret_vault, struct err *err);
void vault_free(struct vault *vault); // wipes the key
CLEAN_FUNC(struct vault, vault_free)

// Bytes with their length, borrowed.
struct vault_bytes {
	const void *data;
	size_t len;
};

// Bytes that the caller frees.
struct vault_output {
	unsigned char *data;
	size_t len;
};

// Seals a secret for the resource `id`: version, nonce, cipher text, tag. Any thread.
int vault_seal(const struct vault *vault, int64_t id, struct vault_bytes secret,
	       struct vault_output *ret_sealed, struct err *err);

// Opens what vault_seal made for the same id; -EBADMSG when key, id or bytes differ. A NUL, not
// counted, follows; wipe before freeing.
int vault_unseal(const struct vault *vault, int64_t id, struct vault_bytes sealed,
		 struct vault_output *ret_secret, struct err *err);
