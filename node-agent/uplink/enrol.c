#include "uplink/enrol.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

#include "uplink/credential.h"
#include "uplink/http.h"

CLEAN_FUNC(json_t, json_decref)
CLEAN_FUNC(X509, X509_free)
CLEAN_FUNC(BIO, BIO_free_all)

enum { POLL_MS = 3000, DEFAULT_REST_PORT = 8443, DEFAULT_HUB_PORT = 8444 };

// The first controller of the key that answers.
struct place {
	char host[256];
	int port;
};

static int check_hash(const char *ca_pem, const struct enrol_key *key, const char *host,
		      struct err *err)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(ca_pem, -1);
	CLEAN(X509_free_ptr) X509 *ca = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (!ca || !X509_digest(ca, EVP_sha256(), hash, &len) || len != sizeof key->ca_sha256)
		return err_set(err, -EKEYREJECTED, "what answers at %s is no Weft controller",
			       host);
	if (CRYPTO_memcmp(hash, key->ca_sha256, len) != 0)
		return err_set(err, -EKEYREJECTED,
			       "the controller at %s has another certificate authority than the "
			       "key: nothing was sent to it",
			       host);
	return 0;
}

// Walks the key's controllers. A wrong authority ends the walk: it is worth a person's look.
static int fetch_authority(const struct enrol_key *key, struct place *ret_place, char **ret_ca_pem,
			   struct err *err)
{
	int r = -EHOSTUNREACH;
	for (size_t i = 0; i < key->url_count; i++) {
		struct place place;
		CLEAN(free_ptr) char *body = NULL;
		if (enrol_key_host_port(key->urls[i], DEFAULT_REST_PORT, place.host,
					sizeof place.host, &place.port) < 0)
			continue;
		const struct http_request request = { .host = place.host,
						      .port = place.port,
						      .path = "/api/v1/ca" };
		r = http_request(&request, &body, err);
		if (r < 0)
			continue;
		if (r != 200)
			return err_set(err, -EKEYREJECTED,
				       "what answers at %s is no Weft controller (HTTP %d)",
				       place.host, r);
		r = check_hash(body, key, place.host, err);
		if (r == 0) {
			*ret_ca_pem = take_ptr(&body);
			*ret_place = place;
		}
		return r;
	}
	return r;
}

static char *id_text(const json_t *id)
{
	if (json_is_integer(id))
		return text_format("%lld", (long long)json_integer_value(id));
	return json_is_string(id) ? strdup(json_string_value(id)) : NULL;
}

// Fills `identity`, which already holds the keys and the authority, from the controller's answer.
static int read_answer(const char *body, const struct place *place, int64_t at_s,
		       struct identity *identity, struct err *err)
{
	CLEAN(json_decref_ptr) json_t *json = json_loads(body, 0, NULL);
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *certificate = json_string_value(json_object_get(json, "certificate"));
	if (!name || !certificate)
		return err_set(err, -EPROTO,
			       "controller %s answered without a name or a certificate",
			       place->host);
	identity->name = strdup(name);
	identity->certificate_pem = strdup(certificate);
	identity->id = id_text(json_object_get(json, "id"));
	if (!identity->name || !identity->certificate_pem || !identity->id ||
	    identity_read_list(json_object_get(json, "controllers"), identity->controllers,
			       &identity->controller_count) < 0 ||
	    identity_read_list(json_object_get(json, "hub"), identity->hubs, &identity->hub_count) <
		    0)
		return err_set(err, -EPROTO, "controller %s answered without the node's id",
			       place->host);
	if (identity->hub_count == 0) {
		bool v6 = strchr(place->host, ':') != NULL;
		identity->hubs[0] =
			text_format(v6 ? "[%s]:%d" : "%s:%d", place->host, DEFAULT_HUB_PORT);
		identity->hub_count = identity->hubs[0] ? 1 : 0;
	}
	return credential_check(certificate, identity->key_pem, identity->ca_pem, at_s, err);
}

static int refusal(int status, const char *body, const struct place *place, struct err *err)
{
	CLEAN(json_decref_ptr) json_t *json = json_loads(body, 0, NULL);
	const char *detail = json_string_value(json_object_get(json, "detail"));
	if (!detail)
		detail = json_string_value(json_object_get(json, "title"));
	if (detail)
		return err_set(err, -EKEYREJECTED, "controller %s refused: %s", place->host,
			       detail);
	return err_set(err, -EKEYREJECTED, "controller %s refused with HTTP status %d", place->host,
		       status);
}

// Asks until the answer is yes or no. While an operator has not approved yet, the same question is
// repeated.
static int ask(const struct place *place, const char *question, const struct enrol_options *options,
	       struct identity *identity, struct err *err)
{
	const struct http_request request = { .host = place->host,
					      .port = place->port,
					      .path = "/api/v1/enrol",
					      .body = question,
					      .ca_pem = identity->ca_pem,
					      .verify_time_s = options->verify_time_s };
	int64_t deadline = clock_mono_ms() + options->wait_ms;
	bool told = false;
	for (;;) {
		CLEAN(free_ptr) char *body = NULL;
		int status = http_request(&request, &body, err);
		if (status < 0 && !told)
			return status;
		if (status == 200 || status == 201)
			return read_answer(body, place, options->verify_time_s, identity, err);
		// A controller that restarts while we wait is no refusal.
		if (status > 0 && status != 202 && status < 500)
			return refusal(status, body, place, err);
		if (status >= 500 && !told)
			return refusal(status, body, place, err);
		if (!told && options->on_pending)
			options->on_pending(options->context);
		told = true;
		if (clock_mono_ms() >= deadline)
			return err_set(err, -ETIMEDOUT, "nobody approved this node in time");
		(void)nanosleep(&(struct timespec){ .tv_sec = POLL_MS / 1000 }, NULL);
	}
}

static int make_question(const struct enrol_key *key, const struct enrol_options *options,
			 const struct identity *identity, char **ret_question, struct err *err)
{
	char public_key[CREDENTIAL_WG_KEY_SIZE];
	CLEAN(free_ptr) char *csr = NULL;
	char node[128];
	(void)snprintf(node, sizeof node, "node:%.100s", options->name ? options->name : "new");
	int r = credential_wg_public(identity->wg_private_key, public_key, err);
	if (r == 0)
		r = credential_make_csr(identity->key_pem, node, &csr, err);
	if (r < 0)
		return r;
	CLEAN(json_decref_ptr)
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "key_id", key->id, "secret", key->secret,
				 "csr", csr, "public_key", public_key);
	if (options->name)
		(void)json_object_set_new(json, "name", json_string(options->name));
	char *question = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!question)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_question = question;
	return 0;
}

int enrol(const struct enrol_key *key, const struct enrol_options *options,
	  struct identity *ret_identity, struct err *err)
{
	struct place place;
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(free_ptr) char *question = NULL;
	char wg_key[CREDENTIAL_WG_KEY_SIZE];
	int r = fetch_authority(key, &place, &identity.ca_pem, err);
	if (r == 0)
		r = credential_make_key(&identity.key_pem, err);
	if (r == 0)
		r = credential_make_wg_key(wg_key, err);
	if (r < 0)
		return r;
	identity.wg_private_key = strdup(wg_key);
	OPENSSL_cleanse(wg_key, sizeof wg_key);
	if (!identity.wg_private_key)
		return err_set(err, -ENOMEM, "out of memory");
	r = make_question(key, options, &identity, &question, err);
	if (r == 0)
		r = ask(&place, question, options, &identity, err);
	if (r < 0)
		return r;
	*ret_identity = identity;
	identity = (struct identity){ 0 };
	return 0;
}
