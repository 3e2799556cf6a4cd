#include "base/redact.h"

#include <string.h>
#include <strings.h>

enum { KNOWN_MIN = 8, SECRET_MIN = 16 };

static const char gone[] = "(redacted)";
static const char key_letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=.";

// Each of these returns how many bytes at `at` are secret, 0: none begin there.

static size_t by_prefix(const char *at)
{
	// "weft1." of an enrolment key; "wefts_", "weftt_" … of what programs hold.
	if (strncmp(at, "weft", 4) != 0)
		return 0;
	const bool is_key = strncmp(at + 4, "1.", 2) == 0;
	const bool is_token = at[4] >= 'a' && at[4] <= 'z' && at[5] == '_';
	size_t len = is_key || is_token ? strspn(at, key_letters) : 0;
	return len >= SECRET_MIN ? len : 0;
}

static size_t by_pem(const char *at)
{
	if (strncmp(at, "-----BEGIN ", 11) != 0)
		return 0;
	const char *name_end = strstr(at + 11, "-----");
	const char *is_private = strstr(at, "PRIVATE KEY");
	if (!name_end || !is_private || is_private > name_end)
		return 0;
	const char *end = strstr(name_end, "-----END ");
	const char *last = end ? strstr(end + 9, "-----") : NULL;
	return last ? (size_t)(last + 5 - at) : strlen(at);
}

static size_t by_knowledge(const char *at, const char *const *known, size_t known_len)
{
	for (size_t i = 0; i < known_len; i++) {
		size_t len = known[i] ? strlen(known[i]) : 0;
		if (len >= KNOWN_MIN && strncmp(at, known[i], len) == 0)
			return len;
	}
	return 0;
}

// The length of a field's name and what stands before its value, 0 when none begins here.
static size_t field_name(const char *at)
{
	static const char *const names[] = { "password",      "passwd",       "secret",
					     "private_key",   "privatekey",   "private key",
					     "preshared_key", "presharedkey", "preshared key" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len = strlen(names[i]);
		if (strncasecmp(at, names[i], len) != 0)
			continue;
		len += at[len] == '"';
		len += strspn(at + len, " \t");
		if (at[len] != ':' && at[len] != '=')
			continue;
		len++;
		return len + strspn(at + len, " \t");
	}
	return 0;
}

static size_t field_value(const char *at)
{
	if (*at != '"')
		return strcspn(at, " \t\r\n,}");
	size_t len = 1;
	while (at[len] && at[len] != '"')
		len += at[len] == '\\' && at[len + 1] ? 2 : 1;
	return len + (at[len] == '"');
}

static size_t secret_at(const char *at, const char *const *known, size_t known_len)
{
	size_t len = by_knowledge(at, known, known_len);
	if (!len)
		len = by_prefix(at);
	return len ? len : by_pem(at);
}

void redact(struct text *out, const char *text, const char *const *known, size_t known_len)
{
	const char *from = text;
	for (const char *at = text; *at;) {
		size_t name = field_name(at);
		size_t len = name ? field_value(at + name) : secret_at(at, known, known_len);
		// What is no text (null, an object) is no secret either.
		if (name && (len == 0 || strchr("{[nN(", at[name])))
			len = 0;
		if (len == 0) {
			at++;
			continue;
		}
		const bool is_quoted = name && at[name] == '"';
		text_add_bytes(out, from, (size_t)(at - from) + name);
		text_addf(out, is_quoted ? "\"%s\"" : "%s", gone);
		at += name + len;
		from = at;
	}
	text_add(out, from);
}
