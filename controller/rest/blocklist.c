// POST /api/v1/blocklists/{name}/except: names that a blocklist does not hold for, one by one,
// whoever else changes them at the same time.
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "intent/intent.h"
#include "names/rule.h"
#include "rest/handlers.h"
#include "rest/resource.h"
#include "rest/server.h"

#define KIND "blocklists"

enum { TRIES_MAX = 64 };

struct except_change {
	json_t *asked; // the body
	unsigned tries;
};

static void change_free(void *state)
{
	struct except_change *change = state;
	json_decref(change->asked);
	free(change);
}

// Names are what they say, in whatever case and with or without a dot at their end.
static bool is_same(const json_t *a, const json_t *b)
{
	const char *x = json_string_value(a), *y = json_string_value(b);
	struct name_rule one, other;
	if (!x || !y || name_rule_parse(x, strlen(x), &one, NULL) < 0 ||
	    name_rule_parse(y, strlen(y), &other, NULL) < 0)
		return json_equal(a, b);
	return one.how == other.how && one.name.len == other.name.len &&
	       memcmp(one.name.wire, other.name.wire, one.name.len) == 0;
}

static bool has(const json_t *list, const json_t *name)
{
	const json_t *one;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (is_same(one, name))
			return true;
	}
	return false;
}

static void add_missing(json_t *to, const json_t *names, const json_t *without)
{
	const json_t *name;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)names, i, name)
	{
		if (!has(to, name) && !has(without, name))
			(void)json_array_append(to, (json_t *)(uintptr_t)name);
	}
}

// The exceptions as they are to be: those there are unless all are to go, without those to be
// removed, with those to be added.
static json_t *wanted(const json_t *spec, const json_t *asked)
{
	json_t *list = json_array();
	if (!json_is_true(json_object_get(asked, "clear")))
		add_missing(list, json_object_get(spec, "except"),
			    json_object_get(asked, "remove"));
	add_missing(list, json_object_get(asked, "add"), NULL);
	return list;
}

static void submit(struct request *request);

static void written(void *arg, const struct intent_answer *answer)
{
	struct request *request = arg;
	struct except_change *change = request->state;
	// Somebody else was faster: once more on what is there now.
	if (answer->status == INTENT_PRECONDITION && ++change->tries < TRIES_MAX) {
		submit(request);
		return;
	}
	if (!resource_refused(request, answer))
		resource_answer(request, MHD_HTTP_OK, json_deep_copy(answer->resource));
}

static void submit(struct request *request)
{
	struct except_change *change = request->state;
	const struct intent_resource *blocklist =
		intent_find(request->rest->services.intent, KIND, request->params.name);
	if (!blocklist) {
		request_problem(request, MHD_HTTP_NOT_FOUND, KIND "/%s does not exist",
				request->params.name);
		return;
	}
	json_auto_t *patch = json_pack("{s:o}", "except", wanted(blocklist->spec, change->asked));
	const struct intent_request patched = {
		.verb = INTENT_PATCH,
		.actor = request->who.actor,
		.kind = KIND,
		.name = request->params.name,
		.body = patch,
		.expected_revision = blocklist->revision,
	};
	(void)resource_submit(request, &patched, written, request);
}

void blocklist_except_post(struct request *request)
{
	json_auto_t *body = NULL;
	if (request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "BlocklistExcept", body) < 0)
		return;
	struct except_change *change = calloc(1, sizeof(*change));
	if (!change) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	change->asked = json_incref(body);
	request->state = change;
	request->state_free = change_free;
	submit(request);
}
