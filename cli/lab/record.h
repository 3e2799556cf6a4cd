// What the lab remembers between two calls: which boxes run as which processes, and how the fleet
// was laid out.
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/err.h"

#include "sites.h"

struct record {
	// LAB_ROOT/NAME
	char dir[256];
	// {url, port, relay: {pid, start}, boxes: {name: {pid, start}}, resources, nat, moves:
	// {node: n}}
	json_t *json;
	struct lab_sites sites;
};

// `record` is zero-initialised; afterwards clean with record_done, also after a failure.
int record_new(struct record *record, const char *lab, const json_t *resources,
	       const char *const *nat, struct err *err);

// -ENOENT with a sentence when no such lab is up.
int record_load(struct record *record, const char *lab, struct err *err);
int record_save(const struct record *record, struct err *err);
void record_done(struct record *record);

int record_add_process(struct record *record, const char *group, const char *name, pid_t pid);

// The pid of a box that lives, else -ENOENT with a sentence.
int record_box(const struct record *record, const char *name, pid_t *ret_pid, struct err *err);
