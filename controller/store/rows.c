#include "store/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// The column orders are those of the SELECT lists at the top of sql.c.

void store_read_resource(const struct store_row *row, struct store_resource *ret)
{
	*ret = (struct store_resource){
		.id = store_row_int(row, 0),
		.kind = store_row_text(row, 1),
		.name = store_row_text(row, 2),
		.spec = store_row_text(row, 3),
		.set_name = store_row_text(row, 4),
		.revision = store_row_int(row, 5),
		.created_ms = store_row_int(row, 6),
		.updated_ms = store_row_int(row, 7),
	};
}

void store_read_change(const struct store_row *row, struct store_change *ret)
{
	*ret = (struct store_change){
		.revision = store_row_int(row, 0),
		.seq = store_row_int(row, 1),
		.at_ms = store_row_int(row, 2),
		.actor = store_row_text(row, 3),
		.kind = store_row_text(row, 4),
		.name = store_row_text(row, 5),
		.action = store_row_text(row, 6),
		.before = store_row_text(row, 7),
		.after = store_row_text(row, 8),
		.resource_id = store_row_int(row, 9),
		.former_name = store_row_text(row, 10),
		.former_set = store_row_text(row, 11),
	};
}

void store_read_allocation(const struct store_row *row, struct store_allocation *ret)
{
	*ret = (struct store_allocation){
		.pool = store_row_text(row, 0),
		.owner = store_row_text(row, 1),
		.value = store_row_text(row, 2),
		.size = store_row_int(row, 3),
		.freed_revision = store_row_is_null(row, 4) ? -1 : store_row_int(row, 4),
	};
}

void store_read_target(const struct store_row *row, struct store_target *ret)
{
	*ret = (struct store_target){
		.node_id = store_row_int(row, 0),
		.revision = store_row_int(row, 1),
		.digest = store_row_text(row, 2),
	};
}

void store_read_fact(const struct store_row *row, struct store_fact *ret)
{
	*ret = (struct store_fact){
		.node_id = store_row_int(row, 0),
		.name = store_row_text(row, 1),
		.value = store_row_text(row, 2),
		.updated_ms = store_row_int(row, 3),
	};
}

void store_read_credential(const struct store_row *row, struct store_credential *ret)
{
	*ret = (struct store_credential){
		.resource_id = store_row_int(row, 0),
		.hash = store_row_text(row, 1),
		.uses_left = store_row_int(row, 2),
		.expires_ms = store_row_int(row, 3),
		.updated_ms = store_row_int(row, 4),
	};
}

void store_read_certificate(const struct store_row *row, struct store_certificate *ret)
{
	*ret = (struct store_certificate){
		.serial = store_row_text(row, 0),
		.node_id = store_row_int(row, 1),
		.not_after = store_row_int(row, 2),
		.revoked_ms = store_row_int(row, 3),
		.fingerprint = store_row_text(row, 4),
	};
}

void store_read_session(const struct store_row *row, struct store_session *ret)
{
	*ret = (struct store_session){
		.hash = store_row_text(row, 0),
		.user_id = store_row_int(row, 1),
		.role = store_row_text(row, 2),
		.csrf = store_row_text(row, 3),
		.created_ms = store_row_int(row, 4),
		.used_ms = store_row_int(row, 5),
		.expires_ms = store_row_int(row, 6),
	};
}

void store_read_event(const struct store_row *row, struct store_event *ret)
{
	*ret = (struct store_event){
		.id = store_row_int(row, 0),
		.at_ms = store_row_int(row, 1),
		.node = store_row_text(row, 2),
		.severity = store_row_text(row, 3),
		.kind = store_row_text(row, 4),
		.entry = store_row_text(row, 5),
		.text = store_row_text(row, 6),
	};
}

void store_read_pending(const struct store_row *row, struct store_pending *ret)
{
	*ret = (struct store_pending){
		.name = store_row_text(row, 0),
		.key_id = store_row_int(row, 1),
		.csr = store_row_text(row, 2),
		.public_key = store_row_text(row, 3),
		.source = store_row_text(row, 4),
		.created_ms = store_row_int(row, 5),
		.approved_ms = store_row_int(row, 6),
	};
}

static int read_number(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	const char *text = store_row_text(row, 0);
	*(int64_t *)arg = text ? strtoll(text, NULL, 10) : 0;
	return 0;
}

int store_meta_int(struct store_tx *tx, const char *key, int64_t *ret_value, struct err *err)
{
	int64_t value = 0;
	int r = store_query(tx, SQL_META_GET, STORE_PARAMS(store_text(key)), read_number, &value,
			    err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -ENOENT, "the database has no value %s", key);
	*ret_value = value;
	return 0;
}

static int meta_move(struct store_tx *tx, const char *key, const int64_t move[2], struct err *err)
{
	char from[24];
	char to[24];
	(void)snprintf(from, sizeof from, "%lld", (long long)move[0]);
	(void)snprintf(to, sizeof to, "%lld", (long long)move[1]);
	int r = store_exec_guarded(tx, SQL_META_MOVE,
				   STORE_PARAMS(store_text(key), store_text(from), store_text(to)),
				   err);
	return r < 0 ? r : 0;
}

int store_revision_advance(struct store_tx *tx, int64_t expected, int64_t next, struct err *err)
{
	return meta_move(tx, "revision", (const int64_t[2]){ expected, next }, err);
}

int store_meta_bump(struct store_tx *tx, const char *key, int64_t *ret_value, struct err *err)
{
	int64_t value = 0;
	int r = store_meta_int(tx, key, &value, err);
	if (r == 0)
		r = meta_move(tx, key, (const int64_t[2]){ value, value + 1 }, err);
	if (r == 0 && ret_value)
		*ret_value = value + 1;
	return r;
}

int store_next_id(struct store_tx *tx, int64_t *ret_id, struct err *err)
{
	return store_meta_bump(tx, "last_id", ret_id, err);
}
