// Takes secrets out of text that goes to somebody else: by their shape, by the name of their field,
// and those that are known word for word. Pure.
#pragma once

#include <stddef.h>

#include "base/text.h"

// Appends `text` to `out`, "(redacted)" in place of: enrolment keys (weft1.…), tokens and the like
// (weftt_…), private keys in PEM, values of fields named password, secret, private_key,
// preshared_key, and each of `known` (`known_len` strings; shorter ones than 8 characters are
// left).
void redact(struct text *out, const char *text, const char *const *known, size_t known_len);
