// Every file of an identity, damaged in every way: what a session needs is named with its cure, the
// other parts stay usable, and nothing on disk is changed.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

#include "uplink/credential.h"
#include "uplink/identity.h"

// A certificate that signs itself: to load an identity no chain is asked for.
static char *make_certificate(const char *key_pem)
{
	char *data;
	BIO *in = BIO_new_mem_buf(key_pem, -1);
	BIO *out = BIO_new(BIO_s_mem());
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	X509 *cert = X509_new();
	assert_non_null(key);
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
		    X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
		    X509_gmtime_adj(X509_getm_notAfter(cert), 3600) && X509_set_pubkey(cert, key) &&
		    X509_sign(cert, key, EVP_sha256()) > 0 && PEM_write_bio_X509(out, cert));
	long len = BIO_get_mem_data(out, &data);
	char *pem = strndup(data, (size_t)len);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(in);
	BIO_free(out);
	return pem;
}

static int setup(void **state)
{
	char wg[CREDENTIAL_WG_KEY_SIZE];
	char dir[] = "/tmp/weft-identity-XXXXXX";
	CLEAN(identity_done)
	struct identity identity = { .name = strdup("rho"),
				     .id = strdup("7"),
				     .hubs = { strdup("ctl:8444") },
				     .hub_count = 1 };
	assert_non_null(mkdtemp(dir));
	assert_int_equal(credential_make_key(&identity.key_pem, NULL), 0);
	assert_int_equal(credential_make_wg_key(wg, NULL), 0);
	identity.certificate_pem = make_certificate(identity.key_pem);
	identity.ca_pem = strdup(identity.certificate_pem);
	identity.wg_private_key = strdup(wg);
	assert_int_equal(identity_save(dir, &identity, NULL), 0);
	*state = strdup(dir);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(identity_delete(*state, NULL), 0);
	assert_int_equal(rmdir(*state), 0);
	free(*state);
	return 0;
}

// What each file becomes; NULL: half of itself.
static const char *const damages[] = { "", "garbage", "{\"name\": 7}", "\xff\xfe", NULL };

static void damage(const char *path, const char *with)
{
	CLEAN(free_ptr) char *text = NULL;
	size_t len = 0;
	assert_int_equal(file_read(path, 65536, &text, &len, NULL), 0);
	assert_int_equal(
		file_replace(path, with ? with : text, with ? strlen(with) : len / 2, 0600, NULL),
		0);
}

static void what_a_session_needs_is_named_with_its_cure(void **state)
{
	static const char *const files[] = { "identity.json", "ca.crt", "agent.crt", "agent.key" };
	for (size_t i = 0; i < ARRAY_LEN(files) * ARRAY_LEN(damages); i++) {
		const char *file = files[i / ARRAY_LEN(damages)];
		struct err err = { 0 };
		CLEAN(free_ptr) char *good = NULL;
		CLEAN(free_ptr) char *path = text_format("%s/%s", (char *)*state, file);
		CLEAN(identity_done) struct identity identity = { 0 };
		assert_int_equal(file_read(path, 65536, &good, NULL, NULL), 0);
		damage(path, damages[i % ARRAY_LEN(damages)]);
		assert_int_equal(identity_load(*state, &identity, &err), -EBADMSG);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, "weft-agent join KEY"));
		// The tunnels need no more.
		assert_int_equal(strlen(identity.wg_private_key), 44);
		assert_int_equal(file_replace(path, good, strlen(good), 0600, NULL), 0);
	}
	CLEAN(identity_done) struct identity identity = { 0 };
	assert_int_equal(identity_load(*state, &identity, NULL), 0);
	assert_string_equal(identity.name, "rho");
}

static void a_missing_part_is_damage_but_no_identity_is_none(void **state)
{
	struct err err = { 0 };
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(identity_done) struct identity none = { 0 };
	CLEAN(free_ptr) char *certificate = text_format("%s/agent.crt", (char *)*state);
	CLEAN(free_ptr) char *json = text_format("%s/identity.json", (char *)*state);
	assert_int_equal(unlink(certificate), 0);
	assert_int_equal(identity_load(*state, &identity, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "agent.crt"));
	assert_int_equal(unlink(json), 0);
	assert_int_equal(identity_load(*state, &none, &err), -ENOENT);
	assert_non_null(strstr(err.text, "has not joined"));
}

static void a_key_of_another_certificate_is_damage(void **state)
{
	struct err err = { 0 };
	CLEAN(free_ptr) char *other = NULL;
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(free_ptr) char *path = text_format("%s/agent.key", (char *)*state);
	assert_int_equal(credential_make_key(&other, NULL), 0);
	assert_int_equal(file_replace(path, other, strlen(other), 0600, NULL), 0);
	assert_int_equal(identity_load(*state, &identity, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "belongs to another key"));
}

// The agent takes the key from elsewhere.
static void a_missing_wireguard_key_is_none(void **state)
{
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(free_ptr) char *path = text_format("%s/wg.key", (char *)*state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(identity_load(*state, &identity, NULL), 0);
	assert_null(identity.wg_private_key);
}

// A later version wrote it, this one has it in hand for a while.
static void fields_of_a_later_version_outlive_a_save(void **state)
{
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(free_ptr) char *after = NULL;
	CLEAN(free_ptr) char *path = text_format("%s/identity.json", (char *)*state);
	static const char later[] = "{\"name\":\"rho\",\"id\":\"7\",\"hubs\":[\"ctl:8444\"],"
				    "\"later\":{\"epoch\":[12]}}";
	assert_int_equal(file_replace(path, later, strlen(later), 0600, NULL), 0);
	assert_int_equal(identity_load(*state, &identity, NULL), 0);
	free(identity.name);
	identity.name = strdup("sigma");
	assert_int_equal(identity_save(*state, &identity, NULL), 0);
	assert_int_equal(file_read(path, IDENTITY_FILE_MAX, &after, NULL, NULL), 0);
	json_auto_t *json = json_loads(after, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "name")), "sigma");
	const json_t *epoch = json_object_get(json_object_get(json, "later"), "epoch");
	assert_int_equal(json_integer_value(json_array_get(epoch, 0)), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		TEST(what_a_session_needs_is_named_with_its_cure),
		TEST(a_missing_part_is_damage_but_no_identity_is_none),
		TEST(a_key_of_another_certificate_is_damage),
		TEST(a_missing_wireguard_key_is_none),
		TEST(fields_of_a_later_version_outlive_a_save),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
