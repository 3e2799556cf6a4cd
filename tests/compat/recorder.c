// An agent that writes down every message of its sessions, as it went over the wire: one JSON
// object a line, {"from": "agent" or "controller", "text": "…"}, appended to the file that
// WEFT_RECORD names. record.sh makes the conversations of tests/compat of it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/json.h"
#include "wire/message.h"

#include "uplink/uplink.h"

static void write_down(const char *from, const char *text, size_t len)
{
	const char *path = getenv("WEFT_RECORD");
	CLEAN(text_free) struct text line = { 0 };
	CLEAN(close_file) FILE *file = path ? fopen(path, "ae") : NULL;

	text_addf(&line, "{\"from\":\"%s\",\"text\":", from);
	wire_json_add(&line, text, len);
	text_add(&line, "}\n");
	if (!file || line.failed || fwrite(line.data, 1, line.len, file) != line.len)
		abort();
}

int __real_uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop);
int __wrap_uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop);
int __wrap_uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop)
{
	write_down("agent", data, len);
	return __real_uplink_send(uplink, data, len, may_drop);
}

int __real_msg_decode(enum msg_direction from, const char *text, size_t len, struct msg *ret_msg,
		      struct err *err);
int __wrap_msg_decode(enum msg_direction from, const char *text, size_t len, struct msg *ret_msg,
		      struct err *err);
int __wrap_msg_decode(enum msg_direction from, const char *text, size_t len, struct msg *ret_msg,
		      struct err *err)
{
	write_down("controller", text, len);
	return __real_msg_decode(from, text, len, ret_msg, err);
}
