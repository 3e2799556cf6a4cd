// What is sent to a webhook's address, and its signature (Standard Webhooks 1.0.0,
// standardwebhooks.com). Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "store/rows.h"
#include "webhook/target.h"

enum {
	WEBHOOK_ID_SIZE = 48,        // "<controller id>-<event id>" with its NUL
	WEBHOOK_SIGNATURE_SIZE = 64, // "v1," and 44 letters of base64
};

struct webhook_message {
	char id[WEBHOOK_ID_SIZE]; // the same at each try, so that a receiver knows a repetition
	char *body;               // JSON
};

// `controller_id` makes the id unique among controllers. -ENOMEM.
int webhook_message_make(const struct webhook_target *target, const struct store_event *event,
			 const char *controller_id, struct webhook_message *ret, struct err *err);
void webhook_message_done(struct webhook_message *message);

// base64 of HMAC-SHA-256 over "id.timestamp.body". A secret that begins with "whsec_" is the base64
// of the key, any other is the key itself; one line's end behind it does not count. -EINVAL when
// there is no key in it.
int webhook_sign(const struct webhook_message *message, int64_t timestamp_s, const char *secret,
		 char ret_signature[WEBHOOK_SIGNATURE_SIZE], struct err *err);
