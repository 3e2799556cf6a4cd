#include "cli/vpnham_hooks.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"
#include "settings/yaml_emit.h"

#include "cli/vpnham_check.h"

enum { TIMEOUT_MS = 30000, CLOUD_TIMEOUT_MS = 15000, RETRY_MS = 1000, RETRY_MOST_MS = 60000 };

#define SHIPPED "/usr/share/weft/hooks/"

void vpnham_note(struct vpnham_result *result, const struct vpnham_bridge *bridge,
		 const char *field, const char *text)
{
	text_addf(&result->notes, "%s: bridges.%s.%s: %s\n", bridge->path, bridge->called, field,
		  text);
}

static const char *text_of(const json_t *object, const char *field)
{
	return json_string_value(json_object_get(object, field));
}

static int64_t duration_of(const json_t *object, const char *field, int64_t otherwise)
{
	int64_t ms = otherwise;
	const char *text = text_of(object, field);
	if (text)
		(void)vpnham_duration(text, &ms, NULL);
	return ms;
}

// ---- vpnham's words: what the file itself tells is put in, the rest is Weft's ----

// All prefixes behind the bridge of a family (4, 6, or 0 for any), separated by spaces.
static void add_prefixes(const struct vpnham_bridge *bridge, int family, struct text *out)
{
	const json_t *more = json_object_get(bridge->spec, "extra_peer_cidrs");
	for (size_t i = 0; i <= json_array_size(more); i++) {
		const char *prefix = i == 0 ? text_of(bridge->spec, "peer_cidr")
					    : json_string_value(json_array_get(more, i - 1));
		if (family && (strchr(prefix, ':') != NULL) != (family == 6))
			continue;
		text_addf(out, "%s%s", out->len ? " " : "", prefix);
	}
}

static bool is_any_address(const char *host)
{
	struct address address;
	static const uint8_t zero[16];
	return address_parse(host, &address, NULL) == 0 &&
	       memcmp(address.bytes, zero, sizeof(zero)) == 0;
}

static void add_lan_address(const struct vpnham_bridge *bridge, struct text *out)
{
	struct endpoint status = { 0 };
	(void)endpoint_parse(text_of(bridge->spec, "status_addr"), &status, NULL);
	text_add(out, is_any_address(status.host) ? "${lan_address}" : status.host);
}

static bool add_word(const struct vpnham_bridge *bridge, const char *word, struct text *out)
{
	const char *first = text_of(bridge->spec, "peer_cidr");
	if (strcmp(word, "proto") == 0 || strcmp(word, "tunnel_interface_proto") == 0)
		text_add(out, strchr(first, ':') ? "6" : "4");
	else if (strcmp(word, "bridge_interface") == 0)
		text_add(out, text_of(bridge->spec, "bridge_interface"));
	else if (strcmp(word, "bridge_interface_ip") == 0)
		add_lan_address(bridge, out);
	else if (strcmp(word, "bridge_peer_cidr") == 0)
		text_add(out, first);
	else if (strcmp(word, "bridge_peer_cidrs_ipv4") == 0)
		add_prefixes(bridge, 4, out);
	else if (strcmp(word, "bridge_peer_cidrs_ipv6") == 0)
		add_prefixes(bridge, 6, out);
	else if (strcmp(word, "tunnel_interface") == 0)
		text_add(out, "${link_interface}");
	else if (strcmp(word, "tunnel_interface_ip") == 0)
		text_add(out, "${link_address}");
	else
		return false;
	return true;
}

// The word of a script's command in Weft's notation. What is no word of vpnham's it left alone,
// too.
static char *translate(const struct vpnham_bridge *bridge, const char *argument)
{
	struct text out = { 0 };
	for (const char *at = argument; *at;) {
		const char *dollar = strstr(at, "${");
		const char *end = dollar ? strchr(dollar, '}') : NULL;
		if (!end) {
			text_add(&out, at);
			break;
		}
		CLEAN(free_ptr) char *word = strndup(dollar + 2, (size_t)(end - dollar - 2));
		text_add_bytes(&out, at, (size_t)(dollar - at));
		if (!word || !add_word(bridge, word, &out)) {
			text_add(&out, "$");
			text_add_bytes(&out, dollar, (size_t)(end - dollar + 1));
		}
		at = end + 1;
	}
	return text_take(&out);
}

