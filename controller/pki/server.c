// The controller's own certificate.
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "inside.h"

#define DAY         86400LL
#define SERVER_DAYS 825

static const char *const always[] = { PKI_SERVER_NAME, "localhost", "127.0.0.1", "::1", NULL };

// "DNS:a,IP:..." in the order they stand.
static void add_name(struct text *out, const GENERAL_NAME *name)
{
	int type = 0;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	const unsigned char *bytes = ASN1_STRING_get0_data(value);
	size_t len = (size_t)ASN1_STRING_length(value);
	text_addf(out, "%d:", type);
	if (type == GEN_DNS)
		text_add_bytes(out, bytes, len);
	else
		for (size_t i = 0; i < len; i++)
			text_addf(out, "%02x", bytes[i]);
	text_add(out, ",");
}

static char *names_text(const GENERAL_NAMES *names)
{
	struct text out = { 0 };
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS || name->type == GEN_IPADD)
			add_name(&out, name);
	}
	return text_take(&out);
}

static bool is_listed(const char *const *names, const char *const *end, const char *name)
{
	for (; names != end && *names; names++) {
		if (strcasecmp(*names, name) == 0)
			return true;
	}
	return false;
}

static bool is_host_name(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len <= 253 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		       len;
}

static int add_wanted(GENERAL_NAMES *list, const char *const *names, struct err *err)
{
	for (size_t i = 0; always[i]; i++) {
		int r = pki_names_add(list, GEN_DNS, always[i], err);
		if (r < 0)
			return r;
	}
	unsigned char bytes[16];
	for (const char *const *name = names; name && *name; name++) {
		if (is_listed(always, NULL, *name) || is_listed(names, name, *name))
			continue;
		if (!is_host_name(*name) && inet_pton(AF_INET6, *name, bytes) != 1)
			return err_set(err, -EINVAL,
				       "advertise: `%s` is neither a host name nor an IP address",
				       *name);
		int r = pki_names_add(list, GEN_DNS, *name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

// Why the files on disk will not do, or NULL when they will.
static const char *reason_to_renew(const struct pki *pki, const char *wanted, int64_t now)
{
	if (access(pki->key_path, F_OK) != 0 || access(pki->cert_path, F_OK) != 0)
		return "missing";
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = NULL;
	CLEAN(X509_free_ptr) X509 *cert = NULL;
	if (pki_key_load(pki->key_path, &key, NULL) < 0 ||
	    pki_cert_load(pki->cert_path, &cert, NULL) < 0 ||
	    X509_check_private_key(cert, key) != 1)
		return "unreadable";
	if (pki_peer_verify(pki, cert, NULL) < 0)
		return "of another authority";
	int64_t from = pki_time(X509_get0_notBefore(cert));
	int64_t to = pki_time(X509_get0_notAfter(cert));
	if (now < from || to - now < (to - from) / 3)
		return "old";
	CLEAN(GENERAL_NAMES_free_ptr)
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	CLEAN(free_ptr) char *have = names_text(names);
	return have && strcmp(have, wanted) == 0 ? NULL : "for other names";
}

// People pin the key: it stays the same from certificate to certificate. To change it, remove it.
static int key_to_certify(const struct pki *pki, EVP_PKEY **ret_key, bool *ret_fresh,
			  struct err *err)
{
	*ret_fresh = pki_key_load(pki->key_path, ret_key, NULL) < 0;
	return *ret_fresh ? pki_key_make(ret_key, err) : 0;
}

static int make(const struct pki *pki, GENERAL_NAMES *names, int64_t now, struct err *err)
{
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = NULL;
	CLEAN(X509_free_ptr) X509 *cert = NULL;
	bool is_fresh = true;
	int r = key_to_certify(pki, &key, &is_fresh, err);
	if (r < 0)
		return r;
	const struct pki_wish wish = {
		.common_name = PKI_SERVER_NAME,
		.subject_key = key,
		.not_before = now - DAY,
		.not_after = now + SERVER_DAYS * DAY,
		.extended_use = "serverAuth",
		.names = names,
	};
	r = pki_build(&wish, pki->cert, pki->key, &cert, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *own = pki_cert_text(cert);
	CLEAN(free_ptr) char *chain = own ? text_format("%s%s", own, pki->pem) : NULL;
	if (!chain)
		return err_set(err, -ENOMEM, "out of memory");
	// A crash in between leaves a pair that does not fit, which the next start replaces.
	if (is_fresh)
		r = pki_key_save(pki->key_path, key, err);
	return r < 0 ? r : file_replace(pki->cert_path, chain, strlen(chain), 0600, err);
}

int pki_server_renew(struct pki *pki, const char *const *names, int64_t now, bool *ret_renewed,
		     struct err *err)
{
	CLEAN(GENERAL_NAMES_free_ptr) GENERAL_NAMES *list = GENERAL_NAMES_new();
	if (!list)
		return err_set(err, -ENOMEM, "out of memory");
	int r = add_wanted(list, names, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *wanted = names_text(list);
	if (!wanted)
		return err_set(err, -ENOMEM, "out of memory");
	bool is_due = reason_to_renew(pki, wanted, now) != NULL;
	r = is_due ? make(pki, list, now, err) : 0;
	if (r == 0)
		*ret_renewed = is_due;
	return r;
}
