// Joining a controller with an enrolment key: pin its authority, ask for a certificate, hand back
// an identity.
//
// Blocking, for the command line only.
#pragma once

#include <stdint.h>

#include "base/err.h"

#include "uplink/enrol_key.h"
#include "uplink/identity.h"

struct enrol_options {
	const char *name;      // asked for, NULL: the key's or the host's name
	int64_t verify_time_s; // seconds since 1970 to verify the controller's certificate at
	int64_t wait_ms;       // how long to wait for an operator's approval
	void (*on_pending)(void *context); // called once when approval is awaited; may be NULL
	void *context;
};

// -EKEYREJECTED: key used, expired or unknown, or the authority is another than the key's.
// -EHOSTUNREACH: no controller answered. -ETIMEDOUT: not approved in time. Each with one sentence.
// Release the identity with identity_done.
int enrol(const struct enrol_key *key, const struct enrol_options *options,
	  struct identity *ret_identity, struct err *err);
