// A domain name as packets carry it, in lower case, ready to be looked up. Pure.
//
// Names are compared in wire form (RFC 1035 §3.1), so that a dot inside a label is no border and
// every suffix is a tail of the same bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	NAME_WIRE_MAX = 255,  // with the root's byte
	NAME_WIRE_BEHIND = 7, // bytes of no meaning: a label can be read by words of 8
	NAME_LABELS_MAX = 127,
	NAME_LABEL_MAX = 63,
	NAME_TEXT_SIZE = 1010, // each byte as \DDD, dots, NUL
};

struct name {
	uint8_t len;                     // of wire, with the root's byte
	uint8_t n_labels;                // without the root
	uint8_t starts[NAME_LABELS_MAX]; // of each label's length byte in wire, leftmost first
	uint8_t wire[NAME_WIRE_MAX + NAME_WIRE_BEHIND]; // letters A-Z are a-z
};

// What an operator, a list or a ClientHello writes: "Example.com", with or without the last dot.
// Letters, digits, `-` and `_`; other scripts only in their xn-- form. -EINVAL with a sentence.
int name_parse(const char *text, size_t len, struct name *ret, struct err *err);

// An uncompressed name at the start of `wire`, of any bytes; returns how many it took, or -EINVAL.
int name_read(const uint8_t *wire, size_t len, struct name *ret);

// Whether it is `above`, or below that.
bool name_is_within(const struct name *name, const struct name *above);

// As RFC 1035 §5.1 writes it, without the last dot; "." for the root.
void name_text(const struct name *name, char ret[NAME_TEXT_SIZE]);
