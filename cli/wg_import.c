#include "cli/wg_import.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"

#include "cli/import.h"
#include "cli/pin.h"
#include "cli/wg_graph.h"

// One WireGuard key: an interface of which the file was given, or a peer that only others know.
struct interface {
	char key[WIREGUARD_KEY_TEXT_SIZE];
	char node[64];
	char device[64];             // "wg0", or "" when the path does not tell
	const struct wg_quick *conf; // NULL: no file
	const struct wg_import_file *file;
	struct endpoint endpoint; // host "" when nobody knows one
	struct prefix *lans;
	size_t n_lans;
};

struct import {
	struct interface *items;
	size_t n;
	struct wg_graph graph;
	struct text notes; // comment lines without "# "
};

static void import_done(struct import *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->items[i].lans);
	free(m->items);
	wg_graph_done(&m->graph);
	text_free(&m->notes);
}

static struct interface *find_key(const struct import *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->items[i].key, key) == 0)
			return &m->items[i];
	}
	return NULL;
}

// ---- names ----

// Takes `wanted` or, when another node is called so, the first free "wanted-2", "wanted-3", ...
static void set_unique(const struct import *m, struct interface *self, const char *wanted)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "%s", wanted);
	for (unsigned number = 2;; number++) {
		bool is_taken = false;
		for (size_t i = 0; i < m->n; i++)
			is_taken |= &m->items[i] != self && strcmp(m->items[i].node, name) == 0;
		if (!is_taken)
			break;
		(void)snprintf(name, sizeof(name), "%.56s-%u", wanted, number);
	}
	memcpy(self->node, name, sizeof(name));
}

static bool is_device_name(const char *base, size_t len)
{
	return len >= 2 && base[0] == 'w' && base[1] == 'g' &&
	       strspn(base + 2, "0123456789") >= len - 2;
}

// Two interfaces of one host: files of different names in the same directory, which names the node.
static bool shares_host(const struct import *m, const struct interface *self, size_t dir_len)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct interface *other = &m->items[i];
		if (other != self && other->file && other->device[0] && other->node[0] &&
		    strncmp(other->file->path, self->file->path, dir_len + 1) == 0 &&
		    !strchr(other->file->path + dir_len + 1, '/')) {
			memcpy((char *)self->node, other->node, sizeof(self->node));
			return true;
		}
	}
	return false;
}

static void name_by_path(const struct import *m, struct interface *self)
{
	const char *path = self->file->path;
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t base_len = strlen(base);
	if (base_len > 5 && strcmp(base + base_len - 5, ".conf") == 0)
		base_len -= 5;
	char name[64] = { 0 };
	if (is_device_name(base, base_len))
		import_name(base, base_len, self->device);
	if (self->device[0] && slash) {
		size_t dir_len = (size_t)(slash - path);
		const char *dir = memrchr(path, '/', dir_len);
		dir = dir ? dir + 1 : path;
		if (shares_host(m, self, dir_len))
			return;
		import_name(dir, (size_t)(slash - dir), name);
	}
	if (!name[0])
		import_name(base, base_len, name);
	set_unique(m, self, name[0] ? name : "node");
}

static void name_by_peer(const struct import *m, struct interface *self, const char *label)
{
	char name[64] = { 0 };
	if (label)
		import_name(label, strlen(label), name);
	if (!name[0]) {
		char key[64];
		import_name(self->key, 10, key);
		(void)snprintf(name, sizeof(name), "peer-%.50s", key);
	}
	set_unique(m, self, name);
}

// ---- interfaces and edges ----

static int add_interface(struct import *m, const char *key, struct interface **ret, struct err *err)
{
	if (m->n >= WG_IMPORT_INTERFACES_MAX)
		return err_set(err, -EFBIG, "there are more than %d keys",
			       WG_IMPORT_INTERFACES_MAX);
	struct interface *items = realloc(m->items, (m->n + 1) * sizeof(*items));
	if (!items)
		return err_set(err, -ENOMEM, "out of memory");
	m->items = items;
	*ret = &items[m->n++];
	**ret = (struct interface){ 0 };
	(void)snprintf((*ret)->key, sizeof((*ret)->key), "%s", key);
	return 0;
}

