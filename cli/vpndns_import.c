#include "cli/vpndns_import.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"
#include "model/upstream.h"

#include "cli/import.h"
#include "cli/vpndns_regex.h"
#include "names/rule.h"

enum {
	DNS_PORT = 53,
	JAIL_MAX = 256, // addresses that become a forward each
	STATIC_TTL_S = 1,
};

#define NODE_NAME "vpndns"
#define LIST_NAME "vpndns-blocklist"
#define LIST_FILE "vpndns-blocklist.txt"
#define NONE_NAME "vpndns-nxdomain"

struct import {
	const struct vpndns_file *file;
	struct import_result *result;
	json_t *resolver; // its spec
	json_t *clients;  // prefixes that are told of
};

// A handler takes the value of one option.
typedef int (*option_fn)(struct import *m, const char *option, const json_t *value,
			 struct err *err);

static json_t *kind(const struct import *m, const char *name)
{
	return import_kind(m->result->resources, name);
}

static int refuse(struct err *err, const char *option, const char *why)
{
	return err_set(err, -EINVAL, "%s: %s", option, why);
}

static bool is_on(const json_t *value)
{
	const char *text = json_string_value(value);
	return json_is_true(value) || json_integer_value(value) == 1 ||
	       (text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0));
}

// A name of a resource that nobody has yet, made of `text`.
static char *free_name(const struct import *m, const char *of, const char *text)
{
	char base[IMPORT_NAME_SIZE];
	import_name(text, strlen(text), base);
	for (int i = 1;; i++) {
		char *name = i == 1 ? text_format("%s", *base ? base : "name")
				    : text_format("%.*s-%d", IMPORT_NAME_LEN - 5,
						  *base ? base : "name", i);
		if (!name || !json_object_get(kind(m, of), name))
			return name;
		free(name);
	}
}

static int add(const struct import *m, const char *of, const char *text, json_t *spec)
{
	CLEAN(free_ptr) char *name = free_name(m, of, text);
	return name ? json_object_set_new(kind(m, of), name, spec) : -1;
}

// ---- listening ----

static int take_listeners(struct import *m, const char *option, const json_t *value,
			  struct err *err)
{
	json_t *listen = json_array();
	const json_t *one;
	size_t i;
	(void)json_object_set_new(m->resolver, "listen", listen);
	json_array_foreach(value, i, one)
	{
		const char *text = json_string_value(json_array_get(one, 0));
		struct address address;
		if (!text || address_parse(text, &address, NULL) < 0)
			return refuse(err, option, "each is an address and a port");
		if (json_integer_value(json_array_get(one, 1)) != DNS_PORT)
			import_note(m->result, option,
				    "%s: Weft's resolver answers at port 53 only", text);
		if (address_is_usable(&address))
			(void)json_array_append_new(listen, json_string(text));
		else
			import_note(m->result, option, "%s is left out: it is no address of a LAN",
				    text);
	}
	if (json_array_size(listen) == 0)
		(void)json_object_del(m->resolver, "listen");
	return 0;
}

// ---- nameservers ----

// As one that is asked: an address and nothing else.
static int check_server(const char *option, const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	struct upstream up;
	struct err why = { 0 };
	if (!text || upstream_parse(text, &up, &why) < 0)
		return refuse(err, option, text ? why.text : "is no address");
	return 0;
}

static int take_default(struct import *m, const char *option, const json_t *value, struct err *err)
{
	int r = check_server(option, value, err);
	if (r == 0)
		(void)json_object_set_new(m->resolver, "upstreams",
					  json_pack("[O]", (json_t *)(uintptr_t)value));
	return r;
}

// The forward that asks `server`, so that prefixes with the same one share it.
static json_t *forward_to(const struct import *m, const json_t *server)
{
	CLEAN(free_ptr) char *text = text_format("to-%s", json_string_value(server));
	char name[IMPORT_NAME_SIZE];
	if (!text)
		return NULL;
	import_name(text, strlen(text), name);
	json_t *forward = json_object_get(kind(m, "dns-forwards"), name);
	if (!forward) {
		forward = json_pack("{s:[], s:[O]}", "from", "to", (json_t *)(uintptr_t)server);
		(void)json_object_set_new(kind(m, "dns-forwards"), name, forward);
	}
	return forward;
}

