// Reads the fields of an entry's body; a missing or wrong one is one sentence that names it.
#pragma once

#include <jansson.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "kernel/values.h"

struct prefix_list {
	struct kernel_prefix *items;
	size_t len;
};

void prefix_list_done(struct prefix_list *list);

// Borrowed from the body.
int body_string(const json_t *body, const char *name, const char **ret, struct err *err);
int body_u32(const json_t *body, const char *name, uint32_t min, uint32_t max, uint32_t *ret,
	     struct err *err);
int body_bool(const json_t *body, const char *name, bool *ret, struct err *err);
// Seconds (a number, fractions allowed) in hundredths.
int body_seconds(const json_t *body, const char *name, uint32_t *ret_hundredths, struct err *err);
int body_device(const json_t *body, const char *name, char ret[IFNAMSIZ], struct err *err);
int body_ip(const json_t *body, const char *name, struct kernel_ip *ret, struct err *err);
int body_prefix(const json_t *body, const char *name, struct kernel_prefix *ret, struct err *err);
int body_prefixes(const json_t *body, const char *name, struct prefix_list *ret, struct err *err);
// References to other entries.
struct key_list {
	char **items;
	size_t len;
};
void key_list_done(struct key_list *list);
// One that begins with `kind` ("uplink/"); the caller frees.
int body_key(const json_t *body, const char *name, const char *kind, char **ret, struct err *err);
int body_keys(const json_t *body, const char *name, const char *kind, struct key_list *ret,
	      struct err *err);
// 64 hexadecimal digits.
enum { BODY_SECRET_SIZE = 32 };
int body_secret(const json_t *body, const char *name, uint8_t ret[BODY_SECRET_SIZE],
		struct err *err);
// "via" and the like: a list with one address of each family at most, by family.
int body_addresses(const json_t *body, const char *name, struct kernel_ip ret[2], struct err *err);
// A device that others have made: they name theirs as the kernel lets them.
int body_foreign_device(const json_t *body, const char *name, char ret[IFNAMSIZ], struct err *err);
// A number from 1 on.
int body_id(const json_t *body, const char *name, uint64_t *ret, struct err *err);
int body_mac(const json_t *body, const char *name, uint8_t ret[6], struct err *err);

// True when the field is there and not null.
bool body_has(const json_t *body, const char *name);