static int add_files(struct import *m, const struct wg_import_file *files, size_t n,
		     struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		char key[WIREGUARD_KEY_TEXT_SIZE];
		struct interface *self;
		if (!wireguard_public_key(files[i].conf->private_key, key))
			return err_set(err, -EINVAL,
				       "%s: it has no PrivateKey, so its peers cannot be matched",
				       files[i].path);
		const struct interface *same = find_key(m, key);
		if (same)
			return err_set(err, -EINVAL, "%s and %s have the same private key",
				       same->file->path, files[i].path);
		int r = add_interface(m, key, &self, err);
		if (r)
			return r;
		self->conf = files[i].conf;
		self->file = &files[i];
		name_by_path(m, self);
	}
	return 0;
}

static int add_unknown_peers(struct import *m, size_t n_files, struct err *err)
{
	for (size_t i = 0; i < n_files; i++) {
		const struct wg_quick *conf = m->items[i].conf;
		for (size_t p = 0; p < conf->n_peers; p++) {
			struct interface *self;
			if (find_key(m, conf->peers[p].public_key))
				continue;
			int r = add_interface(m, conf->peers[p].public_key, &self, err);
			if (r)
				return r;
			name_by_peer(m, self, conf->peers[p].label);
			text_addf(&m->notes,
				  "%s: no file of its own was given; it is known only as a peer\n",
				  self->node);
		}
	}
	return 0;
}

static void learn_endpoint(struct import *m, struct interface *peer, const struct endpoint *seen)
{
	char kept[ENDPOINT_TEXT_SIZE];
	char other[ENDPOINT_TEXT_SIZE];
	if (!seen->host[0])
		return;
	if (!peer->endpoint.host[0]) {
		peer->endpoint = *seen;
		return;
	}
	if (strcmp(peer->endpoint.host, seen->host) != 0 || peer->endpoint.port != seen->port)
		text_addf(&m->notes, "%s: also reached at %s, only %s is kept\n", peer->node,
			  endpoint_format(seen, other), endpoint_format(&peer->endpoint, kept));
}

static void connect_all(struct import *m, size_t n_files)
{
	for (size_t i = 0; i < n_files; i++) {
		const struct wg_quick *conf = m->items[i].conf;
		for (size_t p = 0; p < conf->n_peers; p++) {
			struct interface *peer = find_key(m, conf->peers[p].public_key);
			wg_graph_connect(&m->graph, i, (size_t)(peer - m->items));
			learn_endpoint(m, peer, &conf->peers[p].endpoint);
			if (conf->peers[p].has_preshared_key)
				text_addf(&m->notes, "%s: the preshared key with %s is left out\n",
					  m->items[i].node, peer->node);
		}
	}
	wg_graph_settle(&m->graph);
}

// ---- prefixes behind nodes ----

static bool touches_overlay(const struct import *m, size_t component, const struct prefix *p)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!m->items[i].conf || m->graph.component[i] != component)
			continue;
		const struct wg_prefixes *own = &m->items[i].conf->addresses;
		for (size_t a = 0; a < own->len; a++) {
			struct prefix net = prefix_of(&own->items[a].address, own->items[a].length);
			if (prefix_overlaps(&net, p))
				return true;
		}
	}
	return false;
}

// Does this node send the prefix on to a peer of its own? Then it does not stand behind it.
static bool passes_on(const struct interface *node, const struct prefix *p)
{
	for (size_t i = 0; node->conf && i < node->conf->n_peers; i++) {
		const struct wg_prefixes *allowed = &node->conf->peers[i].allowed;
		for (size_t a = 0; a < allowed->len; a++) {
			if (allowed->items[a].length > 0 && prefix_covers(&allowed->items[a], p))
				return true;
		}
	}
	return false;
}

static void add_lan(struct import *m, size_t at, const struct prefix *allowed)
{
	struct interface *node = &m->items[at];
	struct prefix lan = prefix_of(&allowed->address, allowed->length);
	char text[PREFIX_TEXT_SIZE];
	bool is_host = lan.length == address_bits(&lan.address);
	if (lan.length == 0) {
		text_addf(&m->notes,
			  "%s: others send everything (%s) to it; that is a policy's task\n",
			  node->node, prefix_format(&lan, text));
		return;
	}
	if (touches_overlay(m, m->graph.component[at], &lan) || passes_on(node, &lan) ||
	    (is_host && !node->conf))
		return;
	for (size_t i = 0; i < node->n_lans; i++) {
		if (prefix_equal(&node->lans[i], &lan))
			return;
	}
	struct prefix *lans = realloc(node->lans, (node->n_lans + 1) * sizeof(*lans));
	if (!lans) {
		m->notes.failed = true;
		return;
	}
	node->lans = lans;
	node->lans[node->n_lans++] = lan;
}

