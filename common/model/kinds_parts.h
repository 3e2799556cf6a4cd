// What the checks of kinds share; only for kinds_*.c.
#pragma once

#include <jansson.h>

#include "model/problem.h"

struct check {
	const char *name;
	const char *prefix;
	struct problem_list *problems;
};

// Adds a problem with a field of the spec, "" the spec as such.
void check_add(const struct check *c, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// ---- kinds_dns.c ----

void check_domain_list(const struct check *c, const json_t *spec);
void check_blocklist(const struct check *c, const json_t *spec);
void check_dns_zone(const struct check *c, const json_t *spec);
void check_dns_forward(const struct check *c, const json_t *spec);
void check_resolver(const struct check *c, const json_t *spec);