static int take_nameservers(struct import *m, const char *option, const json_t *value,
			    struct err *err)
{
	const char *prefix;
	json_t *server;
	json_object_foreach((json_t *)(uintptr_t)value, prefix, server)
	{
		struct prefix parsed;
		char text[PREFIX_TEXT_SIZE];
		int r = check_server(option, server, err);
		if (r == 0 && prefix_parse_host(prefix, &parsed, err) < 0)
			r = err_prefix(err, "%s", option);
		if (r < 0)
			return r;
		parsed = prefix_of(&parsed.address, parsed.length);
		(void)prefix_format(&parsed, text);
		json_t *from = json_object_get(forward_to(m, server), "from");
		(void)json_array_append_new(from, json_string(text));
		(void)json_array_append_new(m->clients, json_string(text));
	}
	return 0;
}

static int take_name_servers(struct import *m, const char *option, const json_t *value,
			     struct err *err)
{
	const char *regex;
	json_t *server;
	json_object_foreach((json_t *)(uintptr_t)value, regex, server)
	{
		json_auto_t *rules = NULL, *patterns = NULL;
		struct err why = { 0 };
		const json_t *pattern;
		size_t i;
		int r = check_server(option, server, err);
		if (r < 0)
			return r;
		if (vpndns_regex(regex, &rules, &patterns, &why) < 0) {
			import_note(m->result, option, "is left out for %s: %s",
				    json_string_value(server), why.text);
			continue;
		}
		if (json_array_size(rules) > 0) {
			(void)add(m, "dns-forwards", json_string_value(json_array_get(rules, 0)),
				  json_pack("{s:O, s:[O]}", "names", rules, "to", server));
			import_note(m->result, option, "%s is for a name and everything below it",
				    regex);
		}
		json_array_foreach(patterns, i, pattern)(void)
			add(m, "dns-forwards", json_string_value(pattern),
			    json_pack("{s:O, s:[O]}", "pattern", pattern, "to", server));
	}
	return 0;
}

// Each address of a jail is asked itself for what comes from it.
static int take_jail(struct import *m, const char *option, const json_t *value, struct err *err)
{
	const json_t *one;
	size_t i;
	json_array_foreach(value, i, one)
	{
		const char *text = json_string_value(one);
		struct prefix prefix;
		if (!text || prefix_parse_host(text, &prefix, err) < 0)
			return text ? err_prefix(err, "%s", option)
				    : refuse(err, option, "is a list of prefixes");
		prefix = prefix_of(&prefix.address, prefix.length);
		(void)json_array_append_new(m->clients, json_string(text));
		if (prefix_size(&prefix) > JAIL_MAX) {
			import_note(m->result, option,
				    "%s is left out: more than %d addresses would each need a DNS "
				    "forward "
				    "to itself",
				    text, JAIL_MAX);
			continue;
		}
		for (uint64_t n = 0; n < prefix_size(&prefix); n++) {
			struct address address;
			char own[ADDRESS_TEXT_SIZE];
			if (!prefix_nth(&prefix, n, &address))
				break;
			(void)address_format(&address, own);
			CLEAN(free_ptr) char *name = text_format("jail-%s", own);
			(void)add(m, "dns-forwards", name ? name : "jail",
				  json_pack("{s:[o], s:[s]}", "from",
					    json_sprintf("%s/%u", own, address_bits(&address)),
					    "to", own));
		}
	}
	return 0;
}

// ---- blocking ----

static int take_blocklist(struct import *m, const char *option, const json_t *value,
			  struct err *err)
{
	const json_t *clients = json_object_get(m->file->config, "client_exemptions"), *one;
	json_t *exempt = json_array();
	size_t i;
	json_t *spec = json_pack("{s:[s], s:s, s:s, s:o}", "lists", LIST_NAME, "answer", "zero",
				 "ttl", "1s", "exempt", exempt);
	(void)json_object_set_new(kind(m, "domain-lists"), LIST_NAME,
				  json_pack("{s:s}", "file", LIST_FILE));
	(void)json_object_set_new(kind(m, "blocklists"), LIST_NAME, spec);
	json_array_foreach(clients, i, one)
	{
		const char *text = json_string_value(one);
		struct address address;
		if (!text || address_parse(text, &address, NULL) < 0)
			return refuse(err, "client_exemptions", "is a list of addresses");
		(void)json_array_append_new(exempt,
					    json_sprintf("%s/%u", text, address_bits(&address)));
	}
	if (json_array_size(exempt) == 0)
		(void)json_object_del(spec, "exempt");
	import_note(m->result, option,
		    "the controller reads one file: there, find %s -type f -exec cat {} + > "
		    "/etc/weft/lists/%s",
		    json_is_string(value) ? json_string_value(value) : "DIR", LIST_FILE);
	import_note(m->result, option,
		    "a name stands for itself and everything below it (vpndns: itself), and is "
		    "answered 0.0.0.0 (vpndns: 127.0.0.1)");
	return 0;
}

