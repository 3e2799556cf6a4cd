// From a node's signing request to its certificate.
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "inside.h"

#define DAY     86400LL
#define CSR_MAX 16384

static int read_csr(const char *pem, X509_REQ **ret_csr, struct err *err)
{
	size_t len = strlen(pem);
	if (len > CSR_MAX)
		return err_set(err, -EFBIG, "csr: larger than %d bytes", CSR_MAX);
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509_REQ *csr = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	ERR_clear_error();
	if (!csr)
		return err_set(err, -EINVAL, "csr: not a PEM certificate request");
	*ret_csr = csr;
	return 0;
}

static bool is_fit_curve(EVP_PKEY *key)
{
	char group[32];
	return EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, SN_secp384r1) == 0);
}

static bool is_fit(EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return is_fit_curve(key);
	case EVP_PKEY_ED25519:
		return true;
	case EVP_PKEY_RSA:
		return bits >= 2048 && bits <= 4096;
	default:
		return false;
	}
}

// The key of a request that proves its possession.
static int proven_key(X509_REQ *csr, EVP_PKEY **ret_key, struct err *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
	if (!key || !is_fit(key)) {
		ERR_clear_error();
		return err_set(err, -EINVAL,
			       "csr: its key is not EC P-256 or P-384, Ed25519, or RSA of 2048 to "
			       "4096 bits");
	}
	if (X509_REQ_verify(csr, key) != 1) {
		ERR_clear_error();
		return err_set(err, -EINVAL, "csr: its signature does not fit its key");
	}
	*ret_key = key;
	return 0;
}

static int describe(X509 *cert, struct pki_certificate *ret, struct err *err)
{
	struct pki_certificate out = {
		.not_before = pki_time(X509_get0_notBefore(cert)),
		.not_after = pki_time(X509_get0_notAfter(cert)),
	};
	pki_serial_text(cert, out.serial);
	int r = pki_cert_hash(cert, out.fingerprint, err);
	if (r < 0)
		return r;
	out.pem = pki_cert_text(cert);
	if (!out.pem)
		return err_set(err, -ENOMEM, "out of memory");
	*ret = out;
	return 0;
}

static int issue(const struct pki *pki, EVP_PKEY *key, const char *common_name, const char *uri,
		 const int64_t life[2], X509 **ret_cert)
{
	CLEAN(GENERAL_NAMES_free_ptr) GENERAL_NAMES *names = GENERAL_NAMES_new();
	if (!names || pki_names_add(names, GEN_URI, uri, NULL) < 0)
		return -ENOMEM;
	const struct pki_wish wish = {
		.common_name = common_name,
		.subject_key = key,
		.not_before = life[0],
		.not_after = life[1],
		.extended_use = "clientAuth",
		.names = names,
	};
	return pki_build(&wish, pki->cert, pki->key, ret_cert, NULL);
}

// A host whose clock is behind must accept its certificate, without that a short-lived one would be
// due for renewal (two thirds of its life) from the first.
static int64_t begin_of(const struct pki *pki, int64_t now)
{
	return now - (pki->node_life / 2 < DAY ? pki->node_life / 2 : DAY);
}

int pki_sign(const struct pki *pki, const struct pki_request *request,
	     struct pki_certificate *ret_certificate, struct err *err)
{
	CLEAN(X509_REQ_free_ptr) X509_REQ *csr = NULL;
	CLEAN(X509_free_ptr) X509 *cert = NULL;
	EVP_PKEY *key = NULL;
	int r = read_csr(request->csr_pem, &csr, err);
	if (r == 0)
		r = proven_key(csr, &key, err);
	if (r < 0)
		return r;
	char common_name[65]; // X.520 allows 64 characters: a longer name is cut, the id in the URI
			      // is what counts
	char uri[40];
	(void)snprintf(common_name, sizeof common_name, "node:%s", request->name);
	(void)snprintf(uri, sizeof uri, "weft:node:%lld", (long long)request->node_id);
	r = issue(pki, key, common_name, uri,
		  (const int64_t[2]){ begin_of(pki, request->now), request->now + pki->node_life },
		  &cert);
	if (r < 0)
		return err_set(err, r, "cannot sign the certificate of node %s", request->name);
	return describe(cert, ret_certificate, err);
}

int pki_csr_key_hash(const char *csr_pem, char ret_hash[PKI_HASH_SIZE], struct err *err)
{
	CLEAN(X509_REQ_free_ptr) X509_REQ *csr = NULL;
	EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	unsigned char digest[32];
	int r = read_csr(csr_pem, &csr, err);
	if (r == 0)
		r = proven_key(csr, &key, err);
	if (r < 0)
		return r;
	int len = i2d_PUBKEY(key, &der);
	int ok = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_free(der);
	if (!ok)
		return pki_fail(err, "cannot hash a public key");
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(ret_hash + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

void pki_certificate_done(struct pki_certificate *certificate)
{
	free(certificate->pem);
	certificate->pem = NULL;
}