static void add_lans(struct import *m, size_t n_files)
{
	for (size_t i = 0; i < n_files; i++) {
		const struct wg_quick *conf = m->items[i].conf;
		for (size_t p = 0; p < conf->n_peers; p++) {
			const struct interface *peer = find_key(m, conf->peers[p].public_key);
			for (size_t a = 0; a < conf->peers[p].allowed.len; a++)
				add_lan(m, (size_t)(peer - m->items),
					&conf->peers[p].allowed.items[a]);
		}
	}
}

// ---- what is left out ----

static void note_interface(struct import *m, const struct interface *self)
{
	char text[PREFIX_TEXT_SIZE];
	const struct wg_quick *conf = self->conf;
	for (size_t i = 0; i < conf->addresses.len; i++)
		text_addf(&m->notes, "%s: address %s is left out, Weft allocates its own\n",
			  self->node, prefix_format(&conf->addresses.items[i], text));
	for (size_t i = 0; i < WG_EXTRA_COUNT; i++) {
		if (conf->extras[i])
			text_addf(&m->notes, "%s: %s is left out (%u line%s)\n", self->node,
				  wg_extra_names[i], conf->extras[i],
				  conf->extras[i] == 1 ? "" : "s");
	}
}

// ---- the file ----

static bool is_keyword(const char *s)
{
	static const char *const words[] = { "true", "false", "null", "yes", "no",
					     "on",   "off",   "y",    "n" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(s, words[i]) == 0)
			return true;
	}
	return false;
}

// What it writes has only letters, digits and . : / - [ ] in it; quoted unless it can be nothing
// but a word.
static void add_scalar(struct text *t, const char *s)
{
	bool is_word = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
	bool is_plain = is_word && !strchr(s, ':') && !is_keyword(s);
	text_addf(t, is_plain ? "%s" : "\"%s\"", s);
}

static bool is_first_of_node(const struct import *m, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(m->items[i].node, m->items[at].node) == 0)
			return false;
	}
	return true;
}

static bool has_lans(const struct import *m, const char *node)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->items[i].node, node) == 0 && m->items[i].n_lans > 0)
			return true;
	}
	return false;
}

static void add_node(struct text *t, struct import *m, size_t at)
{
	struct interface *self = &m->items[at];
	char address[ENDPOINT_TEXT_SIZE];
	const char *comma = "";
	uint16_t listen = self->conf ? self->conf->listen_port : 0;
	text_add(t, "  ");
	add_scalar(t, self->node);
	text_add(t, ": {");
	if (self->endpoint.host[0]) {
		struct endpoint endpoint = self->endpoint;
		// A port that is not forwarded to another is told by listen_port alone.
		if (endpoint.port == listen)
			endpoint.port = 0;
		text_add(t, "address: ");
		add_scalar(t, endpoint_format(&endpoint, address));
		comma = ", ";
	}
	if (listen) {
		text_addf(t, "%slisten_port: %u", comma, listen);
		comma = ", ";
	}
	if (has_lans(m, self->node)) {
		text_addf(t, "%ssite: ", comma);
		add_scalar(t, self->node);
	}
	text_add(t, "}\n");
}

static void add_nodes(struct text *t, struct import *m)
{
	text_add(t, "nodes:\n");
	for (size_t i = 0; i < m->n; i++) {
		if (is_first_of_node(m, i))
			add_node(t, m, i);
		else if (m->items[i].conf && m->items[i].conf->listen_port)
			text_addf(&m->notes, "%s: only the first interface's ListenPort is kept\n",
				  m->items[i].node);
	}
}

static void list_lans(struct text *t, const struct import *m, const char *node)
{
	const char *comma = "{lan: [";
	for (size_t i = 0; i < m->n; i++) {
		size_t count = strcmp(m->items[i].node, node) == 0 ? m->items[i].n_lans : 0;
		for (size_t l = 0; l < count; l++) {
			char text[PREFIX_TEXT_SIZE];
			text_addf(t, "%s\"%s\"", comma, prefix_format(&m->items[i].lans[l], text));
			comma = ", ";
		}
	}
	text_add(t, "]}\n");
}

static void add_sites(struct text *t, const struct import *m)
{
	bool is_begun = false;
	for (size_t i = 0; i < m->n; i++) {
		const char *node = m->items[i].node;
		if (!is_first_of_node(m, i) || !has_lans(m, node))
			continue;
		text_add(t, is_begun ? "  " : "sites:\n  ");
		is_begun = true;
		add_scalar(t, node);
		text_add(t, ": ");
		list_lans(t, m, node);
	}
}

