// Webhooks follow the intent, and hear of every event that was stored.
#include <string.h>

#include "base/log.h"
#include "model/kinds.h"

#include "program.h"

static int64_t secret_id(const struct program *program, const json_t *spec, const char *field)
{
	const char *text = json_string_value(json_object_get(spec, field));
	const char *name = text ? kind_reference_name(KIND_SECRETS, text, NULL) : NULL;
	const struct intent_resource *secret =
		name ? intent_find(program->intent, "secrets", name) : NULL;
	return secret ? secret->id : 0;
}

// The ids of those there are, while they are handed over.
struct roll {
	struct program *program;
	int64_t *ids;
	size_t count;
};

static bool hand_over(void *arg, const struct intent_resource *resource)
{
	struct roll *roll = arg;
	struct err err = { 0 };
	const struct webhook_resource webhook = {
		.id = resource->id,
		.name = resource->name,
		.spec = resource->spec,
		.secret_id = secret_id(roll->program, resource->spec, "secret"),
		.url_secret_id = secret_id(roll->program, resource->spec, "url_from"),
	};
	if (webhooks_put(roll->program->webhooks, &webhook, &err) < 0)
		log_error("webhook %s: %s", resource->name, err.text);
	roll->ids[roll->count++] = resource->id;
	return true;
}

void program_follow_webhooks(struct program *program)
{
	size_t count = intent_count(program->intent, "webhooks");
	CLEAN(free_ptr) int64_t *ids = calloc(count + 1, sizeof(*ids));
	struct roll roll = { .program = program, .ids = ids };
	if (!ids)
		return;
	intent_list(program->intent, "webhooks", NULL, hand_over, &roll);
	webhooks_keep(program->webhooks, ids, roll.count);
}

int program_open_webhooks(struct program *program, struct err *err)
{
	const struct webhooks_settings settings = { .loop = program->loop,
						    .store = program->store,
						    .vault = program->vault,
						    .last_event_id = program->next_event_id - 1,
						    .tell = program_tell,
						    .ctx = program };
	int r = webhooks_new(&settings, &program->webhooks, err);
	if (r == 0)
		program_follow_webhooks(program);
	return r;
}
