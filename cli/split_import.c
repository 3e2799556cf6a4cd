#include "cli/split_import.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"

#include "names/rule.h"

#define NODE_NAME    "split"
#define BYPASS_NAME  "bypass"
#define UPSTREAM     "9.9.9.9"
#define RULE_SECTION "split" // of names below no comment

struct import {
	const struct split_file *file;
	struct import_result *result;
	const json_t *urls;
	json_t *to;           // of the rule
	const char **heads;   // for each url the comment that it stands below, not terminated
	bool has_whole_names; // that stood for themselves only
};

static json_t *kind(const struct import *m, const char *name)
{
	return import_kind(m->result->resources, name);
}

// ---- the comments between the names ----

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');
	return end ? end + 1 : line + strlen(line);
}

// `## Netflix`, not `# - netflix.com`, which is a name that somebody took out.
static bool is_head(const char *at)
{
	at += strspn(at, "# \t");
	return *at != '\0' && *at != '\n' && *at != '-';
}

// Finds the head of each url, when they are written one a line.
static void find_heads(const struct import *m)
{
	const size_t count = json_array_size(m->urls);
	const char *head = NULL;
	size_t n = 0;
	for (const char *line = m->file->text; *line; line = next_line(line)) {
		const char *at = line + strspn(line, " \t");
		if (*at == '#' && is_head(at))
			head = at + strspn(at, "# \t");
		else if (*at == '-' && n++ < count)
			m->heads[n - 1] = head;
	}
	for (size_t i = 0; n != count && i < count; i++)
		m->heads[i] = NULL;
}

// The names of the domain list that the url belongs to. Borrowed.
static json_t *names_for(const struct import *m, size_t at)
{
	const char *head = m->heads[at];
	char name[IMPORT_NAME_SIZE] = "", to[IMPORT_NAME_SIZE + 8];
	if (head)
		import_name(head, strcspn(head, "\r\n"), name);
	if (!*name)
		(void)snprintf(name, sizeof name, "%s", RULE_SECTION);
	json_t *lists = kind(m, "domain-lists"), *list = json_object_get(lists, name);
	if (!list) {
		list = json_pack("{s:[]}", "names");
		(void)json_object_set_new(lists, name, list);
		(void)snprintf(to, sizeof to, "list/%s", name);
		(void)json_array_append_new(m->to, json_string(to));
	}
	return json_object_get(list, "names");
}

// ---- names ----

// "81.130.98.*", and an address.
static bool as_prefix(const char *text, struct prefix *ret)
{
	char whole[ADDRESS_TEXT_SIZE];
	struct address address;
	size_t len = strlen(text);
	unsigned bits = 32;
	if (address_parse(text, &address, NULL) == 0) {
		*ret = prefix_of(&address, address_bits(&address));
		return true;
	}
	while (bits > 8 && len > 2 && strncmp(text + len - 2, ".*", 2) == 0) {
		len -= 2;
		bits -= 8;
	}
	if (bits == 32 || len >= sizeof whole - 8)
		return false;
	(void)snprintf(whole, sizeof whole, "%.*s%s", (int)len, text,
		       bits == 24   ? ".0"
		       : bits == 16 ? ".0.0"
				    : ".0.0.0");
	if (address_parse(whole, &address, NULL) < 0)
		return false;
	*ret = prefix_of(&address, (uint8_t)bits);
	return true;
}

static void take_prefix(const struct import *m, const char *url, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_SIZE];
	(void)prefix_format(prefix, text);
	(void)json_array_append_new(m->to, json_string(text));
	import_note(
		m->result, "urls",
		"%s becomes %s, by whatever name it is reached; envoy-split-proxy looked at the "
		"name that was said",
		url, text);
}

static int take_url(struct import *m, size_t at, struct err *err)
{
	const char *url = json_string_value(json_array_get(m->urls, at));
	struct name_rule rule;
	struct prefix prefix;
	struct err why = { 0 };
	if (!url)
		return err_set(err, -EINVAL, "urls[%zu]: is no name", at);
	for (size_t i = 0; i < at; i++)
		if (json_equal(json_array_get(m->urls, i), json_array_get(m->urls, at)))
			return 0;
	if (as_prefix(url, &prefix)) {
		take_prefix(m, url, &prefix);
	} else if (name_rule_parse(url, strlen(url), &rule, &why) < 0) {
		import_note(m->result, "urls", "%s is left out: %s", url, why.text);
	} else {
		m->has_whole_names = m->has_whole_names || rule.how & NAME_EXACT;
		(void)json_array_append_new(names_for(m, at), json_string(url));
	}
	return 0;
}

// ---- the rest ----

