#include "webhook/target.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/severity.h"
#include "base/text.h"

#include "webhook/webhook.h"

// What it does not know counts as the schema's default.
static int severity_of(const char *word)
{
	int rank = severity_rank(word);
	return rank < 0 ? SEVERITY_WARNING : rank;
}

int webhook_target_read(const char *name, const json_t *spec, struct webhook_target *ret,
			struct err *err)
{
	const char *url = json_string_value(json_object_get(spec, "url"));
	const char *format = json_string_value(json_object_get(spec, "format"));
	struct webhook_target target = {
		.name = strdup(name),
		.url = url ? strdup(url) : NULL,
		.events = json_deep_copy(json_object_get(spec, "events")),
		.severity = severity_of(json_string_value(json_object_get(spec, "severity"))),
		.format = format && strcmp(format, "text") == 0 ? WEBHOOK_TEXT : WEBHOOK_EVENT,
		.is_disabled = json_is_true(json_object_get(spec, "disabled")),
	};
	if (!target.name || (url && !target.url) ||
	    (json_object_get(spec, "events") && !target.events)) {
		webhook_target_done(&target);
		return err_set(err, -ENOMEM, "out of memory");
	}
	webhook_target_done(ret);
	*ret = target;
	return 0;
}

void webhook_target_done(struct webhook_target *target)
{
	free(target->name);
	free(target->url);
	json_decref(target->events);
	*target = (struct webhook_target){ 0 };
}

// "link_*" stands for every kind that begins with "link_".
static bool matches(const char *pattern, const char *kind)
{
	size_t len = strcspn(pattern, "*");
	return pattern[len] == '*' ? strncmp(pattern, kind, len) == 0 : strcmp(pattern, kind) == 0;
}

bool webhook_target_wants(const struct webhook_target *target, const struct store_event *event)
{
	size_t i;
	json_t *pattern;
	const char *name;
	if (strcmp(event->kind, WEBHOOK_TEST_KIND) == 0)
		return event->entry && text_starts(event->entry, "webhooks/", &name) &&
		       strcmp(name, target->name) == 0;
	if (severity_of(event->severity) < target->severity)
		return false;
	if (!target->events)
		return true;
	json_array_foreach(target->events, i, pattern) if (matches(json_string_value(pattern),
								   event->kind)) return true;
	return false;
}
