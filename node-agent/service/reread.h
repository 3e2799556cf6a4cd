// A configuration that is read again while its program serves: beside the loop, one reading at a
// time, and a bad file leaves the one in force.
//
// Loop thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "service/identity.h"

struct service_reader {
	void *(*read)(const char *path, struct err *err); // on any thread; NULL: err says why
	void (*free)(void *config);
	// Puts it in force and takes it over; after a failure it stays the caller's.
	int (*apply)(void *context, void *config, struct err *err);
	void *context;
};

struct service_reread {
	struct service_reader reader;
	const char *path;
	char program[IDENTITY_SIZE]; // that this process runs
	int64_t read_ms;             // since 1970: when the one in force was read
	struct err trouble;          // of the last reading, code 0 when it went well
	// Of the reading under way:
	uv_work_t work;
	uv_loop_t *loop;
	void *config;
	struct err err;
	bool is_reading, must_read, is_closed;
};

// The program has just read the first one. All of it outlives the loop's last turn.
void service_reread_init(struct service_reread *reread, uv_loop_t *loop, const char *path,
			 const struct service_reader *reader);
void service_reread(struct service_reread *reread);
void service_reread_close(struct service_reread *reread); // from now on nothing is put in force

// What the status of every such program begins with: state, version, program (identity.h), config,
// pid, loaded_ms and, when the last reading went wrong, error. NULL when out of memory.
json_t *service_status(const struct service_reread *reread);