// ---- commands ----

static void add_script(const struct vpnham_bridge *bridge, const json_t *script, json_t *run)
{
	size_t i, w;
	const json_t *step, *word;
	json_array_foreach(script, i, step)
	{
		json_t *command = json_array();
		// vpnham looks for programs on its path; a hook names the file.
		if (*json_string_value(json_array_get(step, 0)) != '/')
			(void)json_array_append_new(command, json_string("/usr/bin/env"));
		json_array_foreach(step, w, word)
		{
			CLEAN(free_ptr)
			char *text = translate(bridge, json_string_value(word));
			(void)json_array_append_new(command, json_string(text ? text : ""));
		}
		(void)json_array_append_new(run, command);
	}
}

static void add_list(const json_t *list, const char *separator, struct text *out)
{
	size_t i;
	const json_t *item;
	json_array_foreach(list, i, item)
		text_addf(out, "%s%s", i ? separator : "", json_string_value(item));
}

static void add_aws(const struct vpnham_bridge *bridge, const json_t *aws, json_t *run)
{
	CLEAN(text_free) struct text tables = { 0 };
	CLEAN(text_free) struct text prefixes = { 0 };
	add_list(json_object_get(aws, "route_tables"), " ", &tables);
	add_prefixes(bridge, 0, &prefixes);
	(void)json_array_append_new(run, json_pack("[s, s, s]", SHIPPED "aws-move-route",
						   tables.data ? tables.data : "", prefixes.data));
}

static void add_gcp(const struct vpnham_bridge *bridge, const json_t *gcp, json_t *run,
		    struct vpnham_result *result)
{
	const char *given = text_of(gcp, "route_id_prefix");
	const json_t *priority = json_object_get(gcp, "route_priority");
	CLEAN(text_free) struct text prefixes = { 0 };
	CLEAN(text_free) struct text tags = { 0 };
	CLEAN(free_ptr)
	char *name = given ? strdup(given) : text_format("vpnham-%s", bridge->called);
	CLEAN(free_ptr)
	char *number = text_format("%lld", priority ? json_integer_value(priority) : 1000LL);
	add_prefixes(bridge, 4, &prefixes);
	add_list(json_object_get(gcp, "route_tags"), ",", &tags);
	json_t *command = json_pack("[s, s, s, s, s]", SHIPPED "gcp-move-route", name, "default",
				    prefixes.data ? prefixes.data : "", number);
	if (tags.len)
		(void)json_array_append_new(command, json_string(tags.data));
	(void)json_array_append_new(run, command);
	vpnham_note(result, bridge, "reconcile.bridge_activate.gcp",
		    "the network is written as default: put in the one that the instance is in");
}

// ---- a hook's file ----

struct hook {
	const char *kind;  // what vpnham calls it
	const char *event; // Weft's
	const char *file;  // end of its name
};

static const struct hook hooks[] = {
	{ "bridge_activate", "ha_active", "active" },
	{ "interface_activate", "link_active", "link-active" },
	{ "interface_deactivate", "link_inactive", "link-inactive" },
};

static json_t *duration_json(int64_t ms)
{
	char text[DURATION_TEXT_SIZE];
	return json_string(duration_format(ms, text));
}

// The bridge's own script, or the file's.
static const json_t *script_of(const struct vpnham_bridge *bridge, const json_t *stanza,
			       const char *kind)
{
	const json_t *script = json_object_get(stanza, "script");
	if (!script)
		script = json_object_get(json_object_get(bridge->spec, "scripts"), kind);
	return script ? script : json_object_get(bridge->scripts, kind);
}