static int take_exemptions(struct import *m, const char *option, const json_t *value,
			   struct err *err)
{
	(void)value;
	(void)err;
	if (!json_object_get(m->file->config, "blocklist_dir"))
		import_note(m->result, option,
			    "is left out: there is no blocklist_dir that it is about");
	return 0;
}

static int take_only_a(struct import *m, const char *option, const json_t *value, struct err *err)
{
	(void)err;
	if (!is_on(value))
		import_note(m->result, option,
			    "is left out: a blocked name has no records of other types, and :: for "
			    "IPv6");
	return 0;
}

static int take_nxdomain(struct import *m, const char *option, const json_t *value, struct err *err)
{
	json_auto_t *names = json_array();
	const json_t *one;
	size_t i;
	json_array_foreach(value, i, one)
	{
		json_auto_t *rules = NULL, *patterns = NULL;
		struct err why = { 0 };
		if (!json_is_string(one))
			return refuse(err, option, "is a list of expressions");
		if (vpndns_regex(json_string_value(one), &rules, &patterns, &why) < 0)
			import_note(m->result, option, "is left out: %s", why.text);
		else if (json_array_size(patterns) > 0)
			import_note(m->result, option,
				    "%s is left out: a list holds names, not patterns",
				    json_string_value(one));
		(void)json_array_extend(names, rules);
	}
	if (json_array_size(names) == 0)
		return 0;
	(void)json_object_set_new(kind(m, "domain-lists"), NONE_NAME,
				  json_pack("{s:O}", "names", names));
	(void)json_object_set_new(kind(m, "blocklists"), NONE_NAME,
				  json_pack("{s:[s]}", "lists", NONE_NAME));
	return 0;
}

// ---- static records ----

static json_t *zone_named(const struct import *m, const char *name, json_int_t ttl_s)
{
	const char *key;
	json_t *zone;
	json_object_foreach(kind(m, "dns-zones"), key,
			    zone) if (strcmp(json_string_value(json_object_get(zone, "zone")),
					     name) == 0) return zone;
	zone = json_pack("{s:s, s:o, s:[]}", "zone", name, "ttl",
			 json_sprintf("%llds", (long long)ttl_s), "records");
	(void)add(m, "dns-zones", name, zone);
	return zone;
}

// "printer.example 10.1.0.9": a zone of its own, so that nothing else of example is answered for.
static bool take_record(const struct import *m, const char *line, size_t len, json_int_t ttl_s)
{
	char name[NAME_WIRE_MAX + 1], text[ADDRESS_TEXT_SIZE], canonical[NAME_TEXT_SIZE];
	struct address address;
	struct name parsed;
	CLEAN(free_ptr) char *copy = strndup(line, len);
	if (!copy || sscanf(copy, "%255s %45s", name, text) != 2 ||
	    name_parse(name, strlen(name), &parsed, NULL) < 0 ||
	    address_parse(text, &address, NULL) < 0)
		return false;
	name_text(&parsed, canonical);
	json_t *records = json_object_get(zone_named(m, canonical, ttl_s), "records");
	(void)json_array_append_new(records, json_pack("{s:s, s:s}", "name", "@",
						       address.family == 6 ? "aaaa" : "a", text));
	return true;
}

static int take_records(struct import *m, const char *option, const json_t *value, struct err *err)
{
	const json_t *ttl = json_object_get(m->file->config, "static_records_ttl");
	const json_int_t ttl_s = ttl ? json_integer_value(ttl) : STATIC_TTL_S;
	size_t number = 0;
	(void)err;
	if (!m->file->records) {
		import_note(m->result, option, "%s cannot be read here: import again where it lies",
			    json_is_string(value) ? json_string_value(value) : "its file");
		return 0;
	}
	for (const char *at = m->file->records; *at;) {
		size_t len = strcspn(at, "\n"), blank = strspn(at, " \t\r");
		number++;
		if (blank < len && at[blank] != '#' && !take_record(m, at, len, ttl_s))
			import_note(m->result, option,
				    "line %zu is left out: it is no name and address", number);
		at += len + (at[len] == '\n');
	}
	import_note(m->result, option,
		    "each name is a zone of its own: nothing below it is asked of others");
	return 0;
}

static int take_auto_ptr(struct import *m, const char *option, const json_t *value, struct err *err)
{
	(void)err;
	if (!is_on(value))
		import_note(m->result, option,
			    "is left out: reverse records follow from addresses always");
	return 0;
}

// ---- the rest ----

