#include "names/name.h"

#include <errno.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

// Eight bytes at a time: a sum reaches the highest bit of a byte, and no further, when its letter
// is high enough.
static void copy_lower(uint8_t *ret, const uint8_t *from, size_t len)
{
	const uint64_t each = 0x0101010101010101, top = 0x80 * each;
	size_t at = 0;
	for (uint64_t word; len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, from + at, sizeof(word));
		const uint64_t seven = word & ~top;
		const uint64_t from_a = seven + (0x80 - 'A') * each;
		const uint64_t behind_z = seven + (0x80 - 'Z' - 1) * each;
		word |= (from_a & ~behind_z & ~word & top) >> 2;
		memcpy(ret + at, &word, sizeof(word));
	}
	for (; at < len; at++)
		ret[at] = lower(from[at]);
}

static bool is_written(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int bad(struct err *err, const char *text, size_t len, const char *why)
{
	return err_set(err, -EINVAL, "`%.*s` is no domain name: %s", (int)(len < 80 ? len : 80),
		       text, why);
}

// Appends a label of `len` bytes; false when the name would become too long.
static bool add_label(struct name *name, const uint8_t *bytes, size_t len)
{
	if (name->len + 1 + len + 1 > NAME_WIRE_MAX)
		return false;
	name->starts[name->n_labels++] = name->len;
	name->wire[name->len++] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		name->wire[name->len++] = lower(bytes[i]);
	return true;
}

static void close_name(struct name *name)
{
	name->wire[name->len++] = 0;
}

int name_parse(const char *text, size_t len, struct name *ret, struct err *err)
{
	struct name name = { 0 };
	size_t end = len > 1 && text[len - 1] == '.' ? len - 1 : len;
	for (size_t at = 0, i = 0; i <= end; i++) {
		if (i < end && text[i] != '.') {
			if (!is_written(lower((uint8_t)text[i])))
				return bad(err, text, len,
					   (text[i] & 0x80) != 0
						   ? "other scripts are written in their xn-- form"
						   : "it has a character that names do not have");
			continue;
		}
		if (i == at)
			return bad(err, text, len, "a label is empty");
		if (i - at > NAME_LABEL_MAX)
			return bad(err, text, len, "a label is longer than 63 characters");
		if (!add_label(&name, (const uint8_t *)text + at, i - at))
			return bad(err, text, len, "it is longer than 253 characters");
		at = i + 1;
	}
	close_name(&name);
	*ret = name;
	return 0;
}

int name_read(const uint8_t *wire, size_t len, struct name *ret)
{
	const size_t end = len < NAME_WIRE_MAX ? len : NAME_WIRE_MAX;
	uint8_t starts[NAME_LABELS_MAX];
	size_t at = 0, n_labels = 0;
	while (at < end && wire[at] != 0) {
		// The root's byte still has to have room.
		if (wire[at] > NAME_LABEL_MAX || at + 1 + wire[at] >= end)
			return -EINVAL;
		starts[n_labels++] = (uint8_t)at;
		at += 1u + wire[at];
	}
	if (at >= end)
		return -EINVAL;
	ret->len = (uint8_t)(at + 1);
	ret->n_labels = (uint8_t)n_labels;
	memcpy(ret->starts, starts, n_labels);
	copy_lower(ret->wire, wire, at + 1); // the length of a label is no letter
	return (int)at + 1;
}

bool name_is_within(const struct name *name, const struct name *above)
{
	if (name->n_labels < above->n_labels)
		return false;
	const unsigned below = name->n_labels - above->n_labels;
	const size_t at = below < name->n_labels ? name->starts[below] : name->len - 1u;
	return name->len - at == above->len &&
	       memcmp(name->wire + at, above->wire, above->len) == 0;
}

static size_t put_byte(char *at, uint8_t c)
{
	if (c == '.' || c == '\\') {
		at[0] = '\\';
		at[1] = (char)c;
		return 2;
	}
	if (c > ' ' && c < 0x7f) {
		at[0] = (char)c;
		return 1;
	}
	at[0] = '\\';
	at[1] = (char)('0' + c / 100);
	at[2] = (char)('0' + c / 10 % 10);
	at[3] = (char)('0' + c % 10);
	return 4;
}

void name_text(const struct name *name, char ret[NAME_TEXT_SIZE])
{
	size_t at = 0;
	if (name->n_labels == 0)
		ret[at++] = '.';
	for (unsigned i = 0; i < name->n_labels; i++) {
		const uint8_t *label = name->wire + name->starts[i];
		if (i > 0)
			ret[at++] = '.';
		for (unsigned j = 1; j <= label[0]; j++)
			at += put_byte(ret + at, label[j]);
	}
	ret[at] = '\0';
}
