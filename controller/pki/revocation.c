// Certificates in the store, and the revoked ones in memory.
#include <errno.h>
#include <stdint.h>

#include "inside.h"
#include "store/rows.h"

#define HOUR_S 3600

static char mark; // the value of every entry of the set

bool pki_is_revoked(const struct pki *pki, const char *serial)
{
	return map_get(pki->revoked, serial) != NULL;
}

// Certificates of a node that end after a moment.
struct recent {
	int64_t ends_after;
	int count;
};

static int count_recent(const struct store_row *row, void *arg, struct err *err)
{
	struct recent *recent = arg;
	struct store_certificate certificate;
	(void)err;
	store_read_certificate(row, &certificate);
	recent->count += certificate.not_after > recent->ends_after;
	return 0;
}

int pki_tx_record(struct store_tx *tx, const struct pki_certificate *certificate, int64_t node_id,
		  struct err *err)
{
	// All have the same life, so those of the last hour end in the hour before this one.
	struct recent recent = { .ends_after = certificate->not_after - HOUR_S };
	int r = store_query(tx, SQL_CERTIFICATE_OF_NODE, STORE_PARAMS(store_int(node_id)),
			    count_recent, &recent, err);
	if (r >= 0 && recent.count >= PKI_PER_HOUR)
		return err_set(err, -EBUSY, "it was given %d certificates within an hour",
			       PKI_PER_HOUR);
	if (r >= 0)
		r = store_exec(tx, SQL_CERTIFICATE_INSERT,
			       STORE_PARAMS(store_text(certificate->serial), store_int(node_id),
					    store_int(certificate->not_after),
					    store_text(certificate->fingerprint)),
			       err);
	return r < 0 ? r : 0;
}

int pki_tx_revoke_node(struct store_tx *tx, int64_t node_id, int64_t now_ms, struct err *err)
{
	int r = store_exec(tx, SQL_CERTIFICATE_REVOKE_NODE,
			   STORE_PARAMS(store_int(node_id), store_int(now_ms)), err);
	return r < 0 ? r : 0;
}

static int see_valid(const struct store_row *row, void *arg, struct err *err)
{
	struct store_certificate certificate;
	(void)err;
	store_read_certificate(row, &certificate);
	if (certificate.revoked_ms == 0)
		*(bool *)arg = true;
	return 0;
}

int pki_tx_has_certificate(struct store_tx *tx, int64_t node_id, struct err *err)
{
	bool has_one = false;
	int r = store_query(tx, SQL_CERTIFICATE_OF_NODE, STORE_PARAMS(store_int(node_id)),
			    see_valid, &has_one, err);
	return r < 0 ? r : has_one;
}

static int add_row(const struct store_row *row, void *arg, struct err *err)
{
	struct store_certificate certificate;
	store_read_certificate(row, &certificate);
	int r = map_set(arg, certificate.serial, &mark);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

struct refresh {
	struct pki *pki;
	struct map *revoked; // made on the store's thread
	void (*done)(void *arg);
	void *arg;
};

static int refresh_read(struct store_tx *tx, void *arg, struct err *err)
{
	struct refresh *refresh = arg;
	map_free(refresh->revoked);
	refresh->revoked = map_new(NULL);
	if (!refresh->revoked)
		return err_set(err, -ENOMEM, "out of memory");
	int r = store_query(tx, SQL_CERTIFICATE_REVOKED, STORE_NO_PARAMS, add_row, refresh->revoked,
			    err);
	return r < 0 ? r : 0;
}

// A failed read keeps the list that is known.
static void refresh_take(struct refresh *refresh, enum store_result result)
{
	if (result == STORE_OK) {
		map_free(refresh->pki->revoked);
		refresh->pki->revoked = take_ptr(&refresh->revoked);
	}
	map_free(refresh->revoked);
}

static void refresh_done(void *arg, enum store_result result, const struct err *err)
{
	(void)err;
	struct refresh *refresh = arg;
	refresh_take(refresh, result);
	if (refresh->done)
		refresh->done(refresh->arg);
	free(refresh);
}

void pki_refresh(struct pki *pki, struct store *store, void (*done)(void *arg), void *arg)
{
	struct refresh *refresh = calloc(1, sizeof *refresh);
	if (refresh)
		*refresh = (struct refresh){ .pki = pki, .done = done, .arg = arg };
	if (refresh && store_read(store, refresh_read, refresh_done, refresh) == 0)
		return;
	free(refresh);
	if (done)
		done(arg);
}

int pki_refresh_sync(struct pki *pki, struct store *store, struct err *err)
{
	struct refresh refresh = { .pki = pki };
	struct err why = { 0 };
	enum store_result result = store_read_sync(store, refresh_read, &refresh, &why);
	refresh_take(&refresh, result);
	if (err && result != STORE_OK)
		*err = why;
	return why.code;
}
