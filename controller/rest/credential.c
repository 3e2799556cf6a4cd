#include "rest/credential.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "model/net.h"

#include "pki/pki.h"
#include "rest/server.h"
#include "store/rows.h"

#define TOKEN_EXPIRES "365d" // as the defaults in api/openapi.yaml
#define KEY_EXPIRES   "24h"

enum credential_type credential_of_kind(const char *kind)
{
	static const struct {
		const char *kind;
		enum credential_type type;
	} table[] = {
		{ "users", CREDENTIAL_PASSWORD },
		{ "tokens", CREDENTIAL_TOKEN },
		{ "enrolment-keys", CREDENTIAL_KEY },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].kind, kind) == 0)
			return table[i].type;
	return CREDENTIAL_NONE;
}

int credential_make(enum credential_type type, struct credential_fresh *ret_fresh, struct err *err)
{
	ret_fresh->is_issued = false;
	if (type == CREDENTIAL_TOKEN)
		return auth_token_make(ret_fresh->secret, ret_fresh->hash, err);
	return auth_key_secret_make(ret_fresh->secret, ret_fresh->hash, err);
}

static int read_id(const struct store_row *row, void *arg, struct err *err)
{
	struct store_resource resource;
	(void)err;
	store_read_resource(row, &resource);
	*(int64_t *)arg = resource.id;
	return 0;
}

int64_t credential_tx_resource(struct store_tx *tx, const char *kind, const char *name)
{
	int64_t id = 0;
	(void)store_query(tx, SQL_RESOURCE_GET, STORE_PARAMS(store_text(kind), store_text(name)),
			  read_id, &id, NULL);
	return id;
}

// What the store holds of a resource and its credential.
struct kept {
	int64_t created_ms;
	int64_t updated_ms;
	int64_t expires_ms; // by the spec
	int64_t uses;
	bool has_credential;
	char hash[AUTH_HASH_SIZE];
	int64_t credential_ms;
	enum credential_type type;
};

static int read_spec(const struct store_row *row, void *arg, struct err *err)
{
	struct kept *kept = arg;
	struct store_resource resource;
	store_read_resource(row, &resource);
	kept->created_ms = resource.created_ms;
	kept->updated_ms = resource.updated_ms;
	json_t *spec = json_loads(resource.spec, 0, NULL);
	const char *expires = json_string_value(json_object_get(spec, "expires"));
	if (!expires)
		expires = kept->type == CREDENTIAL_TOKEN ? TOKEN_EXPIRES : KEY_EXPIRES;
	int64_t ms;
	int r = 0;
	if (duration_parse(expires, &ms, NULL) == 0)
		kept->expires_ms = kept->created_ms + ms;
	else
		r = time_parse(expires, &kept->expires_ms, err);
	const json_t *uses = json_object_get(spec, "uses");
	kept->uses = uses ? json_integer_value(uses) : 1;
	json_decref(spec);
	return r;
}

static int read_credential(const struct store_row *row, void *arg, struct err *err)
{
	struct kept *kept = arg;
	struct store_credential credential;
	(void)err;
	store_read_credential(row, &credential);
	kept->has_credential = true;
	kept->credential_ms = credential.updated_ms;
	(void)snprintf(kept->hash, sizeof(kept->hash), "%s", credential.hash);
	return 0;
}

int credential_tx_keep(struct store_tx *tx, enum credential_type type, int64_t id,
		       struct credential_fresh *fresh, struct err *err)
{
	struct kept kept = { .type = type };
	fresh->is_issued = false;
	int r = store_query(tx, SQL_RESOURCE_GET_ID, STORE_PARAMS(store_int(id)), read_spec, &kept,
			    err);
	if (r <= 0)
		return r;
	r = store_query(tx, SQL_CREDENTIAL_GET, STORE_PARAMS(store_int(id)), read_credential, &kept,
			err);
	if (r < 0)
		return r;
	if (kept.has_credential && kept.updated_ms <= kept.credential_ms)
		return 0;
	fresh->is_issued = !kept.has_credential;
	const char *hash = kept.has_credential ? kept.hash : fresh->hash;
	int64_t now = fresh->now_ms > kept.updated_ms ? fresh->now_ms : kept.updated_ms;
	if (type == CREDENTIAL_TOKEN)
		return auth_tx_set_token(tx, id, hash, kept.expires_ms, now, err);
	struct auth_key key = { .hash = hash, .uses = kept.uses, .expires_ms = kept.expires_ms };
	return auth_tx_set_key(tx, id, &key, now, err);
}

static char *base64url(const char *bytes)
{
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)bytes, (unsigned)strlen(bytes) };
	gnutls_datum_t out;
	if (gnutls_base64_encode2(&in, &out) < 0)
		return NULL;
	char *text = calloc(1, out.size + 1u);
	for (size_t i = 0; text && i < out.size && out.data[i] != '='; i++) {
		char c = (char)out.data[i];
		text[i] = c;
		if (c == '+')
			text[i] = '-';
		if (c == '/')
			text[i] = '_';
	}
	gnutls_free(out.data);
	return text;
}

char *credential_key_text(const struct rest *rest, const char *name, const char *secret)
{
	json_t *urls = json_array();
	for (size_t i = 0; rest->config.urls[i]; i++)
		json_array_append_new(urls, json_string(rest->config.urls[i]));
	json_t *key = json_pack("{s:o, s:s, s:s, s:s}", "u", urls, "h",
				pki_ca_hash(rest->services.pki), "i", name, "s", secret);
	CLEAN(free_ptr) char *json = json_dumps(key, JSON_COMPACT);
	json_decref(key);
	CLEAN(free_ptr) char *encoded = json ? base64url(json) : NULL;
	return encoded ? text_format("weft1.%s", encoded) : NULL;
}

int credential_show(struct request *request, enum credential_type type, const char *name,
		    const struct credential_fresh *fresh, json_t *to)
{
	const struct rest *rest = request->rest;
	if (type == CREDENTIAL_TOKEN)
		return json_object_set_new(to, "token", json_string(fresh->secret));
	CLEAN(free_ptr) char *key = credential_key_text(rest, name, fresh->secret);
	// -k: the key pinned is all that is trusted, whoever signed the certificate.
	CLEAN(free_ptr)
	char *line = key ? text_format("curl -fsSk --pinnedpubkey '%s' %s/join | sudo sh -s -- %s",
				       tls_default_pin(rest->tls), rest->config.urls[0], key)
			 : NULL;
	if (!line || json_object_set_new(to, "key", json_string(key)) < 0)
		return -ENOMEM;
	return json_object_set_new(to, "join", json_string(line));
}
