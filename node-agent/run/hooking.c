#include "run/hooking.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

// The same of an interface that Weft did not make.
static void addresses_on(const char *device, struct text *all, struct text *first)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct ifaddrs *list = NULL;
	if (getifaddrs(&list) < 0)
		return;
	for (size_t family = 0; family < ARRAY_LEN(families); family++) {
		for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
			char text[NI_MAXHOST];
			if (!at->ifa_addr || at->ifa_addr->sa_family != families[family] ||
			    strcmp(at->ifa_name, device) != 0 ||
			    getnameinfo(at->ifa_addr,
					families[family] == AF_INET ? sizeof(struct sockaddr_in)
								    : sizeof(struct sockaddr_in6),
					text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
				continue;
			const size_t len = strcspn(text, "%");
			text_add(all, all->len ? " " : "");
			text_add_bytes(all, text, len);
			if (!first->len)
				text_add_bytes(first, text, len);
		}
	}
	freeifaddrs(list);
}

static json_t *link_body(const struct agent *agent, const char *link, const char **ret_device)
{
	char key[WIRE_KEY_MAX + 8];
	(void)snprintf(key, sizeof key, "%s/%s", strchr(link, '/') ? "peer" : "echo", link);
	json_t *body = desired_body(agent, key);
	*ret_device = text_of(body, "device");
	return body;
}

void hooking_remember(struct agent *agent, const char *link)
{
	const char *device;
	CLEAN(text_free) struct text all = { 0 };
	CLEAN(text_free) struct text first = { 0 };
	if (strchr(link, '/'))
		return;
	CLEAN(json_decref_ptr) json_t *body = link_body(agent, link, &device);
	if (!device || !agent->addresses)
		return;
	addresses_on(device, &all, &first);
	char *text = all.len ? text_take(&all) : NULL;
	// An interface that is gone had the addresses it had.
	if (text && map_set(agent->addresses, link, text) < 0)
		free(text);
}

// Of a link of a network what it should have; of an external one what it had last.
static void find_addresses(const struct agent *agent, const char *link, const char *device,
			   struct text *all, struct text *first)
{
	if (strchr(link, '/')) {
		addresses_of(agent, device, all, first);
		return;
	}
	const char *known = map_get(agent->addresses, link);
	if (known) {
		text_add(all, known);
		text_add_bytes(first, known, strcspn(known, " "));
	}
}

// What is reached by an external link: all, and those of each family.
struct prefixes {
	struct text first, v4, v6;
};

static void prefixes_done(struct prefixes *p)
{
	text_free(&p->first);
	text_free(&p->v4);
	text_free(&p->v6);
}

static bool leads_by(const json_t *outside, const char *link)
{
	const json_t *way;
	size_t i;
	json_array_foreach(json_object_get(outside, "ways"), i, way)
	{
		const char *name = text_of(way, "link");
		if (name && strcmp(name, link) == 0)
			return true;
	}
	return false;
}

static void find_prefixes(const struct agent *agent, const char *link, struct prefixes *ret)
{
	struct entry_change entry;
	for (size_t at = 0;
	     entry_set_next_under(desired_entries(agent->desired), "outside/", &at, &entry);) {
		CLEAN(json_decref_ptr)
		json_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
		const char *prefix = text_of(body, "prefix");
		if (!prefix || !leads_by(body, link))
			continue;
		struct text *family = strchr(prefix, ':') ? &ret->v6 : &ret->v4;
		text_addf(family, "%s%s", family->len ? " " : "", prefix);
		if (!ret->first.len)
			text_add(&ret->first, prefix);
	}
}

static size_t add_prefixes(const struct prefixes *p, struct hook_fact *facts)
{
	size_t n = 0;
	if (!p->first.len || p->first.failed || p->v4.failed || p->v6.failed)
		return 0;
	facts[n++] = (struct hook_fact){ "remote_prefix", p->first.data };
	facts[n++] = (struct hook_fact){ "proto", strchr(p->first.data, ':') ? "6" : "4" };
	if (p->v4.len)
		facts[n++] = (struct hook_fact){ "remote_prefixes_ipv4", p->v4.data };
	if (p->v6.len)
		facts[n++] = (struct hook_fact){ "remote_prefixes_ipv6", p->v6.data };
	return n;
}

