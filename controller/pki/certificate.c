// Building one certificate.
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "inside.h"

static int set_serial(X509 *cert)
{
	unsigned char raw[16];
	if (RAND_bytes(raw, sizeof raw) != 1)
		return 0;
	raw[0] = (unsigned char)((raw[0] & 0x3f) | 0x40); // positive, and always of full length
	BIGNUM *number = BN_bin2bn(raw, sizeof raw, NULL);
	int ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return ok;
}

void pki_serial_text(const X509 *cert, char *ret_serial)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	int len = ASN1_STRING_length(serial);
	ret_serial[0] = '\0';
	for (int i = 0; i < len && i < (PKI_SERIAL_SIZE - 1) / 2; i++)
		(void)snprintf(ret_serial + 2 * (size_t)i, 3, "%02x", bytes[i]);
}

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	int ok = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static int set_extensions(X509 *cert, X509 *issuer, const struct pki_wish *wish)
{
	const char *constraints = wish->is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE";
	const char *use =
		wish->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
	if (!add_extension(cert, issuer, NID_basic_constraints, constraints) ||
	    !add_extension(cert, issuer, NID_key_usage, use) ||
	    !add_extension(cert, issuer, NID_subject_key_identifier, "hash") ||
	    !add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always"))
		return 0;
	if (wish->extended_use &&
	    !add_extension(cert, issuer, NID_ext_key_usage, wish->extended_use))
		return 0;
	return !wish->names || X509_add1_ext_i2d(cert, NID_subject_alt_name, wish->names, 0,
						 X509V3_ADD_DEFAULT) == 1;
}

static int set_subject(X509 *cert, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(cert);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const unsigned char *)common_name, -1, -1, 0) == 1;
}

int pki_build(const struct pki_wish *wish, X509 *issuer, EVP_PKEY *issuer_key, X509 **ret_cert,
	      struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = X509_new();
	if (!cert || !X509_set_version(cert, X509_VERSION_3) || !set_serial(cert) ||
	    !ASN1_TIME_set(X509_getm_notBefore(cert), wish->not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(cert), wish->not_after) ||
	    !set_subject(cert, wish->common_name) || !X509_set_pubkey(cert, wish->subject_key) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) ||
	    !set_extensions(cert, issuer, wish) || !X509_sign(cert, issuer_key, EVP_sha256()))
		return pki_fail(err, "cannot make a certificate");
	*ret_cert = take_ptr(&cert);
	return 0;
}

// The bytes of an address for an iPAddress name: 4 or 16, or 0 for what is not an address.
static int address_bytes(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

int pki_names_add(GENERAL_NAMES *names, int type, const char *text, struct err *err)
{
	unsigned char bytes[16];
	int len = type == GEN_DNS ? address_bytes(text, bytes) : 0;
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (!name || !value ||
	    !ASN1_STRING_set(value, len ? (const void *)bytes : text, len ? len : -1) ||
	    !sk_GENERAL_NAME_push(names, name)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(name);
		return pki_fail(err, "cannot name a certificate");
	}
	GENERAL_NAME_set0_value(name, len ? GEN_IPADD : type, value);
	return 0;
}
