// What a controller of a later version may do: it says more than this tree's agents know. Fields in
// messages and in the bodies of entries, a type of message, an entry of a new kind.

#include <jansson.h>
#include <string.h>

#include "model/json.h"
#include "wire/message.h"

#include "hub/inside.h"
#include "later.h"
#include "plan/generate.h"

int __real_msg_encode(const struct msg *msg, struct text *out, struct err *err);
int __wrap_msg_encode(const struct msg *msg, struct text *out, struct err *err);
int __wrap_msg_encode(const struct msg *msg, struct text *out, struct err *err)
{
	int r = __real_msg_encode(msg, out, err);

	if (r < 0)
		return r;
	CLEAN(text_free) struct text shorter = *out;
	*out = (struct text){ .data = later_field(shorter.data, shorter.len) };
	out->len = strlen(out->data);
	out->cap = out->len + 1;
	return 0;
}

void __real_queue_message(struct session *s, const struct msg *msg);
void __wrap_queue_message(struct session *s, const struct msg *msg);
void __wrap_queue_message(struct session *s, const struct msg *msg)
{
	__real_queue_message(s, msg);
	if (msg->type == MSG_WELCOME)
		(void)queue_frame(s, LATER_TYPE, strlen(LATER_TYPE));
}

void __real_generate_node(struct generation *g);
void __wrap_generate_node(struct generation *g);
void __wrap_generate_node(struct generation *g)
{
	__real_generate_node(g);
	generate_add(g, json_pack("{s:s, s:[]}", "what", "of a later version", "needs"),
		     "later/thing");
}

// Only the bodies of entries say what they need.
char *__real_json_canonical(const json_t *json);
char *__wrap_json_canonical(const json_t *json);
char *__wrap_json_canonical(const json_t *json)
{
	if (!json_object_get(json, "needs"))
		return __real_json_canonical(json);
	json_auto_t *longer = json_deep_copy(json);
	(void)json_object_set_new(longer, "later", json_pack("[i, s]", 1, "two"));
	return longer ? __real_json_canonical(longer) : NULL;
}