static void add_node(const struct import *m, const char *interface)
{
	json_t *uplinks = json_pack("{s:{s:s}}", BYPASS_NAME, "interface", interface);
	if (m->file->node) {
		import_note(m->result, "interface",
			    "nodes/%s: give it uplinks: {" BYPASS_NAME ": {interface: %s}}",
			    m->file->node, interface);
		json_decref(uplinks);
		return;
	}
	json_t *site = json_object();
	if (json_array_size(m->file->lans) > 0)
		(void)json_object_set(site, "lan", (json_t *)(uintptr_t)m->file->lans);
	else
		import_note(m->result, "sites/" NODE_NAME,
			    "write into lan which prefixes are behind the host, or import with "
			    "--lan PREFIX");
	(void)json_object_set_new(kind(m, "sites"), NODE_NAME, site);
	(void)json_object_set_new(kind(m, "nodes"), NODE_NAME,
				  json_pack("{s:s, s:o}", "site", NODE_NAME, "uplinks", uplinks));
	import_note(m->result, "nodes/" NODE_NAME,
		    "is the host that envoy-split-proxy runs on: if it is a node already, import "
		    "with --node NAME");
}

static int add_way(const struct import *m, struct err *err)
{
	const char *node = m->file->node ? m->file->node : NODE_NAME;
	CLEAN(free_ptr) char *uplink = text_format("%s/" BYPASS_NAME, node);
	CLEAN(free_ptr) char *from = text_format("%s/%s", m->file->node ? "node" : "site", node);
	if (!uplink || !from)
		return err_set(err, -ENOMEM, "out of memory");
	(void)json_object_set_new(kind(m, "gateways"), BYPASS_NAME,
				  json_pack("{s:s}", "uplink", uplink));
	(void)json_object_set_new(kind(m, "gateway-groups"), BYPASS_NAME,
				  json_pack("{s:[s]}", "try", BYPASS_NAME));
	(void)json_object_set_new(
		kind(m, "resolvers"), NODE_NAME,
		json_pack("{s:[s], s:[s]}", "nodes", node, "upstreams", UPSTREAM));
	(void)json_object_set_new(kind(m, "policies"), NODE_NAME,
				  json_pack("{s:[s], s:[{s:O, s:s, s:s}]}", "from", from, "rules",
					    "to", m->to, "via", BYPASS_NAME, "otherwise",
					    "direct"));
	return 0;
}

static void note_differences(const struct import *m)
{
	import_note(m->result, "resolvers/" NODE_NAME,
		    "who is asked for names is not said there: " UPSTREAM
		    " stands in upstreams, write whom you want; a node has one resolver at most");
	import_note(m->result, "policies/" NODE_NAME,
		    "while the interface leads nowhere the names go the host's own way; with "
		    "otherwise: block nothing passes");
	if (m->has_whole_names)
		import_note(m->result, "urls",
			    "a name without a star stands for what is below it, too; `=name` is "
			    "exactly that name");
}

static void note_unknown(const struct import *m)
{
	static const char *const known[] = { "interface", "urls", NULL };
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)m->file->config, name, value)
	{
		if (strcmp(name, known[0]) == 0 || strcmp(name, known[1]) == 0)
			continue;
		const char *near = text_nearest(name, known);
		import_note(m->result, name,
			    "is left out: envoy-split-proxy has no such option%s%s%s",
			    near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
	}
}

static int import_all(struct import *m, struct err *err)
{
	const json_t *value = json_object_get(m->file->config, "interface");
	const char *interface = json_string_value(value);
	int r = 0;
	if (!interface || !*interface)
		return err_set(err, -EINVAL, "interface: %s",
			       value ? "is no name of an interface" : "is missing");
	if (m->urls && !json_is_array(m->urls))
		return err_set(err, -EINVAL, "urls: is no list of names");
	if (json_array_size(m->urls) == 0)
		return err_set(err, -EINVAL, "urls: at least one name is missing");
	find_heads(m);
	for (size_t i = 0; r == 0 && i < json_array_size(m->urls); i++)
		r = take_url(m, i, err);
	if (r < 0)
		return r;
	if (json_array_size(m->to) == 0)
		return err_set(err, -EINVAL, "urls: none of them can be carried over");
	add_node(m, interface);
	note_unknown(m);
	note_differences(m);
	return add_way(m, err);
}

int split_import(const struct split_file *file, struct import_result *ret, struct err *err)
{
	const json_t *urls = json_object_get(file->config, "urls");
	CLEAN(free_ptr) const char **heads = calloc(json_array_size(urls) + 1, sizeof(*heads));
	json_auto_t *to = json_array();
	struct import m = { .file = file, .result = ret, .urls = urls, .to = to, .heads = heads };
	*ret = (struct import_result){ .path = file->path, .resources = json_object() };
	int r = heads && to ? import_all(&m, err) : err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		return 0;
	import_result_done(ret);
	return err_prefix(err, "%s", file->path);
}
