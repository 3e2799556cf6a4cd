// TLS as the hub wants it: 1.3 only, a client certificate of our own CA always, little memory for
// idle sessions.

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "hub/inside.h"

int hub_tls_read_ca(const char *path, X509_STORE **ret_store, struct err *err)
{
	CLEAN(close_file) FILE *file = fopen(path, "re");

	if (!file)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	X509_STORE *store = X509_STORE_new();
	bool is_good = certificate && store && X509_STORE_add_cert(store, certificate) == 1;
	X509_free(certificate);
	if (!is_good) {
		X509_STORE_free(store);
		return err_set(err, -EINVAL, "%s: not a certificate in PEM", path);
	}
	*ret_store = store;
	return 0;
}

void hub_tls_configure(struct hub *hub, SSL_CTX *ctx)
{
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	// No resumption: every session shows its certificate, and none of the tickets' memory.
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	// Only our CA, whatever the system trusts.
	SSL_CTX_set1_cert_store(ctx, hub->ca);
	hub->tls = ctx;
}

CLEAN_FUNC(SSL_CTX, SSL_CTX_free)

int hub_reload_certificate(struct hub *hub, const char *certificate_file, const char *key_file,
			   struct err *err)
{
	// Read into a context of its own first: a half-read pair must not replace the one in use.
	CLEAN(SSL_CTX_free_ptr) SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
	STACK_OF(X509) *chain = NULL;
	bool is_good = fresh && SSL_CTX_use_certificate_chain_file(fresh, certificate_file) == 1 &&
		       SSL_CTX_use_PrivateKey_file(fresh, key_file, SSL_FILETYPE_PEM) == 1 &&
		       SSL_CTX_check_private_key(fresh) == 1 &&
		       SSL_CTX_get0_chain_certs(fresh, &chain) == 1 &&
		       SSL_CTX_use_cert_and_key(hub->tls, SSL_CTX_get0_certificate(fresh),
						SSL_CTX_get0_privatekey(fresh), chain, 1) == 1;
	ERR_clear_error();
	return is_good ? 0
		       : err_set(err, -EINVAL, "%s and %s are not a certificate and its key",
				 certificate_file, key_file);
}

// An expired certificate of ours passes here and is judged by hub_ops.authorise; nothing else that
// is wrong passes.
bool hub_tls_accepts(X509_STORE_CTX *chain, bool is_good)
{
	if (is_good)
		return true;
	if (X509_STORE_CTX_get_error(chain) != X509_V_ERR_CERT_HAS_EXPIRED ||
	    X509_STORE_CTX_get_error_depth(chain) != 0)
		return false;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	return true;
}

int hub_tls_peer(struct lws *wsi, unsigned char **ret_der, size_t *ret_len, bool *ret_is_expired)
{
	SSL *ssl = lws_get_ssl(wsi);
	X509 *certificate = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
	unsigned char *der = NULL;

	if (!certificate)
		return -ENOKEY;
	int len = i2d_X509(certificate, &der);
	*ret_is_expired = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
	X509_free(certificate);
	if (len <= 0)
		return -ENOMEM;
	*ret_der = der;
	*ret_len = (size_t)len;
	return 0;
}
