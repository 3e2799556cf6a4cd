#include "cli/vpnham_import.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"

#include "cli/import.h"
#include "cli/vpnham_check.h"
#include "cli/vpnham_hooks.h"

enum { INTERVAL_MS = 15000, DOWN = 5, UP = 2 };

struct import {
	struct vpnham_result *result;
	json_t *hosts;  // address -> node: who is known by where others poll it
	json_t *seen;   // nodes of which there is a file -> its path
	json_t *beyond; // "tunnel address asked" -> {"site", "lan"}: what a bridge says of its far
			// side
	json_t *here;   // "tunnel address answering" -> site
};

static json_t *kind(const struct import *m, const char *name)
{
	return import_kind(m->result->resources, name);
}

static const char *text_of(const json_t *object, const char *field)
{
	return json_string_value(json_object_get(object, field));
}

static json_int_t count_of(const json_t *object, const char *field, json_int_t otherwise)
{
	const json_t *value = json_object_get(object, field);
	return value ? json_integer_value(value) : otherwise;
}

// The host of "http://10.0.0.3:8080/".
static bool url_host(const char *url, char ret[HOST_MAX_LEN + 1])
{
	struct endpoint endpoint;
	const char *at = strstr(url, "://");
	at = at ? at + 3 : url;
	CLEAN(free_ptr) char *authority = strndup(at, strcspn(at, "/?#"));
	if (!authority || endpoint_parse(authority, &endpoint, NULL) < 0)
		return false;
	(void)snprintf(ret, HOST_MAX_LEN + 1, "%s", endpoint.host);
	return true;
}

// The node that others poll at `host`; it gets its name, site and address when it is told of first.
static const char *node_of(const struct import *m, const char *host, const char *site,
			   const char *role)
{
	const char *known = text_of(m->hosts, host);
	if (known)
		return known;
	CLEAN(free_ptr) char *name = text_format("%.50s-%s", site, role);
	if (!name)
		return "";
	(void)json_object_set_new(kind(m, "nodes"), name,
				  json_pack("{s:s, s:s}", "site", site, "address", host));
	(void)json_object_set_new(m->hosts, host, json_string(name));
	return text_of(m->hosts, host);
}

// ---- tunnels ----

// What the bridge says is behind the far ends of its tunnels, each once.
static json_t *far_prefixes(const struct vpnham_bridge *bridge)
{
	json_t *list = json_pack("[O]", json_object_get(bridge->spec, "peer_cidr"));
	const json_t *more = json_object_get(bridge->spec, "extra_peer_cidrs"), *prefix;
	size_t i;
	json_array_foreach(more, i, prefix)
	{
		size_t k = 0;
		while (k < json_array_size(list) && !json_equal(json_array_get(list, k), prefix))
			k++;
		if (k == json_array_size(list))
			(void)json_array_append(list, (json_t *)(uintptr_t)prefix);
	}
	return list;
}

static json_t *tunnel_spec(const struct vpnham_bridge *bridge, const char *interface,
			   const json_t *tunnel)
{
	char text[DURATION_TEXT_SIZE];
	struct endpoint target = { 0 };
	int64_t interval = INTERVAL_MS;
	const char *given = text_of(bridge->spec, "probe_interval");
	if (given)
		(void)vpnham_duration(given, &interval, NULL);
	(void)endpoint_parse(text_of(tunnel, "probe_addr"), &target, NULL);
	json_t *spec = json_pack("{s:s, s:s, s:s, s:{s:s, s:I, s:I}}", "node", bridge->node,
				 "interface", interface, "target", target.host, "probe", "interval",
				 duration_format(interval, text), "down",
				 count_of(tunnel, "threshold_down", DOWN), "up",
				 count_of(tunnel, "threshold_up", UP));
	if (strcmp(text_of(tunnel, "role"), "standby") == 0)
		(void)json_object_set_new(spec, "role", json_string("standby"));
	// What answers the probes is the other side's host, which routes.
	(void)json_object_set_new(spec, "routes", far_prefixes(bridge));
	(void)json_object_set_new(spec, "via", json_pack("[s]", target.host));
	return spec;
}

// Notes what the bridge says is behind the far ends of its tunnels.
static json_t *note_far_side(const struct import *m, const struct vpnham_bridge *bridge)
{
	json_t *far = json_pack("{s:o, s:[]}", "lan", far_prefixes(bridge), "asked");
	(void)json_object_set_new(m->beyond, bridge->name, far);
	return json_object_get(far, "asked");
}

