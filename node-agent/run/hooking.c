#include "run/hooking.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

void hooking_told(void *context, const char *severity, const char *kind, const char *subject,
		  const char *text)
{
	struct agent *agent = context;
	if (strcmp(severity, "info") == 0)
		log_info("%s", text);
	else
		log_warn("%s", text);
	session_event(agent, severity, kind, subject, text);
}

static json_t *desired_body(const struct agent *agent, const char *key)
{
	size_t len = 0;
	const char *body = entry_set_get(desired_entries(agent->desired), key, &len);
	return body ? json_loadb(body, len, 0, NULL) : NULL;
}

static const char *text_of(const json_t *body, const char *field)
{
	return json_string_value(json_object_get(body, field));
}

// The addresses of a device, without their lengths: all, the IPv4 one first, and the first.
static void addresses_of(const struct agent *agent, const char *device, struct text *all,
			 struct text *first)
{
	static const char unlike[] = { ':', '.' };
	for (size_t family = 0; family < ARRAY_LEN(unlike); family++) {
		struct entry_change entry;
		size_t at = 0;
		while (entry_set_next_under(desired_entries(agent->desired), "address/", &at,
					    &entry)) {
			CLEAN(json_decref_ptr)
			json_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
			const char *of = text_of(body, "device");
			const char *address = text_of(body, "address");
			if (!of || !address || strcmp(of, device) != 0 ||
			    strchr(address, unlike[family]))
				continue;
			size_t len = strcspn(address, "/");
			text_add(all, all->len ? " " : "");
			text_add_bytes(all, address, len);
			if (!first->len)
				text_add_bytes(first, address, len);
		}
	}
}

void hooking_link(struct agent *agent, enum hook_event event, const char *link, const char *cause)
{
	const char *slash = strchr(link, '/');
	char peer[WIRE_KEY_MAX + 8], subject[WIRE_KEY_MAX + 8], network[WIRE_KEY_MAX] = "";
	CLEAN(text_free) struct text all = { 0 };
	CLEAN(text_free) struct text first = { 0 };
	if (!agent->hooks || !slash || (size_t)(slash - link) >= sizeof network)
		return;
	memcpy(network, link, (size_t)(slash - link));
	(void)snprintf(peer, sizeof peer, "peer/%s", link);
	(void)snprintf(subject, sizeof subject, "link/%s", link);
	CLEAN(json_decref_ptr) json_t *body = desired_body(agent, peer);
	const char *device = text_of(body, "device");
	struct hook_fact facts[8];
	size_t n = 0;
	facts[n++] = (struct hook_fact){ "self", agent->identity.name };
	facts[n++] = (struct hook_fact){ "network", network };
	facts[n++] = (struct hook_fact){ "node", slash + 1 };
	facts[n++] = (struct hook_fact){ "cause", cause };
	if (device) {
		addresses_of(agent, device, &all, &first);
		facts[n++] = (struct hook_fact){ "link_interface", device };
	}
	if (first.len && !first.failed && !all.failed) {
		facts[n++] = (struct hook_fact){ "link_address", first.data };
		facts[n++] = (struct hook_fact){ "link_addresses", all.data };
	}
	hooks_fire(agent->hooks, event, subject, facts, n);
}
