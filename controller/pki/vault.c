#include "pki/vault.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

// Sealed: version (1 byte), nonce, cipher text, tag. The version and the id are authenticated too.
#define VERSION    1
#define KEY_SIZE   32
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define HEAD_SIZE  (1 + NONCE_SIZE)

struct vault {
	unsigned char key[KEY_SIZE];
};

CLEAN_FUNC(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

static int make_key(const char *path, unsigned char *ret_key, struct err *err)
{
	if (RAND_bytes(ret_key, KEY_SIZE) != 1)
		return err_set(err, -EIO, "no random bytes for %s", path);
	return file_replace(path, ret_key, KEY_SIZE, 0600, err);
}

static int load_key(const char *path, unsigned char *ret_key, struct err *err)
{
	CLEAN(free_ptr) char *data = NULL;
	size_t len = 0;
	int r = file_read(path, 4096, &data, &len, err);
	if (r < 0)
		return r;
	if (len == KEY_SIZE)
		memcpy(ret_key, data, KEY_SIZE);
	OPENSSL_cleanse(data, len);
	return len == KEY_SIZE ? 0
			       : err_set(err, -EINVAL,
					 "%s has %zu bytes instead of %d: restore it from a backup",
					 path, len, KEY_SIZE);
}

int vault_open(const char *state_dir, bool may_make, struct vault **ret_vault, struct err *err)
{
	CLEAN(free_ptr) char *path = text_format("%s/secret.key", state_dir);
	CLEAN(vault_free_ptr) struct vault *vault = calloc(1, sizeof *vault);
	if (!path || !vault)
		return err_set(err, -ENOMEM, "out of memory");
	bool exists = access(path, F_OK) == 0;
	if (!exists && !may_make)
		return err_set(err, -ENOENT,
			       "%s is missing, without it the secrets cannot be opened: restore a "
			       "backup",
			       path);
	int r = exists ? load_key(path, vault->key, err) : make_key(path, vault->key, err);
	if (r == 0)
		*ret_vault = take_ptr(&vault);
	return r;
}

void vault_free(struct vault *vault)
{
	if (!vault)
		return;
	OPENSSL_cleanse(vault, sizeof *vault);
	free(vault);
}

static void bind_to(unsigned char aad[9], int64_t id)
{
	aad[0] = VERSION;
	for (int i = 0; i < 8; i++)
		aad[1 + i] = (unsigned char)((uint64_t)id >> (56 - 8 * i));
}

int vault_seal(const struct vault *vault, int64_t id, struct vault_bytes secret,
	       struct vault_output *ret_sealed, struct err *err)
{
	size_t len = secret.len;
	if (len > VAULT_SECRET_MAX)
		return err_set(err, -EFBIG, "a secret has at most %d bytes", VAULT_SECRET_MAX);
	unsigned char aad[9];
	bind_to(aad, id);
	CLEAN(EVP_CIPHER_CTX_free_ptr) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	CLEAN(free_ptr) unsigned char *out = malloc(HEAD_SIZE + len + TAG_SIZE);
	if (!ctx || !out)
		return err_set(err, -ENOMEM, "out of memory");
	unsigned char *body = out + HEAD_SIZE;
	int n = 0;
	out[0] = VERSION;
	if (RAND_bytes(out + 1, NONCE_SIZE) != 1 ||
	    !EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), vault->key, out + 1, NULL) ||
	    !EVP_EncryptUpdate(ctx, NULL, &n, aad, sizeof aad) ||
	    !EVP_EncryptUpdate(ctx, body, &n, secret.data, (int)len) ||
	    !EVP_EncryptFinal_ex(ctx, body + len, &n) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, body + len))
		return err_set(err, -EIO, "cannot seal a secret");
	*ret_sealed = (struct vault_output){ take_ptr(&out), HEAD_SIZE + len + TAG_SIZE };
	return 0;
}

static int decrypt(const struct vault *vault, int64_t id, const unsigned char *sealed, size_t len,
		   unsigned char *out)
{
	unsigned char aad[9];
	unsigned char tag[TAG_SIZE];
	bind_to(aad, id);
	CLEAN(EVP_CIPHER_CTX_free_ptr) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *body = sealed + HEAD_SIZE;
	int n = 0;
	memcpy(tag, body + len, TAG_SIZE);
	if (!ctx || !EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), vault->key, sealed + 1, NULL) ||
	    !EVP_DecryptUpdate(ctx, NULL, &n, aad, sizeof aad) ||
	    !EVP_DecryptUpdate(ctx, out, &n, body, (int)len) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) ||
	    EVP_DecryptFinal_ex(ctx, out + len, &n) != 1)
		return -EBADMSG;
	return 0;
}

int vault_unseal(const struct vault *vault, int64_t id, struct vault_bytes sealed,
		 struct vault_output *ret_secret, struct err *err)
{
	const unsigned char *bytes = sealed.data;
	size_t len = sealed.len;
	if (len < HEAD_SIZE + TAG_SIZE || len > HEAD_SIZE + TAG_SIZE + VAULT_SECRET_MAX ||
	    bytes[0] != VERSION)
		return err_set(err, -EBADMSG, "a stored secret is damaged: set it again");
	size_t secret_len = len - HEAD_SIZE - TAG_SIZE;
	unsigned char *out = calloc(1, secret_len + 1);
	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	if (decrypt(vault, id, bytes, secret_len, out) < 0) {
		OPENSSL_cleanse(out, secret_len);
		free(out);
		return err_set(
			err, -EBADMSG,
			"a stored secret does not open with this secret.key: restore the key or "
			"set the secret again");
	}
	*ret_secret = (struct vault_output){ out, secret_len };
	return 0;
}

CLEAN_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

int vault_derive(const struct vault *vault, const char *purpose,
		 unsigned char ret_secret[VAULT_DERIVED], struct err *err)
{
	CLEAN(EVP_PKEY_CTX_free_ptr) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t len = VAULT_DERIVED;
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set1_hkdf_key(ctx, vault->key, KEY_SIZE) != 1 ||
	    EVP_PKEY_CTX_add1_hkdf_info(ctx, (const unsigned char *)purpose,
					(int)strlen(purpose)) != 1 ||
	    EVP_PKEY_derive(ctx, ret_secret, &len) != 1)
		return err_set(err, -EIO, "cannot derive a secret");
	return 0;
}
