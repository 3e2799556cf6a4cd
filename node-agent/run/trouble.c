#include "run/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "run/state.h"

// The kinds of the events.
static const char *const names[TROUBLE_COUNT] = {
	[TROUBLE_SETTINGS] = "settings_unreadable",
	[TROUBLE_IDENTITY] = "identity_damaged",
	[TROUBLE_KEY] = "wireguard_key_damaged",
	[TROUBLE_DESIRED] = "saved_state_damaged",
	[TROUBLE_UNSAVED] = "state_not_saved",
	[TROUBLE_RESTORE] = "saved_sysctls_damaged",
	[TROUBLE_CERTIFICATE] = "certificate_not_saved",
	[TROUBLE_CLOCK] = "saved_time_ahead",
};

void trouble_tell(struct agent *agent)
{
	if (!agent->is_welcome)
		return;
	for (size_t i = 0; i < TROUBLE_COUNT; i++) {
		struct trouble *t = &agent->troubles[i];
		if (!*t->text || t->is_told)
			continue;
		session_event(agent, t->is_over ? "warning" : "error", names[i], TROUBLE_ENTRY,
			      t->text);
		t->is_told = true;
	}
}

void trouble_set(struct agent *agent, enum trouble_kind kind, enum trouble_span span,
		 const char *fmt, ...)
{
	struct trouble *t = &agent->troubles[kind];
	char text[ERR_TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	bool is_over = span == TROUBLE_IS_OVER;
	if (t->is_over == is_over && strcmp(t->text, text) == 0)
		return;
	*t = (struct trouble){ .is_over = is_over };
	(void)snprintf(t->text, sizeof t->text, "%s", text);
	if (is_over)
		log_warn("%s", text);
	else
		log_error("%s", text);
	trouble_tell(agent);
}

void trouble_end(struct agent *agent, enum trouble_kind kind, const char *text)
{
	const struct trouble *t = &agent->troubles[kind];
	if (*t->text && !t->is_over)
		trouble_set(agent, kind, TROUBLE_IS_OVER, "%s", text);
}

const char *trouble_next(const struct agent *agent, size_t *at)
{
	while (*at < TROUBLE_COUNT) {
		const struct trouble *t = &agent->troubles[(*at)++];
		if (*t->text && !t->is_over)
			return t->text;
	}
	return NULL;
}
