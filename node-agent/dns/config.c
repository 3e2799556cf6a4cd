#include "dns/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "dns/config_rules.h"

#define FILE_LIMIT (64u << 20)
#define CLIENTS    "127.0.0.0/8 ::1/128"

#define AT(field) offsetof(struct dns_settings, field)
static const struct setting dns_settings[] = {
	{ "listen", SETTING_STRING_LIST, AT(listen), .help = "addresses that are answered at" },
	{ "port", SETTING_U32, AT(port), 1, 65535, 53, .help = "for those without one" },
	{ "control", SETTING_PATH, AT(control), .help = "socket that questions about it come by" },
	{ "user", SETTING_STRING, AT(user), .text = "nobody", .help = "whom it becomes" },
	{ "clients", SETTING_STRING_LIST, AT(clients), .text = CLIENTS,
	  .help = "prefixes whose questions are answered" },
	{ "upstreams", SETTING_STRING_LIST, AT(upstreams), .help = "resolvers that are asked" },
	{ "log", SETTING_CHOICE, AT(log), .text = "off", .choices = "off|blocked|all",
	  .help = "which questions are kept in memory" },
	{ "log_rows", SETTING_U32, AT(log_rows), 16, 100000, 4096, .help = "how many of them" },
	{ "rate", SETTING_U32, AT(rate), 0, 1000000, 0, .help = "questions a second of a client" },
	{ "stale", SETTING_DURATION_MS, AT(stale_ms), 0, 7 * 86400000, 0,
	  .help = "how long an old answer may be told when no new one can be had" },
	{ "cache_kb", SETTING_U32, AT(cache_kb), 64, 4194304, 16384,
	  .help = "kilobytes of answers" },
	{ "doh", SETTING_CHOICE, AT(doh), .text = "allow", .choices = "allow|block",
	  .help = "whether clients find resolvers of their own over HTTPS" },
	{ "sets", SETTING_PATH, AT(sets), .help = "socket of weft-sets, for what is learned" },
	{ "grace", SETTING_DURATION_MS, AT(grace_ms), 2000, 3600000, 60000,
	  .help = "how long an address stays learned beyond its time" },
	{ "mark", SETTING_U32, AT(mark), 0, UINT32_MAX, 0,
	  .help = "of the packets of questions that no policy has a way for" },
	{ "tls_ca", SETTING_PATH, AT(tls_ca), .help = "authorities of upstreams' certificates" },
	{ 0 },
};

static int parse_listen(struct dns_config *config, struct err *err)
{
	const struct setting_list *list = &config->settings.listen;
	config->listen = calloc(list->len + 1, sizeof(*config->listen));
	if (!config->listen)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < list->len; i++) {
		struct endpoint *at = &config->listen[i];
		if (endpoint_parse(list->items[i], at, err) < 0)
			return err_prefix(err, "listen");
		if (!at->is_address)
			return err_set(err, -EINVAL, "listen: %.100s is no address",
				       list->items[i]);
		if (at->port == 0)
			at->port = (uint16_t)config->settings.port;
	}
	config->n_listen = list->len;
	if (list->len == 0)
		return err_set(err, -EINVAL, "listen: it needs an address to answer at");
	return 0;
}

static int parse_settings(struct dns_config *config, const json_t *flat, struct err *err)
{
	const struct dns_settings *settings = &config->settings;
	int r = settings_parse(dns_settings, flat, &config->settings, err);
	if (r == 0)
		r = parse_listen(config, err);
	if (r == 0 && dns_prefixes_parse(&config->rules.clients, &settings->clients, err) < 0)
		r = err_prefix(err, "clients");
	if (r == 0 && dns_group_parse(&config->rules.upstreams, &settings->upstreams, err) < 0)
		r = err_prefix(err, "upstreams");
	if (r == 0)
		config->rules.mark = settings->mark;
	if (r == 0)
		config->rules.blocks_doh = strcmp(settings->doh, "block") == 0;
	return r;
}

static int parse(struct dns_config *config, const json_t *file, struct err *err)
{
	static const struct {
		const char *name;
		int (*parse)(struct dns_config *config, const json_t *list, struct err *err);
	} lists[] = {
		{ "zones", dns_config_zones },   { "forwards", dns_config_forwards },
		{ "blocks", dns_config_blocks }, { "policies", dns_config_policies },
		{ "views", dns_config_views },
	};
	json_auto_t *flat = json_copy((json_t *)file);
	if (!json_is_object(file) || !flat)
		return err_set(err, -EINVAL, "the file must be a mapping of settings");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		(void)json_object_del(flat, lists[i].name);
	int r = parse_settings(config, flat, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++) {
		const json_t *list = json_object_get(file, lists[i].name);
		if (list && !json_is_array(list))
			r = err_set(err, -EINVAL, "%s: it must be a list", lists[i].name);
		else if (list && lists[i].parse(config, list, err) < 0)
			r = err_prefix(err, "%s", lists[i].name);
	}
	return r;
}

struct dns_config *dns_config_parse(const char *text, size_t len, struct err *err)
{
	json_error_t error;
	json_auto_t *file = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!file) {
		(void)err_set(err, -EINVAL, "line %d: %s", error.line, error.text);
		return NULL;
	}
	CLEAN(dns_config_free_ptr) struct dns_config *config = calloc(1, sizeof(*config));
	if (config)
		config->zones = dns_zones_new();
	if (!config || !config->zones) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return parse(config, file, err) < 0 ? NULL : take_ptr(&config);
}

struct dns_config *dns_config_read(const char *path, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	size_t len;
	if (file_read(path, FILE_LIMIT, &text, &len, err) < 0)
		return NULL;
	struct dns_config *config = dns_config_parse(text, len, err);
	if (!config)
		(void)err_prefix(err, "%s", path);
	return config;
}

void dns_config_free(struct dns_config *config)
{
	if (!config)
		return;
	settings_done(dns_settings, &config->settings);
	free(config->listen);
	dns_rules_done(&config->rules);
	dns_zones_free(config->zones);
	free(config);
}
