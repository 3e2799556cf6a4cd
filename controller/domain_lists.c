// The contents of domain lists follow the intent, and become facts of it.
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#include "plan/plan.h"
#include "program.h"

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
	const bool is_written = json_object_get(resource->spec, "names") != NULL;
	const bool is_long = is_written && !plan_list_is_inline(resource->spec);
	CLEAN(free_ptr) char *text = is_long ? plan_list_text(resource->spec) : NULL;
	const struct list_resource list = { resource->id, resource->name, resource->spec, text };
	if ((is_long && !text) || lists_put(roll->program->lists, &list, &err) < 0)
		log_error("domain list %s: %s", resource->name,
			  err.text[0] ? err.text : "out of memory");
	roll->ids[roll->count++] = resource->id;
	return true;
}

void program_follow_lists(struct program *program)
{
	size_t count = intent_count(program->intent, "domain-lists");
	CLEAN(free_ptr) int64_t *ids = calloc(count + 1, sizeof(*ids));
	struct roll roll = { .program = program, .ids = ids };
	if (!ids)
		return;
	intent_list(program->intent, "domain-lists", NULL, hand_over, &roll);
	lists_keep(program->lists, ids, roll.count);
}

static void learnt(void *ctx, int64_t id, const char *sha256, int64_t size)
{
	struct program *program = ctx;
	struct err err = { 0 };
	json_auto_t *facts = json_pack("{s:s, s:I}", "sha256", sha256, "size", (json_int_t)size);
	if (facts && intent_set_facts(program->intent, id, facts, &err) < 0)
		log_warn("domain list %lld: its content was not noted: %s", (long long)id,
			 err.text);
}

int program_open_lists(struct program *program, struct err *err)
{
	const struct lists_settings settings = { .loop = program->loop,
						 .state_dir = program->settings.state_dir,
						 .files_dir = program->settings.lists_dir,
						 .ops = { learnt, program_tell },
						 .ctx = program };
	int r = lists_new(&settings, &program->lists, err);
	if (r == 0)
		program_follow_lists(program);
	return r;
}

struct content_search {
	const char *quoted; // "\"HASH\""
};

static int see_names(void *arg, const char *key, const char *body)
{
	const struct content_search *search = arg;
	return text_starts(key, "names/", NULL) && strstr(body, search->quoted) ? 1 : 0;
}

char *program_list_content(void *ctx, int64_t node_id, const char *sha256)
{
	struct program *program = ctx;
	CLEAN(free_ptr) char *path = program->lists ? lists_path(program->lists, sha256) : NULL;
	CLEAN(free_ptr) char *quoted = text_format("\"%s\"", sha256);
	struct content_search search = { quoted };
	// No node learns what the lists of others are.
	if (!path || !quoted ||
	    intent_node_entries(program->intent, node_id, see_names, &search) != 1)
		return NULL;
	return take_ptr(&path);
}
