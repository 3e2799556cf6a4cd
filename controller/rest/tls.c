#include "rest/tls.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/file.h"

#include "pki/pki.h"

#define CHAIN_MAX      8
#define PEM_FILE_LIMIT (256 * 1024)

struct identity {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_len;
	gnutls_privkey_t key;
	char pin[TLS_PIN_SIZE];
};

struct tls {
	struct identity own;
	struct identity operator_own;
	bool has_operator;
};

static struct tls *tls_in_use;

static void identity_done(struct identity *id)
{
	for (unsigned i = 0; i < id->chain_len; i++)
		gnutls_pcert_deinit(&id->chain[i]);
	if (id->key)
		gnutls_privkey_deinit(id->key);
	memset(id, 0, sizeof(*id));
}

static int read_pem(const char *path, char **ret_data, gnutls_datum_t *ret, struct err *err)
{
	size_t len;
	int r = file_read(path, PEM_FILE_LIMIT, ret_data, &len, err);
	if (r < 0)
		return r;
	ret->data = (unsigned char *)*ret_data;
	ret->size = (unsigned)len;
	return 0;
}

// The public key as DER (SubjectPublicKeyInfo); caller frees with gnutls_free.
static int export_public(gnutls_pubkey_t key, gnutls_datum_t *ret)
{
	return gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, ret);
}

static int pin_of(const gnutls_datum_t *spki, char ret_pin[TLS_PIN_SIZE])
{
	unsigned char hash[32];
	gnutls_datum_t raw = { hash, sizeof(hash) };
	gnutls_datum_t base64;
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, spki->data, spki->size, hash) < 0 ||
	    gnutls_base64_encode2(&raw, &base64) < 0)
		return -EIO;
	(void)snprintf(ret_pin, TLS_PIN_SIZE, "sha256//%.*s", (int)base64.size,
		       (const char *)base64.data);
	gnutls_free(base64.data);
	return 0;
}

// Refuses a key that is not the certificate's, which clients would see only as a failed handshake.
static int check_pair(struct identity *id, const char *cert_path, const char *key_path,
		      struct err *err)
{
	gnutls_datum_t of_cert = { NULL, 0 };
	gnutls_datum_t of_key = { NULL, 0 };
	gnutls_pubkey_t key_public;
	if (gnutls_pubkey_init(&key_public) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	int r = 0;
	if (gnutls_pubkey_import_privkey(key_public, id->key, 0, 0) < 0 ||
	    export_public(key_public, &of_key) < 0 ||
	    export_public(id->chain[0].pubkey, &of_cert) < 0)
		r = err_set(err, -EINVAL, "%s: its public key cannot be read", key_path);
	else if (of_key.size != of_cert.size || memcmp(of_key.data, of_cert.data, of_key.size) != 0)
		r = err_set(err, -EINVAL, "%s is not the key of the certificate %s", key_path,
			    cert_path);
	else if (pin_of(&of_cert, id->pin) < 0)
		r = err_set(err, -EIO, "%s: its public key cannot be hashed", cert_path);
	gnutls_free(of_cert.data);
	gnutls_free(of_key.data);
	gnutls_pubkey_deinit(key_public);
	return r;
}

static int identity_load(struct identity *id, const char *cert_path, const char *key_path,
			 struct err *err)
{
	CLEAN(free_ptr) char *cert_data = NULL;
	CLEAN(free_ptr) char *key_data = NULL;
	gnutls_datum_t cert;
	gnutls_datum_t key;
	int r = read_pem(cert_path, &cert_data, &cert, err);
	if (r >= 0)
		r = read_pem(key_path, &key_data, &key, err);
	if (r < 0)
		return r;
	unsigned count = CHAIN_MAX;
	r = gnutls_pcert_list_import_x509_raw(id->chain, &count, &cert, GNUTLS_X509_FMT_PEM,
					      GNUTLS_X509_CRT_LIST_SORT);
	if (r < 0)
		return err_set(err, -EINVAL, "%s: not a PEM certificate chain (%s)", cert_path,
			       gnutls_strerror(r));
	id->chain_len = count;
	if (gnutls_privkey_init(&id->key) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	r = gnutls_privkey_import_x509_raw(id->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	memset(key_data, 0, key.size);
	if (r < 0)
		return err_set(err, -EINVAL, "%s: not a PEM private key without a password (%s)",
			       key_path, gnutls_strerror(r));
	return check_pair(id, cert_path, key_path, err);
}

int tls_new(const char *own_cert, const char *own_key, const char *operator_cert,
	    const char *operator_key, struct tls **ret_tls, struct err *err)
{
	CLEAN(tls_free_ptr) struct tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return err_set(err, -ENOMEM, "out of memory");
	int r = identity_load(&tls->own, own_cert, own_key, err);
	if (r < 0)
		return r;
	if (operator_cert) {
		r = identity_load(&tls->operator_own, operator_cert, operator_key, err);
		if (r < 0)
			return r;
		tls->has_operator = true;
	}
	tls_in_use = tls;
	*ret_tls = take_ptr(&tls);
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls_in_use == tls)
		tls_in_use = NULL;
	identity_done(&tls->own);
	identity_done(&tls->operator_own);
	free(tls);
}

const char *tls_default_pin(const struct tls *tls)
{
	return tls->has_operator ? tls->operator_own.pin : tls->own.pin;
}

static bool wants_own(gnutls_session_t session)
{
	char name[256];
	size_t len = sizeof(name);
	unsigned type;
	if (gnutls_server_name_get(session, name, &len, &type, 0) < 0 || type != GNUTLS_NAME_DNS)
		return false;
	return strcmp(name, PKI_SERVER_NAME) == 0;
}

// NOLINTNEXTLINE(readability-function-size): GnuTLS has these parameters
int tls_choose(gnutls_session_t session, const gnutls_datum_t *ca_names, int ca_count,
	       const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
	       gnutls_pcert_st **ret_chain, unsigned *ret_chain_len, gnutls_privkey_t *ret_key)
{
	(void)ca_names;
	(void)ca_count;
	(void)algorithms;
	(void)algorithm_count;
	if (!tls_in_use)
		return -1;
	struct identity *id = tls_in_use->has_operator && !wants_own(session)
				      ? &tls_in_use->operator_own
				      : &tls_in_use->own;
	*ret_chain = id->chain;
	*ret_chain_len = id->chain_len;
	*ret_key = id->key;
	return 0;
}