static json_t *hook_body(const struct vpnham_bridge *bridge, const struct hook *hook,
			 const json_t *stanza, json_t *run)
{
	const json_t *reconcile = json_object_get(bridge->spec, "reconcile");
	const json_t *reapply = json_object_get(stanza, "reapply");
	int64_t timeout = duration_of(bridge->spec, "scripts_timeout", TIMEOUT_MS);
	timeout = duration_of(reconcile, "scripts_timeout", timeout);
	for (size_t i = 0; i < 2; i++) {
		const json_t *cloud = json_object_get(stanza, i ? "aws" : "gcp");
		const int64_t least = cloud ? duration_of(cloud, "timeout", CLOUD_TIMEOUT_MS) : 0;
		timeout = timeout > least ? timeout : least;
	}
	json_t *body = json_pack("{s:[s]}", "events", hook->event);
	if (strcmp(hook->event, "ha_active") != 0) {
		json_t *subjects = json_array();
		for (size_t i = 0; i < json_array_size(bridge->links); i++)
			(void)json_array_append_new(
				subjects,
				json_sprintf("link/%s",
					     json_string_value(json_array_get(bridge->links, i))));
		(void)json_object_set_new(body, "subjects", subjects);
	}
	(void)json_object_set_new(body, "user", json_string("root"));
	(void)json_object_set_new(body, "timeout", duration_json(timeout));
	(void)json_object_set_new(
		body, "retry",
		json_pack("{s:o, s:o}", "first",
			  duration_json(duration_of(reapply, "initial_delay", RETRY_MS)), "most",
			  duration_json(duration_of(reapply, "maximum_delay", RETRY_MOST_MS))));
	(void)json_object_set(body, "run", run);
	return body;
}

static void note_hook(const struct vpnham_bridge *bridge, const struct hook *hook,
		      const json_t *stanza, struct vpnham_result *result)
{
	CLEAN(free_ptr) char *field = text_format("reconcile.%s", hook->kind);
	CLEAN(free_ptr)
	char *text = text_format("the hook %s-%s runs as root, as vpnham does: give it a user of "
				 "its own where it needs no more",
				 bridge->name, hook->file);
	vpnham_note(result, bridge, field ? field : "", text ? text : "");
	if (json_object_get(stanza, "reapply"))
		vpnham_note(result, bridge, field ? field : "",
			    "a hook is repeated while it fails, not while all is well: its reapply "
			    "is the pause between tries");
	if (strcmp(hook->kind, "interface_deactivate") == 0)
		vpnham_note(
			result, bridge, field ? field : "",
			"vpnham 0.0.9 never runs this script but bridge_activate's: from now on "
			"it is run");
}

static int add_hook(const struct vpnham_bridge *bridge, const struct hook *hook,
		    struct vpnham_result *result, bool *ret_is_added, struct err *err)
{
	const json_t *stanza =
		json_object_get(json_object_get(bridge->spec, "reconcile"), hook->kind);
	const json_t *aws = json_object_get(stanza, "aws"), *gcp = json_object_get(stanza, "gcp");
	json_auto_t *run = json_array();
	if (aws)
		add_aws(bridge, aws, run);
	if (gcp)
		add_gcp(bridge, gcp, run, result);
	add_script(bridge, script_of(bridge, stanza, hook->kind), run);
	*ret_is_added = json_array_size(run) > 0;
	if (!*ret_is_added)
		return 0;
	json_auto_t *body = hook_body(bridge, hook, stanza, run);
	CLEAN(text_free) struct text text = { 0 };
	text_addf(&text, "# %s of vpnham's bridge %s.\n", hook->kind, bridge->called);
	yaml_emit(&text, body);
	CLEAN(free_ptr)
	char *path = text_format("%s/%s-%s.yaml", bridge->node, bridge->name, hook->file);
	if (!path || !text.data || text.failed ||
	    json_object_set_new(result->hooks, path, json_string(text.data)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	note_hook(bridge, hook, stanza, result);
	return 0;
}

int vpnham_hooks(const struct vpnham_bridge *bridge, struct vpnham_result *result,
		 char **ret_on_active, struct err *err)
{
	*ret_on_active = NULL;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		bool is_added = false;
		int r = add_hook(bridge, &hooks[i], result, &is_added, err);
		if (r < 0)
			return r;
		if (is_added && strcmp(hooks[i].event, "ha_active") == 0)
			*ret_on_active = text_format("%s-%s", bridge->name, hooks[i].file);
	}
	return 0;
}
