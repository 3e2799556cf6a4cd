#include "conversation.h"

#include <glob.h>
#include <string.h>

#include "base/clean.h"

void conversation_each(void (*replay)(const struct conversation *c))
{
	glob_t found;

	assert_int_equal(glob(WEFT_SOURCE_DIR "/tests/compat/*/*.json", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_auto_t *json = json_load_file(found.gl_pathv[i], 0, NULL);
		const struct conversation c = {
			.file = found.gl_pathv[i] + strlen(WEFT_SOURCE_DIR "/tests/compat/"),
			.json = json_object_get(json, "messages"),
			.count = json_array_size(json_object_get(json, "messages")),
		};

		assert_true(c.count > 10);
		replay(&c);
	}
	globfree(&found);
}

struct said conversation_at(const struct conversation *c, size_t at)
{
	const json_t *message = json_array_get(c->json, at);
	const char *from = json_string_value(json_object_get(message, "from"));
	const json_t *text = json_object_get(message, "text");

	return (struct said){ strcmp(from, "agent") == 0 ? MSG_UP : MSG_DOWN,
			      json_string_value(text), json_string_length(text) };
}

struct msg conversation_decode(const struct conversation *c, size_t at)
{
	struct said said = conversation_at(c, at);
	struct msg msg;
	struct err err = { 0 };

	if (msg_decode(said.from, said.text, said.len, &msg, &err) < 0)
		fail_msg("%s, message %zu: %s\n%s", c->file, at, err.text, said.text);
	return msg;
}
