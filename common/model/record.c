#include "model/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"

enum { WHOLE_SIZE = 2 * NAME_WIRE_MAX + 2 };

static const struct record_type {
	const char *field, *name;
	uint8_t family; // of an address, 0: none
} types[] = {
	{ "a", "A", 4 },     { "aaaa", "AAAA", 6 }, { "cname", "CNAME", 0 },
	{ "txt", "TXT", 0 }, { "ptr", "PTR", 0 },
};

// "printer" or "@" of a zone, to a whole name.
static int whole_name(const char *name, const char *zone, struct name *ret, struct err *err)
{
	char whole[WHOLE_SIZE];
	int len = strcmp(name, "@") == 0 ? snprintf(whole, sizeof(whole), "%s", zone)
					 : snprintf(whole, sizeof(whole), "%s.%s", name, zone);
	if (len < 0 || (size_t)len >= sizeof(whole))
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than a name can be", name);
	return name_parse(whole, (size_t)len, ret, err);
}

static int parse_owner(const char *name, const char *zone, struct record *record, struct err *err)
{
	record->is_below = name[0] == '*' && (name[1] == '\0' || name[1] == '.');
	if (record->is_below)
		name = name[1] ? name + 2 : "@";
	size_t len = strlen(name);
	if (len > 0 && name[len - 1] == '.')
		return err_set(
			err, -EINVAL,
			"\"%.260s\" is written without the zone, and without a dot at its end",
			name);
	return whole_name(name, zone, &record->owner, err);
}

static int parse_data(const struct record_type *type, const char *zone, struct record *record,
		      struct err *err)
{
	struct address address;
	const char *data = record->data;
	if (type->family &&
	    (address_parse(data, &address, NULL) < 0 || address.family != type->family))
		return err_set(err, -EINVAL, "%.60s is no IPv%u address", data, type->family);
	// Without a dot it is one of the zone.
	if (strcmp(type->field, "cname") == 0 && !strchr(data, '.'))
		return whole_name(data, zone, &record->target, err);
	if (strcmp(type->field, "cname") == 0 || strcmp(type->field, "ptr") == 0)
		return name_parse(data, strlen(data), &record->target, err);
	return 0;
}

int record_parse(const json_t *written, const char *zone, struct record *ret,
		 const char **ret_field, struct err *err)
{
	const char *name = json_string_value(json_object_get(written, "name"));
	const struct record_type *type = NULL;
	struct record record = { 0 };
	size_t n = 0;
	*ret_field = "";
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!json_object_get(written, types[i].field))
			continue;
		type = &types[i];
		n++;
	}
	if (!name || n != 1)
		return err_set(err, -EINVAL,
			       "it needs one of a, aaaa, cname, txt and ptr, and has %zu", n);
	record.type = type->name;
	record.field = type->field;
	record.data = json_string_value(json_object_get(written, type->field));
	*ret_field = "name";
	int r = parse_owner(name, zone, &record, err);
	if (r < 0)
		return r;
	*ret_field = type->field;
	r = parse_data(type, zone, &record, err);
	if (r == 0)
		*ret = record;
	return r;
}

void record_owner_text(const struct record *record, char ret[RECORD_OWNER_SIZE])
{
	(void)snprintf(ret, RECORD_OWNER_SIZE, "*.");
	name_text(&record->owner, ret + (record->is_below ? 2 : 0));
}

unsigned record_has(const struct record *record)
{
	return strcmp(record->type, "CNAME") == 0 ? RECORD_HAS_CNAME : RECORD_HAS_OTHER;
}

bool record_may_stand(const struct record *record, unsigned beside)
{
	return record_has(record) == RECORD_HAS_CNAME ? beside == 0 : !(beside & RECORD_HAS_CNAME);
}
