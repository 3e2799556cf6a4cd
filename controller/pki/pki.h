// Weft's own certificate authority: the controller's certificate, the nodes' certificates, who is
// revoked.
//
// Loop thread only, unless a function says it is pure. Times are seconds since 1970 unless named
// _ms.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "store/store.h"

struct pki;
struct x509_st; // OpenSSL's X509

#define PKI_SERVER_NAME "controller.weft" // what agents expect in the controller's certificate
#define PKI_NODE_DAYS   90
#define PKI_GRACE_DAYS  30  // an expired certificate may still renew
#define PKI_PER_HOUR    100 // certificates of one node
#define PKI_SERIAL_SIZE 41  // hex of 20 bytes and NUL
#define PKI_HASH_SIZE   65  // hex of SHA-256 and NUL
#define PKI_PIN_SIZE    64  // "sha256//BASE64" and NUL
#define PKI_NAME_SIZE   64

// Loads `state_dir`/ca.key and ca.crt. With `may_make`, which is for a database that holds nothing
// yet, both are made when one is missing (ECDSA P-256, 20 years, files 0600); -ENOENT otherwise.
int pki_open(const char *state_dir, bool may_make, int64_t now, struct pki **ret_pki,
	     struct err *err);
void pki_free(struct pki *pki);
CLEAN_FUNC(struct pki, pki_free)

const char *pki_ca_pem(const struct pki *pki);
int64_t pki_ca_expires(const struct pki *pki);
const char *
pki_ca_hash(const struct pki *pki); // SHA-256 of the CA's DER, hex: pinned by enrolment keys
const char *pki_key_path(const struct pki *pki); // tls.key, for TLS libraries that want files
const char *
pki_cert_path(const struct pki *pki); // tls.crt: the controller's certificate followed by the CA

// Makes tls.key and tls.crt when missing, when less than a third of their life is left, or when the
// names changed; a key that is there stays, since people pin it. `names` (NULL-terminated) are host
// names and IP addresses besides controller.weft and localhost, 127.0.0.1, ::1.
int pki_server_renew(struct pki *pki, const char *const *names, int64_t now, bool *ret_renewed,
		     struct err *err);

// curl's --pinnedpubkey of the first certificate in a PEM text. `ret_pin` has PKI_PIN_SIZE bytes.
// Pure.
int pki_pin(const char *cert_pem, char *ret_pin, struct err *err);

struct pki_certificate {
	char *pem; // caller frees with pki_certificate_done
	char serial[PKI_SERIAL_SIZE];
	char fingerprint[PKI_HASH_SIZE]; // SHA-256 of the DER, hex
	int64_t not_before;
	int64_t not_after;
};
void pki_certificate_done(struct pki_certificate *certificate);

// How long the certificates signed from now on are valid; PKI_NODE_DAYS until this is called.
// Before the store's thread begins.
void pki_set_node_life(struct pki *pki, int64_t seconds);

// What a node is to be certified as.
struct pki_request {
	const char *csr_pem;
	const char *name; // of the node
	int64_t node_id;
	int64_t now;
};

// Signs a node's CSR (self-signature checked; only its public key is taken: EC P-256/P-384, Ed25519
// or RSA >= 2048) as CN "node:NAME", URI SAN "weft:node:ID", client authentication. Keep it with
// pki_tx_record. Safe on the store's thread too: it reads nothing that changes after the start.
int pki_sign(const struct pki *pki, const struct pki_request *request,
	     struct pki_certificate *ret_certificate, struct err *err);

// SHA-256 in hex of the public key in a CSR that proves its possession, as pki_sign checks it.
// Pure.
int pki_csr_key_hash(const char *csr_pem, char ret_hash[PKI_HASH_SIZE], struct err *err);

// ---- peers ----

struct pki_peer {
	int64_t node_id;
	char name[PKI_NAME_SIZE]; // at signing; the present name is the store's
	char serial[PKI_SERIAL_SIZE];
	char fingerprint[PKI_HASH_SIZE];
	int64_t not_before;
	int64_t not_after;
};

// Reads a certificate that TLS has verified against the CA. -EINVAL when it is not a node's. Pure.
int pki_peer_read(struct x509_st *certificate, struct pki_peer *ret_peer, struct err *err);
int pki_peer_read_pem(const char *pem, struct pki_peer *ret_peer, struct err *err);

// Whether this CA signed the certificate, its validity in time aside. -EACCES when not.
int pki_peer_verify(const struct pki *pki, struct x509_st *certificate, struct err *err);

enum pki_verdict {
	PKI_ACCEPT,
	PKI_RENEW_ONLY, // expired within the grace period: may send `renew` and nothing else
	PKI_REFUSE,     // err has the sentence
};

// What a peer may do now: revoked, not yet valid, expired. A TLS layer that stops at an expired
// certificate must let X509_V_ERR_CERT_HAS_EXPIRED through to this.
enum pki_verdict pki_judge(const struct pki *pki, const struct pki_peer *peer, int64_t now,
			   struct err *err);

// ---- revocation ----

bool pki_is_revoked(const struct pki *pki, const char *serial);

// Steps of a transaction (store's thread). After a revocation commits, call pki_refresh.
int pki_tx_record(struct store_tx *tx, const struct pki_certificate *certificate, int64_t node_id,
		  struct err *err);
int pki_tx_revoke_node(struct store_tx *tx, int64_t node_id, int64_t now_ms, struct err *err);

// Step of a transaction: 1 when the node has a certificate that was not revoked, 0 when it has
// none.
int pki_tx_has_certificate(struct store_tx *tx, int64_t node_id, struct err *err);

// Reads the revoked serials into memory (a failed read keeps those known); free the store before
// the pki; `done` (may be NULL) follows on the loop thread.
void pki_refresh(struct pki *pki, struct store *store, void (*done)(void *arg), void *arg);
int pki_refresh_sync(struct pki *pki, struct store *store, struct err *err);