static void add_members(struct text *t, const struct import *m, const char *field,
			const bool *marks)
{
	text_addf(t, "    %s: [", field);
	const char *comma = "";
	for (size_t i = 0; i < m->n; i++) {
		if (!marks[i])
			continue;
		text_add(t, comma);
		add_scalar(t, m->items[i].node);
		comma = ", ";
	}
	text_add(t, "]\n");
}

// The edges that the mesh does not have.
static void add_links(struct text *t, const struct import *m, size_t component, const bool *mesh)
{
	const char *before = "    links: [";
	for (size_t a = 0; a < m->n; a++) {
		for (size_t b = a + 1; m->graph.component[a] == component && b < m->n; b++) {
			if (!wg_graph_has(&m->graph, a, b) || (mesh[a] && mesh[b]))
				continue;
			text_addf(t, "%s[", before);
			add_scalar(t, m->items[a].node);
			text_add(t, ", ");
			add_scalar(t, m->items[b].node);
			text_add(t, "]");
			before = ", ";
		}
	}
	if (*before == ',')
		text_add(t, "]\n");
}

// "wg0" if all files of the component are called so, else "imported"; numbered when it was used
// before.
static void add_network_name(struct text *t, const struct import *m, size_t component,
			     unsigned number)
{
	const char *device = NULL;
	bool is_same = true;
	bool is_used = false;
	for (size_t i = 0; i < m->n; i++) {
		if (!m->items[i].conf || m->graph.component[i] != component)
			continue;
		is_same = is_same && m->items[i].device[0] &&
			  (!device || strcmp(device, m->items[i].device) == 0);
		device = m->items[i].device;
	}
	for (size_t i = 0; device && i < component; i++)
		is_used |= strcmp(m->items[i].device, device) == 0;
	text_add(t, is_same && device ? device : "imported");
	if (number > 1 && (!is_same || is_used))
		text_addf(t, "-%u", number);
}

static int add_networks(struct text *t, const struct import *m, struct err *err)
{
	unsigned number = 0;
	for (size_t c = 0; c < m->n; c++) {
		CLEAN(free_ptr) bool *marks = calloc(m->n, sizeof(*marks));
		if (!marks)
			return err_set(err, -ENOMEM, "out of memory");
		bool is_alone = m->graph.component[c] == c;
		for (size_t i = 0; i < m->n; i++)
			is_alone = is_alone && (i == c || m->graph.component[i] != c);
		if (m->graph.component[c] != c || is_alone)
			continue;
		text_add(t, number++ == 0 ? "networks:\n  " : "  ");
		add_network_name(t, m, c, number);
		text_add(t, ":\n");
		size_t hub = wg_graph_hub(&m->graph, c);
		if (hub < m->n) {
			for (size_t i = 0; i < m->n; i++)
				marks[i] = i != hub && m->graph.component[i] == c;
			text_add(t, "    hub: ");
			add_scalar(t, m->items[hub].node);
			text_add(t, "\n");
			add_members(t, m, "spokes", marks);
			continue;
		}
		if (wg_graph_mesh(&m->graph, c, marks) >= 3)
			add_members(t, m, "mesh", marks);
		add_links(t, m, c, marks);
	}
	return 0;
}

static void add_notes(struct text *t, const struct text *notes)
{
	text_add(t, "# Made of wg-quick files by `weft import`. Nodes make keys of their own.\n");
	if (!notes->len)
		return;
	text_add(t, "# Not carried over, or to be looked at:\n");
	for (const char *line = notes->data; *line;) {
		size_t len = strcspn(line, "\n");
		text_add(t, "#   ");
		text_add_bytes(t, line, len);
		text_add(t, "\n");
		line += len + (line[len] == '\n');
	}
}

int wg_import(const struct wg_import_file *files, size_t n, struct text *ret, struct err *err)
{
	CLEAN(import_done) struct import m = { 0 };
	CLEAN(text_free) struct text body = { 0 };
	int r = add_files(&m, files, n, err);
	if (!r)
		r = add_unknown_peers(&m, n, err);
	if (!r)
		r = wg_graph_init(&m.graph, m.n, err);
	if (r)
		return r;
	connect_all(&m, n);
	add_lans(&m, n);
	for (size_t i = 0; i < n; i++)
		note_interface(&m, &m.items[i]);
	add_nodes(&body, &m);
	add_sites(&body, &m);
	r = add_networks(&body, &m, err);
	if (r)
		return r;
	if (body.failed || m.notes.failed)
		return err_set(err, -ENOMEM, "out of memory");
	add_notes(ret, &m.notes);
	text_add(ret, body.data);
	return ret->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}