void hooking_link(struct agent *agent, enum hook_event event, const char *link, const char *cause)
{
	const char *slash = strchr(link, '/'), *device;
	char subject[WIRE_KEY_MAX + 8], network[WIRE_KEY_MAX] = "";
	CLEAN(text_free) struct text all = { 0 };
	CLEAN(text_free) struct text first = { 0 };
	if (!agent->hooks || (slash && (size_t)(slash - link) >= sizeof network))
		return;
	(void)snprintf(subject, sizeof subject, "link/%s", link);
	CLEAN(json_decref_ptr) json_t *body = link_body(agent, link, &device);
	CLEAN(prefixes_done) struct prefixes prefixes = { 0 };
	struct hook_fact facts[12];
	size_t n = 0;
	if (!slash)
		find_prefixes(agent, link, &prefixes);
	n += add_prefixes(&prefixes, facts);
	facts[n++] = (struct hook_fact){ "self", agent->identity.name };
	facts[n++] = (struct hook_fact){ "cause", cause };
	if (slash) {
		memcpy(network, link, (size_t)(slash - link));
		facts[n++] = (struct hook_fact){ "network", network };
		facts[n++] = (struct hook_fact){ "node", slash + 1 };
	}
	if (device) {
		find_addresses(agent, link, device, &all, &first);
		facts[n++] = (struct hook_fact){ "link_interface", device };
	}
	if (first.len && !first.failed && !all.failed) {
		facts[n++] = (struct hook_fact){ "link_address", first.data };
		facts[n++] = (struct hook_fact){ "link_addresses", all.data };
	}
	hooks_fire(agent->hooks, event, subject, facts, n);
}

static const char *name_of(const char *key)
{
	return strchr(key, '/') + 1;
}

void hooking_gateway(struct agent *agent, const char *group, const char *gateway, const char *cause)
{
	struct hook_fact facts[4];
	size_t n = 0;
	if (!agent->hooks)
		return;
	facts[n++] = (struct hook_fact){ "self", agent->identity.name };
	facts[n++] = (struct hook_fact){ "cause", cause };
	facts[n++] = (struct hook_fact){ "group", name_of(group) };
	facts[n++] = (struct hook_fact){ "gateway", name_of(gateway) };
	hooks_fire(agent->hooks, HOOK_GATEWAY_ACTIVE, group, facts, n);
}

// "10.1.0.1 fd00:1::1".
static void vips_of(const json_t *body, struct text *all)
{
	const json_t *list = json_object_get(body, "vip"), *item;
	size_t i;
	json_array_foreach((json_t *)list, i, item)
	{
		text_add(all, i ? " " : "");
		text_add(all, json_string_value(item) ? json_string_value(item) : "");
	}
}

void hooking_group(struct agent *agent, enum hook_event event, const char *group, uint64_t epoch)
{
	char key[WIRE_KEY_MAX + 8], epoch_text[24];
	CLEAN(text_free) struct text all = { 0 };
	if (!agent->hooks)
		return;
	(void)snprintf(key, sizeof key, "ha/%s", group);
	CLEAN(json_decref_ptr) json_t *body = desired_body(agent, key);
	struct hook_fact facts[8];
	size_t n = 0;
	facts[n++] = (struct hook_fact){ "self", agent->identity.name };
	facts[n++] = (struct hook_fact){ "group", group };
	vips_of(body, &all);
	(void)snprintf(epoch_text, sizeof epoch_text, "%llu", (unsigned long long)epoch);
	facts[n++] = (struct hook_fact){ "epoch", epoch_text };
	if (text_of(body, "interface"))
		facts[n++] = (struct hook_fact){ "lan_interface", text_of(body, "interface") };
	if (all.len && !all.failed)
		facts[n++] = (struct hook_fact){ "vips", all.data };
	hooks_fire(agent->hooks, event, key, facts, n);
	const json_t *names =
		json_object_get(body, event == HOOK_HA_ACTIVE ? "on_active" : "on_inactive");
	const json_t *name;
	size_t i;
	json_array_foreach((json_t *)names, i, name)
	{
		struct err err = { 0 };
		if (json_is_string(name) && hooks_run(agent->hooks, json_string_value(name), event,
						      key, facts, n, &err) < 0)
			hooking_told(agent, "error", "hook_refused", key, err.text);
	}
}
