// Tokens, enrolment keys and password hashes as steps of a transaction.
#include <errno.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/secret.h"
#include "store/rows.h"

int auth_token_make(char *ret_token, char *ret_hash, struct err *err)
{
	int r = secret_make("weftt_", ret_token, err);
	if (r == 0)
		secret_hash(ret_token, ret_hash);
	return r;
}

int auth_key_secret_make(char *ret_secret, char *ret_hash, struct err *err)
{
	int r = secret_make("", ret_secret, err);
	if (r == 0)
		secret_hash(ret_secret, ret_hash);
	return r;
}

static int put(struct store_tx *tx, int64_t id, const struct auth_key *key, int64_t now_ms,
	       struct err *err)
{
	int r = store_exec(tx, SQL_CREDENTIAL_PUT,
			   STORE_PARAMS(store_int(id), store_text(key->hash), store_int(key->uses),
					store_int(key->expires_ms), store_int(now_ms)),
			   err);
	// Other processes see that their copies are old.
	return r < 0 ? r : store_meta_bump(tx, "auth_revision", NULL, err);
}

int auth_tx_set_password(struct store_tx *tx, int64_t id, const char *hash, int64_t now_ms,
			 struct err *err)
{
	int r = put(tx, id, &(struct auth_key){ .hash = hash, .uses = -1 }, now_ms, err);
	if (r == 0)
		r = store_exec(tx, SQL_SESSION_DELETE_USER, STORE_PARAMS(store_int(id)), err);
	return r < 0 ? r : 0;
}

int auth_tx_set_token(struct store_tx *tx, int64_t id, const char *hash, int64_t expires_ms,
		      int64_t now_ms, struct err *err)
{
	const struct auth_key key = { .hash = hash, .uses = -1, .expires_ms = expires_ms };
	return put(tx, id, &key, now_ms, err);
}

int auth_tx_set_key(struct store_tx *tx, int64_t id, const struct auth_key *key, int64_t now_ms,
		    struct err *err)
{
	return put(tx, id, key, now_ms, err);
}

// ---- using an enrolment key ----

struct known_key {
	int64_t id;
	char *spec;
	char hash[SECRET_HASH_SIZE];
	int64_t uses;
	int64_t expires_ms;
};

static void known_key_done(struct known_key *known)
{
	free(known->spec);
}

static int copy_resource(const struct store_row *row, void *arg, struct err *err)
{
	struct known_key *known = arg;
	struct store_resource resource;
	store_read_resource(row, &resource);
	known->id = resource.id;
	known->spec = strdup(resource.spec);
	return known->spec ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int copy_credential(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	struct known_key *known = arg;
	struct store_credential credential;
	store_read_credential(row, &credential);
	if (strlen(credential.hash) == SECRET_HASH_SIZE - 1)
		memcpy(known->hash, credential.hash, SECRET_HASH_SIZE);
	known->uses = credential.uses_left;
	known->expires_ms = credential.expires_ms;
	return 0;
}

// 1 when there is such a key (perhaps without a secret, which then fits nothing), 0 when there is
// none.
static int find_key(struct store_tx *tx, const char *name, struct known_key *known, struct err *err)
{
	int found = store_query(tx, SQL_RESOURCE_GET,
				STORE_PARAMS(store_text("enrolment-keys"), store_text(name)),
				copy_resource, known, err);
	if (found <= 0)
		return found;
	int r = store_query(tx, SQL_CREDENTIAL_GET, STORE_PARAMS(store_int(known->id)),
			    copy_credential, known, err);
	return r < 0 ? r : 1;
}

static int judge_key(const struct known_key *known, const struct auth_key_claim *claim,
		     struct err *err)
{
	char hash[SECRET_HASH_SIZE];
	secret_hash(claim->secret, hash);
	if (!secret_equal(hash, known->hash))
		return err_set(err, -EACCES, "the secret of enrolment key %s is wrong",
			       claim->name);
	if (known->expires_ms && claim->now_ms >= known->expires_ms)
		return err_set(err, -EACCES, "the enrolment key %s has expired", claim->name);
	if (known->uses == 0 && claim->use != AUTH_KEY_AGAIN)
		return err_set(err, -EACCES, "the enrolment key %s is used up", claim->name);
	return 0;
}

static int take_use(struct store_tx *tx, const struct known_key *known,
		    const struct auth_key_claim *claim, struct err *err)
{
	if (known->uses < 0)
		return 0;
	int r = store_exec(tx, SQL_CREDENTIAL_USE,
			   STORE_PARAMS(store_int(known->id), store_int(claim->now_ms)), err);
	if (r == 0)
		return err_set(err, -EACCES, "the enrolment key %s is used up", claim->name);
	return r < 0 ? r : 0;
}

int auth_tx_use_key(struct store_tx *tx, const struct auth_key_claim *claim,
		    struct auth_key_grant *ret_grant, struct err *err)
{
	CLEAN(known_key_done) struct known_key known = { 0 };
	int r = find_key(tx, claim->name, &known, err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -EACCES, "there is no enrolment key %.63s", claim->name);
	r = judge_key(&known, claim, err);
	if (r == 0 && claim->use == AUTH_KEY_TAKE)
		r = take_use(tx, &known, claim, err);
	if (r < 0)
		return r;
	*ret_grant = (struct auth_key_grant){ .id = known.id, .spec = take_ptr(&known.spec) };
	return 0;
}
