// The authority: made once, signs what it should, and tells its nodes from everybody else.
#include "pki/pki.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define NOW 1800000000LL
#define DAY 86400LL

static char dir[64];

static int setup(void **state)
{
	struct pki *pki = NULL;
	struct err err = { 0 };
	(void)snprintf(dir, sizeof dir, "/tmp/weft-pki.XXXXXX");
	assert_non_null(mkdtemp(dir));
	if (pki_open(dir, true, NOW, &pki, &err) < 0)
		fail_msg("%s", err.text);
	*state = pki;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	pki_free(*state);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// ---- requests as an agent makes them ----

static void csr_text(EVP_PKEY *key, EVP_PKEY *signer, char *ret, size_t size)
{
	X509_REQ *csr = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	assert_true(X509_REQ_set_pubkey(csr, key) == 1);
	const EVP_MD *md = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	assert_true(X509_REQ_sign(csr, signer, md) > 0);
	assert_true(PEM_write_bio_X509_REQ(bio, csr) == 1);
	int n = BIO_read(bio, ret, (int)size - 1);
	assert_true(n > 0);
	ret[n] = '\0';
	BIO_free(bio);
	X509_REQ_free(csr);
}

static void csr_of(EVP_PKEY *key, char *ret, size_t size)
{
	csr_text(key, key, ret, size);
	EVP_PKEY_free(key);
}

static void sign_node(const struct pki *pki, const char *name, int64_t id,
		      struct pki_certificate *ret)
{
	char csr[4096];
	struct err err = { 0 };
	csr_of(EVP_EC_gen("P-256"), csr, sizeof csr);
	const struct pki_request request = { csr, name, id, NOW };
	if (pki_sign(pki, &request, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static X509 *parse(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(cert);
	BIO_free(bio);
	return cert;
}

// ---- the authority ----

static void test_authority_is_kept(void **state)
{
	const struct pki *first = *state;
	CLEAN(pki_free_ptr) struct pki *second = NULL;
	assert_int_equal(pki_open(dir, false, NOW + 5 * DAY, &second, NULL), 0);
	assert_string_equal(pki_ca_hash(first), pki_ca_hash(second));
	assert_int_equal(strlen(pki_ca_hash(first)), 64);
	static const char *const files[] = { "ca.key", "ca.crt" };
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		struct stat st;
		(void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void test_half_an_authority_is_refused(void **state)
{
	(void)state;
	char path[128];
	struct pki *pki = NULL;
	struct err err = { 0 };
	(void)snprintf(path, sizeof path, "%s/ca.key", dir);
	assert_int_equal(remove(path), 0);
	assert_int_equal(pki_open(dir, false, NOW, &pki, &err), -ENOENT);
	assert_non_null(strstr(err.text, "ca.key is missing"));
	assert_null(pki);
	// A first start that was killed between the two begins again.
	assert_int_equal(pki_open(dir, true, NOW, &pki, &err), 0);
	pki_free(pki);
}

static void test_the_wrong_key_is_refused(void **state)
{
	(void)state;
	char path[128];
	struct pki *pki = NULL;
	struct err err = { 0 };
	EVP_PKEY *other = EVP_EC_gen("P-256");
	(void)snprintf(path, sizeof path, "%s/ca.key", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, other, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	EVP_PKEY_free(other);
	assert_int_equal(pki_open(dir, false, NOW, &pki, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is not the key of"));
}

// ---- the controller's certificate ----

static bool renew(struct pki *pki, const char *const *names, int64_t now)
{
	bool is_renewed = false;
	struct err err = { 0 };
	if (pki_server_renew(pki, names, now, &is_renewed, &err) < 0)
		fail_msg("%s", err.text);
	return is_renewed;
}

static void test_server_certificate(void **state)
{
	struct pki *pki = *state;
	static const char *const names[] = { "weft.example.net", "192.0.2.1", "2001:db8::1",
					     "localhost",        "192.0.2.1", NULL };
	static const char *const fewer[] = { "weft.example.net", NULL };
	assert_true(renew(pki, names, NOW));
	assert_false(renew(pki, names, NOW));
	assert_false(renew(pki, names, NOW + 500 * DAY));
	CLEAN(free_ptr) char *pem = NULL;
	assert_int_equal(file_read(pki_cert_path(pki), 65536, &pem, NULL, NULL), 0);
	X509 *cert = parse(pem);
	assert_int_equal(pki_peer_verify(pki, cert, NULL), 0);
	assert_int_equal(X509_check_host(cert, PKI_SERVER_NAME, 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(cert, "weft.example.net", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "192.0.2.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "2001:db8::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
	struct pki_peer peer;
	assert_int_equal(pki_peer_read(cert, &peer, NULL), -EINVAL);
	X509_free(cert);
	assert_true(renew(pki, names, NOW + 700 * DAY));
	assert_true(renew(pki, fewer, NOW + 700 * DAY));
	assert_false(renew(pki, fewer, NOW + 701 * DAY));
}

static void test_a_new_certificate_keeps_the_pin(void **state)
{
	struct pki *pki = *state;
	static const char *const names[] = { "weft.example.net", NULL };
	char pins[3][PKI_PIN_SIZE];
	for (int i = 0; i < 3; i++) {
		CLEAN(free_ptr) char *pem = NULL;
		if (i == 2)
			assert_int_equal(remove(pki_key_path(pki)), 0);
		assert_true(renew(pki, names, NOW + i * 700 * DAY));
		assert_int_equal(file_read(pki_cert_path(pki), 65536, &pem, NULL, NULL), 0);
		assert_int_equal(pki_pin(pem, pins[i], NULL), 0);
	}
	assert_string_equal(pins[0], pins[1]);
	assert_string_not_equal(pins[1], pins[2]); // its owner wanted another
}

static void test_a_bad_name_is_refused(void **state)
{
	static const char *const names[] = { "two words", NULL };
	bool is_renewed = false;
	struct err err = { 0 };
	assert_int_equal(pki_server_renew(*state, names, NOW, &is_renewed, &err), -EINVAL);
	assert_non_null(strstr(err.text, "two words"));
}

static void test_pin_of_a_key(void **state)
{
	char pin[PKI_PIN_SIZE];
	char again[PKI_PIN_SIZE];
	assert_int_equal(pki_pin(pki_ca_pem(*state), pin, NULL), 0);
	assert_int_equal(strncmp(pin, "sha256//", 8), 0);
	assert_int_equal(strlen(pin), 8 + 44);
	assert_int_equal(pki_pin(pki_ca_pem(*state), again, NULL), 0);
	assert_string_equal(pin, again);
	assert_int_equal(pki_pin("nothing", pin, NULL), -EINVAL);
}

// ---- nodes ----

static void test_a_node_is_read_back(void **state)
{
	const struct pki *pki = *state;
	struct pki_certificate c = { 0 };
	struct pki_peer peer;
	sign_node(pki, "rho", 12, &c);
	assert_int_equal(pki_peer_read_pem(c.pem, &peer, NULL), 0);
	assert_int_equal(peer.node_id, 12);
	assert_string_equal(peer.name, "rho");
	assert_string_equal(peer.serial, c.serial);
	assert_string_equal(peer.fingerprint, c.fingerprint);
	assert_int_equal(peer.not_after, NOW + PKI_NODE_DAYS * DAY);
	assert_int_equal(peer.not_after, c.not_after);
	X509 *cert = parse(c.pem);
	assert_int_equal(pki_peer_verify(pki, cert, NULL), 0);
	assert_int_equal(X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0), 1);
	assert_int_equal(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0), 0);
	X509_free(cert);
	pki_certificate_done(&c);
}

static void test_the_longest_name(void **state)
{
	struct pki_certificate c = { 0 };
	struct pki_peer peer;
	char name[64];
	memset(name, 'a', 63);
	name[63] = '\0';
	sign_node(*state, name, 1, &c);
	assert_int_equal(pki_peer_read_pem(c.pem, &peer, NULL), 0);
	assert_int_equal(peer.node_id, 1);
	pki_certificate_done(&c);
}

static void test_another_authority_is_told_apart(void **state)
{
	char sub[96];
	CLEAN(pki_free_ptr) struct pki *other = NULL;
	struct pki_certificate c = { 0 };
	(void)snprintf(sub, sizeof sub, "%s/other", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(pki_open(sub, true, NOW, &other, NULL), 0);
	sign_node(other, "rho", 12, &c);
	X509 *cert = parse(c.pem);
	assert_int_equal(pki_peer_verify(*state, cert, NULL), -EACCES);
	X509_free(cert);
	pki_certificate_done(&c);
}

static void refused(const struct pki *pki, const char *csr, const char *words)
{
	struct pki_certificate c = { 0 };
	struct err err = { 0 };
	const struct pki_request request = { csr, "rho", 1, NOW };
	assert_true(pki_sign(pki, &request, &c, &err) < 0);
	assert_null(c.pem);
	if (!strstr(err.text, words))
		fail_msg("`%s` does not say `%s`", err.text, words);
}

static void test_bad_requests(void **state)
{
	const struct pki *pki = *state;
	char csr[8192];
	refused(pki, "", "not a PEM certificate request");
	refused(pki,
		"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
		"not a PEM certificate request");
	refused(pki, pki_ca_pem(pki), "not a PEM certificate request");
	CLEAN(free_ptr) char *long_text = calloc(1, 20000);
	memset(long_text, 'A', 19999);
	refused(pki, long_text, "larger than");
	csr_of(EVP_RSA_gen(1024), csr, sizeof csr);
	refused(pki, csr, "its key is not");
	csr_of(EVP_EC_gen("secp256k1"), csr, sizeof csr);
	// The curve has 256 bits too; only named NIST curves are taken.
	refused(pki, csr, "its key is not");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY *thief = EVP_EC_gen("P-256");
	csr_text(key, thief, csr, sizeof csr);
	refused(pki, csr, "signature");
	EVP_PKEY_free(key);
	EVP_PKEY_free(thief);
}

static void test_good_requests(void **state)
{
	char csr[8192];
	EVP_PKEY *const keys[] = { EVP_EC_gen("P-384"), EVP_RSA_gen(2048),
				   EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct pki_certificate c = { 0 };
		csr_of(keys[i], csr, sizeof csr);
		const struct pki_request request = { csr, "rho", 1, NOW };
		assert_int_equal(pki_sign(*state, &request, &c, NULL), 0);
		pki_certificate_done(&c);
	}
}

static void test_a_short_life_is_due_at_two_thirds(void **state)
{
	static const int64_t lives[] = { 60, 3600, 90 * DAY, 825 * DAY };
	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		struct pki_certificate c = { 0 };
		pki_set_node_life(*state, lives[i]);
		sign_node(*state, "rho", 12, &c);
		assert_int_equal(c.not_after, NOW + lives[i]);
		// As the agents reckon: not at once, and long before the end.
		int64_t due = c.not_before + (c.not_after - c.not_before) * 2 / 3;
		assert_in_range(due, NOW + lives[i] / 2, NOW + lives[i] * 2 / 3);
		pki_certificate_done(&c);
	}
}

static void test_hash_of_a_requests_key(void **state)
{
	(void)state;
	char csr[2][4096];
	char hash[3][PKI_HASH_SIZE];
	EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-256") };
	for (int i = 0; i < 2; i++) {
		csr_text(keys[i], keys[i], csr[i], sizeof csr[i]);
		assert_int_equal(pki_csr_key_hash(csr[i], hash[i], NULL), 0);
		assert_int_equal(strlen(hash[i]), 64);
	}
	assert_string_not_equal(hash[0], hash[1]);
	csr_text(keys[0], keys[0], csr[1], sizeof csr[1]); // another signature, the same key
	assert_int_equal(pki_csr_key_hash(csr[1], hash[2], NULL), 0);
	assert_string_equal(hash[0], hash[2]);
	csr_text(keys[0], keys[1], csr[0], sizeof csr[0]);
	assert_int_equal(pki_csr_key_hash(csr[0], hash[0], NULL), -EINVAL);
	assert_int_equal(pki_csr_key_hash("nothing", hash[0], NULL), -EINVAL);
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
}

// ---- what a peer may do ----

static void test_judging_by_time(void **state)
{
	static const struct {
		int64_t now;
		enum pki_verdict verdict;
	} table[] = {
		{ NOW - 2 * DAY, PKI_REFUSE },       { NOW, PKI_ACCEPT },
		{ NOW + 90 * DAY, PKI_ACCEPT },      { NOW + 90 * DAY + 1, PKI_RENEW_ONLY },
		{ NOW + 120 * DAY, PKI_RENEW_ONLY }, { NOW + 120 * DAY + 1, PKI_REFUSE },
	};
	struct pki_certificate c = { 0 };
	struct pki_peer peer;
	sign_node(*state, "rho", 12, &c);
	assert_int_equal(pki_peer_read_pem(c.pem, &peer, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err err = { 0 };
		assert_int_equal(pki_judge(*state, &peer, table[i].now, &err), table[i].verdict);
		assert_int_equal(err.code != 0, table[i].verdict == PKI_REFUSE);
	}
	pki_certificate_done(&c);
}

struct recorded {
	struct pki_certificate certificate;
	int64_t node_id;
};

static int record(struct store_tx *tx, void *arg, struct err *err)
{
	const struct recorded *r = arg;
	return pki_tx_record(tx, &r->certificate, r->node_id, err);
}

static int has_certificate(struct store_tx *tx, void *arg, struct err *err)
{
	const struct recorded *r = arg;
	assert_int_equal(pki_tx_has_certificate(tx, 9, err), 0);
	assert_int_equal(pki_tx_has_certificate(tx, r->node_id, err), r->node_id == 2);
	return 0;
}

static int revoke_node(struct store_tx *tx, void *arg, struct err *err)
{
	return pki_tx_revoke_node(tx, *(const int64_t *)arg, NOW * 1000, err);
}

static void test_revocation(void **state)
{
	struct pki *pki = *state;
	struct store *store = NULL;
	struct recorded nodes[2] = { { .node_id = 1 }, { .node_id = 2 } };
	struct pki_peer peer[2];
	char path[96];
	(void)snprintf(path, sizeof path, "%s/weft.db", dir);
	assert_int_equal(store_open(NULL, path, &store, NULL), 0);
	for (int i = 0; i < 2; i++) {
		sign_node(pki, "rho", nodes[i].node_id, &nodes[i].certificate);
		assert_int_equal(pki_peer_read_pem(nodes[i].certificate.pem, &peer[i], NULL), 0);
		assert_int_equal(store_transact_sync(store, NULL, record, &nodes[i], NULL),
				 STORE_OK);
	}
	assert_int_equal(store_transact_sync(store, NULL, revoke_node, &nodes[0].node_id, NULL),
			 STORE_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_transact_sync(store, NULL, has_certificate, &nodes[i], NULL),
				 STORE_OK);
	assert_int_equal(pki_judge(pki, &peer[0], NOW, NULL), PKI_ACCEPT);
	assert_int_equal(pki_refresh_sync(pki, store, NULL), 0);
	struct err err = { 0 };
	assert_int_equal(pki_judge(pki, &peer[0], NOW, &err), PKI_REFUSE);
	assert_non_null(strstr(err.text, "revoked"));
	assert_int_equal(pki_judge(pki, &peer[1], NOW, NULL), PKI_ACCEPT);
	for (int i = 0; i < 2; i++)
		pki_certificate_done(&nodes[i].certificate);
	store_free(store);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_authority_is_kept),
		TEST(test_half_an_authority_is_refused),
		TEST(test_the_wrong_key_is_refused),
		TEST(test_server_certificate),
		TEST(test_a_new_certificate_keeps_the_pin),
		TEST(test_a_bad_name_is_refused),
		TEST(test_pin_of_a_key),
		TEST(test_a_node_is_read_back),
		TEST(test_the_longest_name),
		TEST(test_another_authority_is_told_apart),
		TEST(test_bad_requests),
		TEST(test_good_requests),
		TEST(test_a_short_life_is_due_at_two_thirds),
		TEST(test_hash_of_a_requests_key),
		TEST(test_judging_by_time),
		TEST(test_revocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
