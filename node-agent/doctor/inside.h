// What the checks of an examination share. Private to doctor/.
#pragma once

#include "base/clean.h"
#include "base/text.h"

#include "doctor/doctor.h"

CLEAN_FUNC(json_t, json_decref)

enum grade { GRADE_OK, GRADE_WARN, GRADE_BAD };

struct examination {
	const struct doctor_config *config;
	const char *check; // the one that runs
	const json_t *desired;
	const json_t *observed;
	struct kernel *kernel; // NULL: cannot be opened, which is a line of its own
	struct kernel_snapshot seen;
	json_t *reach; // the controller's answer, NULL: none
	json_t *lines;
};

// Adds a line. `cure` is one sentence or a command, "" for none.
void say(struct examination *x, enum grade grade, const char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// "" and 0 where absent.
const char *text_in(const json_t *object, const char *name);
int number_in(const json_t *object, const char *name);

// Walks the entries of one kind: `for (void *at = NULL; (key = entry_of(entries, "peer/", &at,
// &body));)`.
const char *entry_of(const json_t *entries, const char *prefix, void **at, const json_t **ret_body);

// True for a link that Weft made.
bool is_own(const struct kernel_link *link);

// The checks.
void check_agent(struct examination *x);
void check_versions(struct examination *x);
void check_clock(struct examination *x);
void check_names(struct examination *x);
void check_policy_dns(struct examination *x);
void check_mtu(struct examination *x);
void check_peers(struct examination *x);
void check_reach(struct examination *x);
void check_firewall(struct examination *x);
void check_routes(struct examination *x);
void check_policies(struct examination *x);
void check_managers(struct examination *x);
void check_kernel(struct examination *x);
void check_disk(struct examination *x);
void check_leftovers(struct examination *x);
