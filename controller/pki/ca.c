// The certificate authority's own key and certificate.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "inside.h"

#define DAY           86400LL
#define CA_YEARS      20LL
#define CLOCK_SLACK_S DAY // hosts whose clock is behind must still accept the CA

static int make(struct pki *pki, const char *key_path, int64_t now, struct err *err)
{
	int r = pki_key_make(&pki->key, err);
	if (r < 0)
		return r;
	const struct pki_wish wish = {
		.common_name = "Weft CA",
		.subject_key = pki->key,
		.not_before = now - CLOCK_SLACK_S,
		.not_after = now + CA_YEARS * 365 * DAY,
		.is_ca = true,
	};
	r = pki_build(&wish, NULL, pki->key, &pki->cert, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *pem = pki_cert_text(pki->cert);
	if (!pem)
		return err_set(err, -ENOMEM, "out of memory");
	r = pki_key_save(key_path, pki->key, err);
	return r < 0 ? r : file_replace(pki->ca_path, pem, strlen(pem), 0600, err);
}

static int load(struct pki *pki, const char *key_path, struct err *err)
{
	int r = pki_key_load(key_path, &pki->key, err);
	if (r == 0)
		r = pki_cert_load(pki->ca_path, &pki->cert, err);
	if (r == -EIO || r == -EINVAL)
		return err_set(err, r, "%s is damaged: restore a backup",
			       pki->key ? pki->ca_path : key_path);
	if (r < 0)
		return r;
	if (X509_check_private_key(pki->cert, pki->key) != 1)
		return err_set(err, -EINVAL,
			       "%s is not the key of %s: restore both from one backup", key_path,
			       pki->ca_path);
	return 0;
}

static int load_or_make(struct pki *pki, bool may_make, int64_t now, struct err *err)
{
	CLEAN(free_ptr) char *key_path = text_format("%s/ca.key", pki->dir);
	if (!key_path)
		return err_set(err, -ENOMEM, "out of memory");
	bool has_key = access(key_path, F_OK) == 0;
	bool has_cert = access(pki->ca_path, F_OK) == 0;
	if (has_key && has_cert)
		return load(pki, key_path, err);
	if (may_make)
		return make(pki, key_path, now, err);
	// A new authority beside a database of nodes would silently cut off every one of them.
	return err_set(err, -ENOENT,
		       "%s is missing, without it no node can be reached: restore a backup",
		       has_key ? pki->ca_path : key_path);
}

static int fill_paths(struct pki *pki, const char *dir)
{
	pki->dir = strdup(dir);
	pki->ca_path = text_format("%s/ca.crt", dir);
	pki->key_path = text_format("%s/tls.key", dir);
	pki->cert_path = text_format("%s/tls.crt", dir);
	pki->revoked = map_new(NULL);
	pki->node_life = PKI_NODE_DAYS * DAY;
	return pki->dir && pki->ca_path && pki->key_path && pki->cert_path && pki->revoked
		       ? 0
		       : -ENOMEM;
}

int pki_open(const char *state_dir, bool may_make, int64_t now, struct pki **ret_pki,
	     struct err *err)
{
	CLEAN(pki_free_ptr) struct pki *pki = calloc(1, sizeof *pki);
	if (!pki || fill_paths(pki, state_dir) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	int r = load_or_make(pki, may_make, now, err);
	if (r == 0)
		r = pki_cert_hash(pki->cert, pki->hash, err);
	if (r < 0)
		return r;
	pki->pem = pki_cert_text(pki->cert);
	if (!pki->pem)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_pki = take_ptr(&pki);
	return 0;
}

void pki_free(struct pki *pki)
{
	if (!pki)
		return;
	EVP_PKEY_free(pki->key);
	X509_free(pki->cert);
	map_free(pki->revoked);
	free(pki->pem);
	free(pki->dir);
	free(pki->ca_path);
	free(pki->key_path);
	free(pki->cert_path);
	free(pki);
}

void pki_set_node_life(struct pki *pki, int64_t seconds)
{
	pki->node_life = seconds;
}

const char *pki_ca_pem(const struct pki *pki)
{
	return pki->pem;
}

int64_t pki_ca_expires(const struct pki *pki)
{
	return pki_time(X509_get0_notAfter(pki->cert));
}

const char *pki_ca_hash(const struct pki *pki)
{
	return pki->hash;
}

const char *pki_key_path(const struct pki *pki)
{
	return pki->key_path;
}

const char *pki_cert_path(const struct pki *pki)
{
	return pki->cert_path;
}
