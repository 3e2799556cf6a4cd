#include "rest/metrics_labels.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void labels_add(struct labels *labels, const char *name, const char *value, size_t len)
{
	char escaped[LABELS_SIZE];
	size_t n = 0;
	for (size_t i = 0; i < len && n + 2 < sizeof(escaped); i++) {
		if (value[i] == '\\' || value[i] == '"' || value[i] == '\n')
			escaped[n++] = '\\';
		escaped[n++] = (char)(value[i] == '\n' ? 'n' : value[i]);
	}
	escaped[n] = '\0';
	if (labels->used + strlen(name) + n + 5 > sizeof(labels->text))
		return;
	labels->used +=
		(size_t)snprintf(labels->text + labels->used, sizeof(labels->text) - labels->used,
				 "%s%s=\"%s\"", labels->used ? "," : "", name, escaped);
}

struct labels labels_of_node(const struct subject *node)
{
	struct labels labels = { 0 };
	labels_add(&labels, "node", node->name, strlen(node->name));
	if (node->site)
		labels_add(&labels, "site", node->site, strlen(node->site));
	return labels;
}

struct labels labels_with(const struct subject *node, const char *label, const char *value)
{
	struct labels labels = labels_of_node(node);
	labels_add(&labels, label, value, strlen(value));
	return labels;
}

struct labels labels_of(const struct subject *node, const char *key)
{
	struct labels labels = labels_of_node(node);
	const char *slash = strchr(key, '/');
	const char *second = slash ? strchr(slash + 1, '/') : NULL;
	bool is_network = text_starts(key, "peer/", NULL) || text_starts(key, "link/", NULL) ||
			  text_starts(key, "wireguard/", NULL);
	const char *prefix;
	if (!slash || strcmp(key, "node/self") == 0 || strcmp(key, "guard/counters") == 0 ||
	    strcmp(key, "splitter/weft") == 0)
		return labels;
	if (text_starts(key, "outside/", &prefix)) {
		labels_add(&labels, "prefix", prefix, strlen(prefix));
		return labels;
	}
	size_t len = second ? (size_t)(second - slash - 1) : strlen(slash + 1);
	const bool is_external = !second && text_starts(key, "link/", NULL);
	labels_add(&labels,
		   is_external  ? "link"
		   : is_network ? "network"
				: "segment",
		   slash + 1, len);
	if (!second)
		return labels;
	labels_add(&labels, "peer", second + 1, strlen(second + 1));
	const char *peer_site = is_network && node->sites ? map_get(node->sites, second + 1) : NULL;
	if (peer_site)
		labels_add(&labels, "peer_site", peer_site, strlen(peer_site));
	return labels;
}

struct map *labels_sites(const json_t *nodes)
{
	struct map *sites = map_new(NULL);
	size_t i;
	json_t *node;
	json_array_foreach((json_t *)(uintptr_t)nodes, i, node)
	{
		const char *name = json_string_value(json_object_get(node, "name"));
		const char *site = json_string_value(json_object_get(node, "site"));
		if (sites && name && site)
			(void)map_set(sites, name, (void *)(uintptr_t)site);
	}
	return sites;
}
