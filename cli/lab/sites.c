#include "sites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

struct address lab_address(unsigned index, unsigned moves)
{
	return (struct address){ .family = 4,
				 .bytes = { 198, 18, (uint8_t)index, (uint8_t)(2 + moves) } };
}

struct address lab_address6(unsigned index, unsigned moves)
{
	struct address a = { .family = 6, .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };
	a.bytes[5] = (uint8_t)index;
	a.bytes[15] = (uint8_t)(2 + moves);
	return a;
}

static int plan_address(struct lab_node *node, const json_t *spec, struct err *err)
{
	node->address = lab_address(node->index, 0);
	node->address6 = lab_address6(node->index, 0);
	const char *text = json_string_value(json_object_get(spec, "address"));
	if (!text)
		return 0;
	struct endpoint endpoint;
	if (endpoint_parse(text, &endpoint, err) < 0)
		return err_prefix(err, "nodes.%s.address", node->name);
	if (node->is_nat)
		return err_set(err, -EINVAL,
			       "nodes.%s.address: a node behind a NAT has no address of its own",
			       node->name);
	if (!endpoint.is_address)
		memcpy(node->host, endpoint.host, sizeof(node->host));
	else if (endpoint.address.family == 4)
		node->address = endpoint.address;
	else
		node->address6 = endpoint.address;
	return 0;
}

static int plan_lan(struct lab_node *node, const json_t *lan, struct err *err)
{
	size_t at;
	const json_t *item;
	json_array_foreach(lan, at, item)
	{
		if (node->n_lan == LAB_LANS_MAX)
			return err_set(err, -E2BIG, "the lab gives a site at most %d LAN prefixes",
				       LAB_LANS_MAX);
		if (!json_is_string(item) ||
		    prefix_parse(json_string_value(item), &node->lan[node->n_lan], err) < 0)
			return err_set(err, -EINVAL, "the site of %s: lan[%zu] is no prefix",
				       node->name, at);
		node->n_lan++;
	}
	return 0;
}

// The site's name as the node's spec refers to it: itself, unless `site:` says otherwise.
static const char *site_of(const char *node, const json_t *spec)
{
	const char *site = json_string_value(json_object_get(spec, "site"));
	const char *bare = NULL;
	if (!site)
		return node;
	return text_starts(site, "site/", &bare) ? bare : site;
}

static bool is_listed(const char *name, const char *const *list)
{
	for (; list && *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lab_node *)a)->name, ((const struct lab_node *)b)->name);
}

static int plan_node(struct lab_node *node, const json_t *resources, json_t *taken, struct err *err)
{
	const json_t *spec = json_object_get(json_object_get(resources, "nodes"), node->name);
	const char *site = site_of(node->name, spec);
	int r = plan_address(node, spec, err);
	const json_t *sites = json_object_get(resources, "sites");
	// A prefix lies behind one box only: the first of the site's nodes.
	if (!r && !json_object_get(taken, site)) {
		(void)json_object_set_new(taken, site, json_true());
		r = plan_lan(node, json_object_get(json_object_get(sites, site), "lan"), err);
	}
	return r;
}

int lab_sites_plan(const json_t *resources, const char *const *nat, struct lab_sites *ret_sites,
		   struct err *err)
{
	json_t *nodes = json_object_get(resources, "nodes");
	size_t n = json_object_size(nodes);
	if (n == 0 || n > LAB_NODES_MAX)
		return err_set(err, -EINVAL,
			       "the lab rehearses 1 to %d nodes, and the file has %zu",
			       LAB_NODES_MAX, n);
	for (const char *const *name = nat; name && *name; name++) {
		if (!json_object_get(nodes, *name))
			return err_set(err, -EINVAL, "--nat %s: the file has no such node", *name);
	}
	struct lab_sites sites = { .nodes = calloc(n, sizeof(*sites.nodes)) };
	if (!sites.nodes)
		return err_set(err, -ENOMEM, "out of memory");
	const char *name;
	json_t *spec;
	int r = 0;
	json_object_foreach(nodes, name, spec)
	{
		if (!r && name_check(name, err) < 0)
			r = err_prefix(err, "nodes.%s", name);
		(void)snprintf(sites.nodes[sites.n_nodes].name, NAME_MAX_LEN + 1, "%s", name);
		sites.nodes[sites.n_nodes++].is_nat = is_listed(name, nat);
	}
	qsort(sites.nodes, n, sizeof(*sites.nodes), by_name);
	json_auto_t *taken = json_object();
	for (size_t i = 0; i < n && !r; i++) {
		sites.nodes[i].index = (unsigned)i + 1;
		r = plan_node(&sites.nodes[i], resources, taken, err);
	}
	if (r)
		lab_sites_done(&sites);
	else
		*ret_sites = sites;
	return r;
}

void lab_sites_done(struct lab_sites *sites)
{
	free(sites->nodes);
	*sites = (struct lab_sites){ 0 };
}

const struct lab_node *lab_sites_find(const struct lab_sites *sites, const char *name)
{
	for (size_t i = 0; i < sites->n_nodes; i++) {
		if (strcmp(sites->nodes[i].name, name) == 0)
			return &sites->nodes[i];
	}
	return NULL;
}

int lab_sites_link(const struct lab_sites *sites, const char *link, const struct lab_node **ret_a,
		   const struct lab_node **ret_b, struct err *err)
{
	for (size_t i = 0; i < sites->n_nodes; i++) {
		for (size_t j = 0; j < sites->n_nodes; j++) {
			const char *a = sites->nodes[i].name;
			const char *b = sites->nodes[j].name;
			CLEAN(free_ptr) char *dashed = text_format("%s-%s", a, b);
			CLEAN(free_ptr) char *dotted = text_format(".%s.%s", a, b);
			if (i == j || !dashed || !dotted)
				continue;
			size_t tail = strlen(dotted);
			size_t len = strlen(link);
			bool is_dotted = strcmp(link, dotted + 1) == 0 ||
					 (len > tail && strcmp(link + len - tail, dotted) == 0);
			if (!is_dotted && strcmp(link, dashed) != 0)
				continue;
			*ret_a = &sites->nodes[i];
			*ret_b = &sites->nodes[j];
			return 0;
		}
	}
	return err_set(err, -ENOENT, "%s names no link: write it as NODE-NODE or NETWORK.NODE.NODE",
		       link);
}
