#include "wire/read.h"

#include <errno.h>
#include <string.h>

#include "wire/limits.h"

#define COUNT_MAX (1LL << 53) // what every JSON reader holds exactly

int read_fail(struct reader *r, int code, const char *field, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (r->rc < 0)
		return r->rc;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->rc = err_set(r->err, code, "%s.%s%s%s: %s", r->what, r->part ? r->part : "",
			r->part ? "." : "", field, text);
	return r->rc;
}

static const char *type_name(const json_t *json)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",  [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",      [JSON_NULL] = "null",
	};

	return json ? names[json_typeof(json)] : "nothing";
}

static const json_t *field_of(struct reader *r, const char *field)
{
	return r->rc < 0 ? NULL : json_object_get(r->object, field);
}

// NULL after a failure, or with none when the field is absent or null and not needed.
static const json_t *expect(struct reader *r, const char *field, json_type type, bool is_needed)
{
	static const char *const wanted[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "",          [JSON_TRUE] = "",
		[JSON_FALSE] = "",           [JSON_NULL] = "",
	};
	const json_t *json = field_of(r, field);

	if (r->rc < 0 || (!is_needed && (!json || json_is_null(json))))
		return NULL;
	if (json && json_typeof(json) == type)
		return json;
	(void)read_fail(r, -EBADMSG, field, "expected %s, got %s", wanted[type], type_name(json));
	return NULL;
}

static const char *text_of(struct reader *r, const char *field, const json_t *json, size_t max)
{
	if (!json)
		return NULL;
	if (json_string_length(json) > max) {
		(void)read_fail(r, -E2BIG, field, "longer than %zu bytes", max);
		return NULL;
	}
	return json_string_value(json);
}

const char *read_text(struct reader *r, const char *field, size_t max)
{
	const char *s = text_of(r, field, expect(r, field, JSON_STRING, true), max);

	return s ? s : "";
}

const char *read_text_or_null(struct reader *r, const char *field, size_t max)
{
	return text_of(r, field, expect(r, field, JSON_STRING, false), max);
}

// True when the key is well formed; otherwise that is the failure.
static bool check_key(struct reader *r, const char *field, const char *key)
{
	struct err why = { 0 };

	if (entry_key_check(key, &why) == 0)
		return true;
	(void)read_fail(r, -EBADMSG, field, "%s", why.text);
	return false;
}

const char *read_key_or_null(struct reader *r, const char *field)
{
	const char *key = read_text_or_null(r, field, WIRE_KEY_MAX);

	return key && check_key(r, field, key) ? key : NULL;
}

static int64_t count_of(struct reader *r, const char *field, const json_t *json)
{
	json_int_t value = json ? json_integer_value(json) : 0;

	if (value < 0 || value > COUNT_MAX) {
		(void)read_fail(r, -EBADMSG, field, "%" JSON_INTEGER_FORMAT " is not in 0..2^53",
				value);
		return 0;
	}
	return value;
}

int64_t read_count(struct reader *r, const char *field)
{
	return count_of(r, field, expect(r, field, JSON_INTEGER, true));
}

int64_t read_count_or(struct reader *r, const char *field, int64_t otherwise)
{
	const json_t *json = expect(r, field, JSON_INTEGER, false);

	return json ? count_of(r, field, json) : otherwise;
}

static bool flag_of(struct reader *r, const char *field, const json_t *json)
{
	if (!json_is_boolean(json))
		(void)read_fail(r, -EBADMSG, field, "expected true or false, got %s",
				type_name(json));
	return json_is_true(json);
}

bool read_flag(struct reader *r, const char *field)
{
	return flag_of(r, field, field_of(r, field));
}

bool read_flag_or(struct reader *r, const char *field, bool otherwise)
{
	const json_t *json = field_of(r, field);

	return !json || json_is_null(json) ? otherwise : flag_of(r, field, json);
}

static struct digest digest_from(struct reader *r, const char *field, const char *text)
{
	struct digest d = { 0 };

	if (r->rc == 0 && digest_parse(text, &d) < 0)
		(void)read_fail(r, -EBADMSG, field, "expected 32 hex digits");
	return d;
}

struct digest read_digest(struct reader *r, const char *field)
{
	return digest_from(r, field, read_text(r, field, DIGEST_TEXT_SIZE));
}

struct digest read_digest_or_zero(struct reader *r, const char *field)
{
	const char *text = read_text_or_null(r, field, DIGEST_TEXT_SIZE);

	return text ? digest_from(r, field, text) : (struct digest){ 0 };
}

const json_t *read_object(struct reader *r, const char *field)
{
	return expect(r, field, JSON_OBJECT, true);
}

const json_t *read_array(struct reader *r, const char *field, bool is_needed)
{
	const json_t *json = expect(r, field, JSON_ARRAY, is_needed);

	if (json_array_size(json) > WIRE_ENTRIES_MAX) {
		(void)read_fail(r, -E2BIG, field, "%zu items are more than %d",
				json_array_size(json), WIRE_ENTRIES_MAX);
		return NULL;
	}
	return json;
}

static bool is_hash(const char *key)
{
	struct digest d;

	return key[0] == '#' && digest_parse(key + 1, &d) == 0;
}

static size_t read_drops(struct reader *r, const json_t *drops, bool takes_hashes,
			 struct entry_change *list)
{
	size_t i;
	json_t *drop;

	json_array_foreach(drops, i, drop)
	{
		const char *key = json_string_value(drop);

		if (!key) {
			(void)read_fail(r, -EBADMSG, "drop", "expected a string, got %s",
					type_name(drop));
			return 0;
		}
		if (!(takes_hashes && is_hash(key)) && !check_key(r, "drop", key))
			return 0;
		list[i] = (struct entry_change){ .key = key };
	}
	return json_array_size(drops);
}

static size_t read_sets(struct reader *r, const json_t *sets, struct entry_change *list)
{
	struct err why = { 0 };
	size_t count = 0;
	const char *key;
	json_t *body;

	json_object_foreach((json_t *)(uintptr_t)sets, key, body)
	{
		if (!check_key(r, "set", key))
			return 0;
		if (!json_is_string(body)) {
			(void)read_fail(r, -EBADMSG, "set", "%s: expected a string, got %s", key,
					type_name(body));
			return 0;
		}
		list[count] = (struct entry_change){ key, json_string_value(body),
						     json_string_length(body) };
		if (entry_body_check(list[count].body, list[count].body_len, &why) < 0) {
			(void)read_fail(r, why.code, "set", "%s: %s", key, why.text);
			return 0;
		}
		count++;
	}
	return count;
}

struct entry_change *read_changes(struct reader *r, bool takes_hashes, size_t *ret_count)
{
	const json_t *sets = expect(r, "set", JSON_OBJECT, false);
	const json_t *drops = read_array(r, "drop", false);
	size_t total = json_object_size(sets) + json_array_size(drops);

	*ret_count = 0;
	if (total > WIRE_ENTRIES_MAX)
		(void)read_fail(r, -E2BIG, "set", "%zu entries in one message are more than %d",
				total, WIRE_ENTRIES_MAX);
	if (r->rc < 0 || total == 0)
		return NULL;
	struct entry_change *list = calloc(total, sizeof(*list));
	if (!list) {
		(void)read_fail(r, -ENOMEM, "set", "out of memory");
		return NULL;
	}
	size_t count = read_drops(r, drops, takes_hashes, list);
	*ret_count = count + read_sets(r, sets, list + count);
	return list;
}
