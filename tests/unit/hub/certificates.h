// Keys and certificates for a test, as PEM files.
#pragma once

#include <stdint.h>

struct authority;

// Makes DIR/NAME.crt and .key of a new CA. Aborts on failure, like all here.
struct authority *authority_new(const char *dir, const char *name);
void authority_free(struct authority *ca);

// Makes DIR/NAME.crt and .key, signed by the CA, with that common name, valid from..to seconds from
// now.
void authority_issue(struct authority *ca, const char *name, const char *common_name, int64_t from,
		     int64_t to);
