// Keys as people compare them: the pin of a certificate's public key, and WireGuard's public from a
// private key.
#pragma once

#include <stdbool.h>

#define WIREGUARD_KEY_TEXT_SIZE 45 // base64 of 32 bytes and NUL

// "sha256//" and the base64 SHA-256 of the SubjectPublicKeyInfo, as curl's --pinnedpubkey takes it.
// Caller frees; NULL when `pem` is no certificate.
char *pin_of_certificate(const char *pem);

// Is it the base64 of exactly 32 bytes, as WireGuard writes keys?
bool wireguard_key_is_valid(const char *text);

// X25519 with the base point (RFC 7748). False when `private_key` is not valid; `ret` is untouched
// then.
bool wireguard_public_key(const char *private_key, char ret[WIREGUARD_KEY_TEXT_SIZE]);
