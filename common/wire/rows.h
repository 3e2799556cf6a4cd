// The rows of the message table. Private to wire.
#pragma once

#include "wire/message.h"
#include "wire/read.h"
#include "wire/write.h"

struct message_row {
	const char *name; // the word in "type"
	enum msg_direction direction;
	// Either may be NULL: the message has no fields.
	void (*decode)(struct reader *r, struct msg *msg);
	void (*encode)(struct writer *w, const struct msg *msg);
};

extern const struct message_row message_hello, message_applied, message_keys, message_observe,
	message_samples, message_event, message_renew, message_response, message_ask, message_lease;
extern const struct message_row message_welcome, message_desired, message_resync, message_reobserve,
	message_watch, message_renewed, message_request, message_answer, message_vote, message_bye;
