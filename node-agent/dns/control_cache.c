#include "dns/control_cache.h"

#include <string.h>

#include "base/octets.h"

#include "dns/learn_addresses.h"

enum { ROWS_MAX = 1000, MS_PER_S = 1000, FLAGS_AT = 2, ANSWERS_AT = 6 };

// The name that the request is about; NULL: all names. -EINVAL with a sentence.
static int name_asked(const json_t *request, struct name *buf, const struct name **ret,
		      struct err *err)
{
	const char *text = json_string_value(json_object_get(request, "name"));
	*ret = text ? buf : NULL;
	return text ? name_parse(text, strlen(text), buf, err) : 0;
}

// ---- what is kept ----

struct listing {
	json_t *rows;
	json_int_t left; // rows that there is room for
	size_t total;
};

static const char *outcome_of(const struct dns_kept *kept)
{
	const unsigned rcode = octets_get(kept->message + FLAGS_AT, 2) & DNS_RCODE;
	if (rcode == DNS_NXDOMAIN)
		return "no such name";
	if (rcode != DNS_NOERROR)
		return "failure";
	return octets_get(kept->message + ANSWERS_AT, 2) > 0 ? "answer" : "no such record";
}

static json_t *addresses_of(const struct dns_kept *kept)
{
	struct dns_addresses addresses;
	struct address address;
	char text[ADDRESS_TEXT_SIZE];
	uint32_t ttl_s;
	json_t *list = json_array();
	if (!dns_addresses_init(&addresses, kept->message, kept->len))
		return list;
	while (dns_addresses_next(&addresses, &address, &ttl_s))
		(void)json_array_append_new(list, json_string(address_format(&address, text)));
	return list;
}

static bool list_one(void *context, const struct dns_kept *kept)
{
	struct listing *listing = context;
	char name[NAME_TEXT_SIZE], type[16];
	listing->total++;
	if (listing->left-- <= 0)
		return true;
	name_text(kept->key.name, name);
	dns_control_type_text(kept->key.type, type);
	(void)json_array_append_new(listing->rows,
				    json_pack("{s:s, s:s, s:I, s:I, s:s, s:o}", "name", name,
					      "type", type, "view", (json_int_t)kept->key.view,
					      "left_s", (json_int_t)kept->left_s, "outcome",
					      outcome_of(kept), "addresses", addresses_of(kept)));
	return true;
}

json_t *dns_control_cache(struct dns_server *server, const json_t *request, struct err *err)
{
	const bool below = json_is_true(json_object_get(request, "below"));
	struct listing listing = { .left = json_integer_value(json_object_get(request, "limit")) };
	const struct name *name;
	struct name buf;
	if (name_asked(request, &buf, &name, err) < 0)
		return NULL;
	if (listing.left <= 0 || listing.left > ROWS_MAX)
		listing.left = ROWS_MAX;
	listing.rows = json_array();
	dns_cache_each(server->cache, name, below, (int64_t)(uv_now(server->loop) / MS_PER_S),
		       list_one, &listing);
	return json_pack("{s:o, s:I}", "rows", listing.rows, "total", (json_int_t)listing.total);
}

// ---- what is to be forgotten ----

json_t *dns_control_flush(struct dns_server *server, const json_t *request, struct err *err)
{
	const bool below = json_is_true(json_object_get(request, "below"));
	const struct name *name;
	struct name buf;
	if (name_asked(request, &buf, &name, err) < 0)
		return NULL;
	return json_pack("{s:I}", "dropped",
			 (json_int_t)dns_cache_forget(server->cache, name, below));
}
