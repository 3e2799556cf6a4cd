#include "proxy/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/file.h"
#include "settings/settings.h"

#define FILE_LIMIT (64u << 20)

enum { MINUTE_MS = 60000 };

#define AT(field) offsetof(struct proxy_settings, field)
static const struct setting proxy_settings[] = {
	{ "control", SETTING_PATH, AT(control), .help = "socket that questions about it come by" },
	{ "user", SETTING_STRING, AT(user), .text = "nobody", .help = "whom it becomes" },
	{ "port", SETTING_U32, AT(port), 1, 65535, 22380, .help = "that flows are led to" },
	{ "workers", SETTING_U32, AT(workers), 0, 64, 0, .help = "threads, 0: one a processor" },
	{ "dns", SETTING_PATH, AT(dns), .help = "control socket of weft-dns" },
	{ "sets", SETTING_PATH, AT(sets), .help = "socket of the set-writer" },
	{ "idle", SETTING_DURATION_MS, AT(idle_ms), 1000, 1440 * MINUTE_MS, 60 * MINUTE_MS,
	  .help = "how long a connection may be silent" },
	{ "connect", SETTING_DURATION_MS, AT(connect_ms), 100, 10 * MINUTE_MS, 10000,
	  .help = "how long a server may take to answer" },
	{ "connections", SETTING_U32, AT(connections), 1, 1000000, 100000,
	  .help = "how many at a time" },
	{ "drain", SETTING_DURATION_MS, AT(drain_ms), 0, 1440 * MINUTE_MS, 10 * MINUTE_MS,
	  .help = "how long connections go on after another process has taken over" },
	{ 0 },
};

static int parse(struct proxy_config *config, const json_t *file, struct err *err)
{
	const json_t *policies = json_object_get(file, "policies");
	json_auto_t *flat = json_copy((json_t *)(uintptr_t)file);
	if (!json_is_object(file) || !flat)
		return err_set(err, -EINVAL, "the file must be a mapping of settings");
	if (policies && !json_is_array(policies))
		return err_set(err, -EINVAL, "policies: it must be a list");
	(void)json_object_del(flat, "policies");
	int r = settings_parse(proxy_settings, flat, &config->settings, err);
	if (r < 0)
		return r;
	config->decide = decide_new(policies, err);
	return config->decide ? 0 : -EINVAL;
}

struct proxy_config *proxy_config_parse(const char *text, size_t len, struct err *err)
{
	json_error_t error;
	json_auto_t *file = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!file) {
		(void)err_set(err, -EINVAL, "line %d: %s", error.line, error.text);
		return NULL;
	}
	CLEAN(proxy_config_release_ptr) struct proxy_config *config = calloc(1, sizeof(*config));
	if (!config) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	atomic_init(&config->references, 1);
	return parse(config, file, err) < 0 ? NULL : take_ptr(&config);
}

struct proxy_config *proxy_config_read(const char *path, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	size_t len;
	if (file_read(path, FILE_LIMIT, &text, &len, err) < 0)
		return NULL;
	struct proxy_config *config = proxy_config_parse(text, len, err);
	if (!config)
		(void)err_prefix(err, "%s", path);
	return config;
}

struct proxy_config *proxy_config_keep(struct proxy_config *config)
{
	atomic_fetch_add(&config->references, 1);
	return config;
}

void proxy_config_release(struct proxy_config *config)
{
	if (!config || atomic_fetch_sub(&config->references, 1) > 1)
		return;
	settings_done(proxy_settings, &config->settings);
	decide_free(config->decide);
	free(config);
}