static json_t *add_tunnels(const struct import *m, const struct vpnham_bridge *bridge)
{
	const char *interface;
	json_t *tunnel;
	json_t *names = json_array();
	json_t *asked = note_far_side(m, bridge);
	json_object_foreach(json_object_get(bridge->spec, "tunnel_interfaces"), interface, tunnel)
	{
		char suffix[IMPORT_NAME_SIZE];
		import_name(interface, strlen(interface), suffix);
		CLEAN(free_ptr)
		char *name = text_format("%s-%.20s", bridge->node, *suffix ? suffix : "tunnel");
		if (!name)
			continue;
		(void)json_object_set_new(kind(m, "links"), name,
					  tunnel_spec(bridge, interface, tunnel));
		(void)json_array_append_new(names, json_string(name));
		(void)json_array_append(asked, json_object_get(tunnel, "probe_addr"));
		(void)json_object_set_new(m->here, text_of(tunnel, "addr"),
					  json_string(bridge->name));
	}
	vpnham_note(
		m->result, bridge, "tunnel_interfaces",
		"the far ends are asked by ICMP echoes: Weft does not speak vpnham's datagrams");
	return names;
}

// ---- bridges ----

static const struct {
	const char *field, *text;
} left_out[] = {
	{ "secondary_interfaces",
	  "is left out: write a hook where routes of other interfaces move" },
	{ "partner_polling_interface",
	  "is left out: members agree through the network of their group, not by HTTP" },
	{ "partner_status_timeout",
	  "is left out: the group's lease says how soon another member takes over" },
	{ "partner_status_threshold_down", "is left out: the group's lease is in its place" },
	{ "partner_status_threshold_up", "is left out: the group's hold_down is in its place" },
	{ "probe_location", "is left out: figures are labelled by node and site" },
};

static void note_left_out(const struct import *m, const struct vpnham_bridge *bridge)
{
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (json_object_get(bridge->spec, left_out[i].field))
			vpnham_note(m->result, bridge, left_out[i].field, left_out[i].text);
}

// vpnham moves routes, and has no address that goes with them. A group has one: here one of a
// private prefix of its own (RFC 4193) that nobody asks for, made of the group's name.
static char *mark_of(const char *name)
{
	uint64_t hash = 14695981039346656037U; // FNV-1a
	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 1099511628211U;
	return text_format("fd%02x:%x:%x::1", (unsigned)(hash >> 56),
			   (unsigned)(hash >> 40) & 0xffff, (unsigned)(hash >> 24) & 0xffff);
}

// The group of a bridge: its active host first.
static void add_group(const struct import *m, const struct vpnham_bridge *bridge,
		      const char *partner, const char *hook)
{
	const bool is_active = strcmp(text_of(bridge->spec, "role"), "active") == 0;
	json_t *groups = kind(m, "ha-groups");
	json_t *group = json_object_get(groups, bridge->name);
	if (!group) {
		json_t *members = json_pack("[s, s]", is_active ? bridge->node : partner,
					    is_active ? partner : bridge->node);
		CLEAN(free_ptr) char *mark = mark_of(bridge->name);
		group = json_pack("{s:O, s:[s], s:s, s:s, s:s}", "members", members, "vip", mark,
				  "interface", text_of(bridge->spec, "bridge_interface"), "network",
				  bridge->name, "site", bridge->name);
		vpnham_note(
			m->result, bridge, "bridge_interface",
			"the group's vip only marks who is active: put the address in its place "
			"that hosts of this LAN use as their gateway, if there is one");
		(void)json_object_set_new(groups, bridge->name, group);
		(void)json_object_set_new(kind(m, "networks"), bridge->name,
					  json_pack("{s:o}", "mesh", members));
	}
	if (hook && !json_object_get(group, "on_active"))
		(void)json_object_set_new(group, "on_active", json_pack("[s]", hook));
}

