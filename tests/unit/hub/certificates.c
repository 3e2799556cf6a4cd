#include "certificates.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct authority {
	char dir[256];
	EVP_PKEY *key;
	X509 *certificate;
	long serial;
};

static void must(int is_good)
{
	if (!is_good)
		abort();
}

static FILE *open_file(const struct authority *ca, const char *name, const char *ending)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s.%s", ca->dir, name, ending);
	FILE *file = fopen(path, "we");
	must(file != NULL);
	return file;
}

static void save(const struct authority *ca, const char *name, X509 *certificate, EVP_PKEY *key)
{
	FILE *file = open_file(ca, name, "crt");

	must(PEM_write_X509(file, certificate));
	(void)fclose(file);
	file = open_file(ca, name, "key");
	must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	(void)fclose(file);
}

static X509 *make(struct authority *ca, const char *common_name, EVP_PKEY *key, int64_t from,
		  int64_t to)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	must(X509_set_version(x, 2));
	must(ASN1_INTEGER_set(X509_get_serialNumber(x), ++ca->serial));
	must(X509_gmtime_adj(X509_getm_notBefore(x), (long)from) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(x), (long)to) != NULL);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					(const unsigned char *)common_name, -1, -1, 0));
	must(X509_set_issuer_name(x,
				  ca->certificate ? X509_get_subject_name(ca->certificate) : name));
	must(X509_set_pubkey(x, key));
	if (!ca->certificate) {
		X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
		must(X509_add_ext(x, e, -1));
		X509_EXTENSION_free(e);
	}
	must(X509_sign(x, ca->key, EVP_sha256()));
	return x;
}

struct authority *authority_new(const char *dir, const char *name)
{
	struct authority *ca = calloc(1, sizeof(*ca));

	must(ca != NULL);
	(void)snprintf(ca->dir, sizeof(ca->dir), "%s", dir);
	ca->key = EVP_EC_gen("P-256");
	ca->certificate = make(ca, name, ca->key, -3600, 86400);
	save(ca, name, ca->certificate, ca->key);
	return ca;
}

void authority_free(struct authority *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
	free(ca);
}

void authority_issue(struct authority *ca, const char *name, const char *common_name, int64_t from,
		     int64_t to)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = make(ca, common_name, key, from, to);

	save(ca, name, x, key);
	X509_free(x);
	EVP_PKEY_free(key);
}
