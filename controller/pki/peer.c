// Reading a node's certificate and judging it.
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "inside.h"

#define DAY 86400LL

// Copies an ASN.1 string that must be text without NUL bytes; false when it is not or does not fit.
static bool copy_text(const ASN1_STRING *value, char *ret, size_t size)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(value);
	int len = ASN1_STRING_length(value);
	if (len <= 0 || (size_t)len >= size || memchr(bytes, 0, (size_t)len))
		return false;
	memcpy(ret, bytes, (size_t)len);
	ret[len] = '\0';
	return true;
}

static bool read_name(X509 *cert, char *ret_name)
{
	char text[PKI_NAME_SIZE + 8];
	const char *name = NULL;
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return false;
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	if (!copy_text(value, text, sizeof text) || !text_starts(text, "node:", &name))
		return false;
	return snprintf(ret_name, PKI_NAME_SIZE, "%s", name) < PKI_NAME_SIZE;
}

static bool parse_id(const char *digits, int64_t *ret_id)
{
	char *end = NULL;
	errno = 0;
	long long id = strtoll(digits, &end, 10);
	if (errno != 0 || digits[0] < '1' || digits[0] > '9' || *end)
		return false;
	*ret_id = id;
	return true;
}

static bool read_id(X509 *cert, int64_t *ret_id)
{
	CLEAN(GENERAL_NAMES_free_ptr)
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	if (!names || sk_GENERAL_NAME_num(names) != 1)
		return false;
	const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
	char text[64];
	const char *digits = NULL;
	return name->type == GEN_URI &&
	       copy_text(name->d.uniformResourceIdentifier, text, sizeof text) &&
	       text_starts(text, "weft:node:", &digits) && parse_id(digits, ret_id);
}

int pki_peer_read(struct x509_st *certificate, struct pki_peer *ret_peer, struct err *err)
{
	struct pki_peer peer = {
		.not_before = pki_time(X509_get0_notBefore(certificate)),
		.not_after = pki_time(X509_get0_notAfter(certificate)),
	};
	bool is_client = (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) &&
			 (X509_get_extended_key_usage(certificate) & XKU_SSL_CLIENT);
	bool is_node = is_client && read_name(certificate, peer.name) &&
		       read_id(certificate, &peer.node_id);
	ERR_clear_error();
	if (!is_node)
		return err_set(err, -EINVAL, "the certificate is not that of a node");
	pki_serial_text(certificate, peer.serial);
	int r = pki_cert_hash(certificate, peer.fingerprint, err);
	if (r == 0)
		*ret_peer = peer;
	return r;
}

int pki_peer_read_pem(const char *pem, struct pki_peer *ret_peer, struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = NULL;
	int r = pki_cert_parse(pem, &cert, err);
	return r < 0 ? r : pki_peer_read(cert, ret_peer, err);
}

int pki_peer_verify(const struct pki *pki, struct x509_st *certificate, struct err *err)
{
	int is_ours = X509_check_issued(pki->cert, certificate) == X509_V_OK &&
		      X509_verify(certificate, pki->key) == 1;
	ERR_clear_error();
	return is_ours ? 0
		       : err_set(err, -EACCES,
				 "the certificate is not of this controller's authority");
}

enum pki_verdict pki_judge(const struct pki *pki, const struct pki_peer *peer, int64_t now,
			   struct err *err)
{
	if (pki_is_revoked(pki, peer->serial)) {
		(void)err_set(err, -EACCES, "the certificate of node %s was revoked", peer->name);
		return PKI_REFUSE;
	}
	if (now < peer->not_before) {
		(void)err_set(err, -EACCES,
			      "the certificate of node %s is not valid yet: is the clock right?",
			      peer->name);
		return PKI_REFUSE;
	}
	if (now <= peer->not_after)
		return PKI_ACCEPT;
	if (now <= peer->not_after + PKI_GRACE_DAYS * DAY)
		return PKI_RENEW_ONLY;
	(void)err_set(err, -EACCES,
		      "the certificate of node %s expired more than %d days ago: join it again",
		      peer->name, PKI_GRACE_DAYS);
	return PKI_REFUSE;
}