static int add_bridge(const struct import *m, struct vpnham_bridge *bridge, struct err *err)
{
	const char *role = text_of(bridge->spec, "role");
	const char *other = strcmp(role, "active") == 0 ? "standby" : "active";
	char name[IMPORT_NAME_SIZE], host[HOST_MAX_LEN + 1];
	struct endpoint status = { 0 };
	CLEAN(free_ptr) char *hook = NULL;
	import_name(bridge->called, strlen(bridge->called), name);
	if (!*name || !url_host(text_of(bridge->spec, "partner_url"), host))
		return err_set(err, -EINVAL, "%s: bridges.%s.%s: names no host", bridge->path,
			       bridge->called, *name ? "partner_url" : "");
	(void)endpoint_parse(text_of(bridge->spec, "status_addr"), &status, NULL);
	bridge->name = name;
	bridge->node = node_of(m, status.host, name, role);
	if (json_object_get(m->seen, bridge->node) &&
	    strcmp(text_of(m->seen, bridge->node), bridge->path) != 0)
		return err_set(err, -EINVAL, "%s and %s are of the same host, %s",
			       text_of(m->seen, bridge->node), bridge->path, status.host);
	(void)json_object_set_new(m->seen, bridge->node, json_string(bridge->path));
	const char *partner = node_of(m, host, name, other);
	if (!json_object_get(kind(m, "sites"), name))
		(void)json_object_set_new(kind(m, "sites"), name, json_object());
	json_auto_t *links = add_tunnels(m, bridge);
	bridge->links = links;
	int r = vpnham_hooks(bridge, m->result, &hook, err);
	if (r == 0)
		add_group(m, bridge, partner, hook);
	note_left_out(m, bridge);
	return r;
}

static int add_file(const struct import *m, const struct vpnham_file *file, struct err *err)
{
	const char *name;
	json_t *spec;
	json_object_foreach(json_object_get(file->config, "bridges"), name, spec)
	{
		struct vpnham_bridge bridge = {
			.path = file->path,
			.called = name,
			.spec = spec,
			.scripts = json_object_get(file->config, "default_scripts"),
		};
		int r = add_bridge(m, &bridge, err);
		if (r < 0)
			return r;
	}
	if (json_object_get(file->config, "metrics"))
		text_addf(&m->result->notes,
			  "%s: metrics: is left out: figures of all nodes come from the "
			  "controller's /metrics\n",
			  file->path);
	return 0;
}

// ---- what is behind the sites ----

// The site whose tunnels answer at one of these addresses, or NULL.
static const char *site_at(const struct import *m, const json_t *asked)
{
	size_t i;
	const json_t *address;
	json_array_foreach(asked, i, address)
	{
		const char *site = text_of(m->here, json_string_value(address));
		if (site)
			return site;
	}
	return NULL;
}

// A far end that another file answers at is that file's site; else it gets a site of its own.
static void place_lans(const struct import *m)
{
	const char *near;
	json_t *told;
	json_t *sites = kind(m, "sites");
	json_object_foreach(m->beyond, near, told)
	{
		const char *site = site_at(m, json_object_get(told, "asked"));
		CLEAN(free_ptr) char *far = site ? strdup(site) : text_format("%.50s-far", near);
		json_t *spec = far ? json_object_get(sites, far) : NULL;
		if (far && !spec) {
			spec = json_object();
			(void)json_object_set_new(sites, far, spec);
		}
		if (spec)
			(void)json_object_set(spec, "lan", json_object_get(told, "lan"));
	}
}

static void note_unknown(const struct import *m)
{
	const char *name;
	json_t *value;
	json_object_foreach(kind(m, "sites"), name, value)
	{
		if (!json_object_get(value, "lan"))
			text_addf(&m->result->notes,
				  "sites/%s: what stands behind it only its far side knows: write "
				  "its lan, or import the other side's files together with these\n",
				  name);
	}
	json_object_foreach(kind(m, "nodes"), name, value)
	{
		if (!json_object_get(m->seen, name))
			text_addf(&m->result->notes,
				  "nodes/%s: is known as a partner only: import its file together "
				  "with these for its tunnels and hooks\n",
				  name);
	}
}

int vpnham_import(const struct vpnham_file *files, size_t n, struct vpnham_result *ret,
		  struct err *err)
{
	json_auto_t *hosts = json_object();
	json_auto_t *seen = json_object();
	json_auto_t *beyond = json_object();
	json_auto_t *here = json_object();
	const struct import m = { ret, hosts, seen, beyond, here };
	int r = 0;
	*ret = (struct vpnham_result){ .resources = json_object(), .hooks = json_object() };
	// In the order of a file for people.
	(void)kind(&m, "sites");
	(void)kind(&m, "nodes");
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_file(&m, &files[i], err);
	if (r < 0) {
		vpnham_result_done(ret);
		return r;
	}
	place_lans(&m);
	note_unknown(&m);
	return 0;
}

void vpnham_result_done(struct vpnham_result *result)
{
	json_decref(result->resources);
	json_decref(result->hooks);
	text_free(&result->notes);
	*result = (struct vpnham_result){ 0 };
}
