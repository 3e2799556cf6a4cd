// A node's own keys and certificate: making them, asking for a certificate, and what time to verify
// certificates at.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { CREDENTIAL_WG_KEY_SIZE = 45 }; // 32 bytes in base64 and the NUL

// A new ECDSA P-256 key as PEM (PKCS #8), the caller frees. The key never leaves this host.
int credential_make_key(char **ret_pem, struct err *err);

// A certificate request for `common_name`, signed with the key, as PEM; the caller frees.
int credential_make_csr(const char *key_pem, const char *common_name, char **ret_pem,
			struct err *err);

// A WireGuard key as `wg genkey` prints it (X25519, RFC 7748).
int credential_make_wg_key(char ret_private[CREDENTIAL_WG_KEY_SIZE], struct err *err);

// The public key that belongs to a private one, both base64. -EINVAL when the text is no key.
int credential_wg_public(const char *private_key, char ret_public[CREDENTIAL_WG_KEY_SIZE],
			 struct err *err);

// Start and end of a PEM certificate's life, ms since 1970.
int credential_life(const char *certificate_pem, int64_t *ret_from_ms, int64_t *ret_to_ms,
		    struct err *err);

// 0 when the text is a certificate, else -EINVAL and why.
int credential_check_certificate(const char *pem, struct err *err);
// 0 when the text is the key of the certificate, which is one, else -EINVAL and why.
int credential_check_key(const char *certificate_pem, const char *key_pem, struct err *err);

// 0 when the certificate belongs to the key and was issued by the authority, else -EINVAL and why.
// `at_s` is the verification time, seconds since 1970.
int credential_check(const char *certificate_pem, const char *key_pem, const char *ca_pem,
		     int64_t at_s, struct err *err);

// Moment to ask for a new certificate: two thirds of its life, ms since 1970.
int64_t credential_renew_at(int64_t from_ms, int64_t to_ms);

// max(now, last saved, when this program was built), seconds: hosts without a clock must not reject
// what is valid. The saved time is the modification time of PATH, which may be missing.
int64_t credential_verify_time(const char *clock_path);

// Moves PATH's saved time forward to `at_s`: a time at which a controller's certificate was found
// valid. The clock alone is no proof, it may have jumped.
int credential_save_time(const char *clock_path, int64_t at_s, struct err *err);

// True when the saved time, not the clock, is what credential_verify_time goes by. `err` then says
// which is which.
bool credential_clock_is_behind(const char *clock_path, struct err *err);
