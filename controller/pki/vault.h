// Seals secrets with AES-256-GCM under a key file that is kept outside the database.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

struct vault;

#define VAULT_SECRET_MAX 65536 // longest secret, bytes
#define VAULT_DERIVED    32

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

// A secret for one purpose, the same for the same key file; it tells nothing of the key or of other
// purposes' (HKDF-SHA-256, RFC 5869).
#define VAULT_PROBE "probes of links"
int vault_derive(const struct vault *vault, const char *purpose,
		 unsigned char ret_secret[VAULT_DERIVED], struct err *err);