static int take_with_other(struct import *m, const char *option, const json_t *value,
			   struct err *err)
{
	(void)m;
	(void)option;
	(void)value;
	(void)err;
	return 0;
}

static int take_ttl(struct import *m, const char *option, const json_t *value, struct err *err)
{
	(void)value;
	(void)err;
	import_note(
		m->result, option,
		"is left out: answers are kept as long as they say; a resolver's `stale` bridges "
		"the time while nobody can be asked");
	return 0;
}

static int take_interface(struct import *m, const char *option, const json_t *value,
			  struct err *err)
{
	(void)value;
	(void)err;
	import_note(m->result, option,
		    "is left out: the controller's REST interface and `weft dns` are in its place");
	return 0;
}

static int take_output(struct import *m, const char *option, const json_t *value, struct err *err)
{
	(void)value;
	(void)err;
	import_note(m->result, option,
		    "is left out: logs go to the journal, questions to the resolver's `log`");
	return 0;
}

static const struct option {
	const char *name;
	option_fn take;
} options[] = {
	{ "dns_listeners", take_listeners },
	{ "nameserver_default", take_default },
	{ "nameservers", take_nameservers },
	{ "nameserver_regex", take_name_servers },
	{ "vpn_jail", take_jail },
	{ "ttl_override", take_ttl },
	{ "blocklist_dir", take_blocklist },
	{ "blocklist_only_a", take_only_a },
	{ "client_exemptions", take_exemptions },
	{ "print_blocklist_read_progress", take_output },
	{ "nxdomain_regex", take_nxdomain },
	{ "interface_listen", take_interface },
	{ "static_records", take_records },
	{ "static_records_auto_ptr", take_auto_ptr },
	{ "static_records_ttl", take_with_other },
	{ "output_stdout", take_output },
	{ "output_stderr", take_output },
	{ "output_pipe", take_output },
	{ "errorlog_file", take_output },
};

static bool is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return true;
	return false;
}

static void note_unknown(const struct import *m)
{
	const char *name, *names[ARRAY_LEN(options) + 1];
	json_t *value;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		names[i] = options[i].name;
	names[ARRAY_LEN(options)] = NULL;
	json_object_foreach(m->file->config, name, value)
	{
		const char *near = is_known(name) ? NULL : text_nearest(name, names);
		if (!is_known(name))
			import_note(m->result, name, "is left out: vpndns has no such option%s%s%s",
				    near ? ", did you mean " : "", near ? near : "",
				    near ? "?" : "");
	}
}

static void finish(const struct import *m)
{
	const char *node = m->file->node ? m->file->node : NODE_NAME;
	if (!m->file->node) {
		(void)json_object_set_new(kind(m, "nodes"), NODE_NAME, json_object());
		import_note(m->result, "nodes/" NODE_NAME,
			    "is the host that vpndns runs on: if it is a node already, import with "
			    "--node "
			    "NAME");
	}
	(void)json_object_set_new(m->resolver, "nodes", json_pack("[s]", node));
	if (json_array_size(m->clients) > 0)
		(void)json_object_set(m->resolver, "clients", m->clients);
	import_note(
		m->result, "resolvers/" NODE_NAME, "%s",
		json_array_size(m->clients) > 0
			? "answers the prefixes of nameservers and vpn_jail: write who else may "
			  "ask "
			  "into clients"
			: "answers the networks of its node: write who else may ask into clients");
}

int vpndns_import(const struct vpndns_file *file, struct import_result *ret, struct err *err)
{
	json_auto_t *resolver = json_object(), *clients = json_array();
	struct import m = { file, ret, resolver, clients };
	int r = 0;
	*ret = (struct import_result){ .path = file->path, .resources = json_object() };
	if (!json_is_object(file->config))
		r = err_set(err, -EINVAL, "%s: is no map of options", file->path);
	else if (!json_object_get(file->config, "nameserver_default"))
		r = err_set(err, -EINVAL, "%s: nameserver_default: is missing", file->path);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(options); i++) {
		const json_t *value = json_object_get(file->config, options[i].name);
		if (value && !json_is_null(value))
			r = options[i].take(&m, options[i].name, value, err);
		if (r < 0)
			(void)err_prefix(err, "%s", file->path);
	}
	if (r < 0) {
		import_result_done(ret);
		return r;
	}
	note_unknown(&m);
	(void)json_object_set(kind(&m, "resolvers"), NODE_NAME, resolver);
	finish(&m);
	return 0;
}

const char *vpndns_records_path(const json_t *config)
{
	return json_string_value(json_object_get(config, "static_records"));
}
