#include "run/splitter.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "decide/decide.h"
#include "run/companion.h"
#include "run/policies_config.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

// Beside weft-dns' file: both read the same lists.
#define CONFIG "proxy.json"
#define KEY    "splitter/weft"

enum { FILE_MODE = 0644, FILE_MAX = 64 << 20 };

struct splitter {
	struct agent *agent;
	struct companion *proxy;
	char *config;  // path
	char *written; // the file as it was written last
	uint32_t mask; // of the marks in it, once it was written
};

static uint32_t mask_of(const json_t *file)
{
	return decide_mask_of(json_array_get(json_object_get(file, "policies"), 0));
}

// What it carries has marks that mean something else from now on, and so have its sockets: it
// begins anew. The file may be that of an agent before this one.
static bool has_other_marks(const struct splitter *splitter, uint32_t mask)
{
	CLEAN(free_ptr) char *text = NULL;
	size_t len;
	if (splitter->written)
		return splitter->mask != mask;
	if (file_read(splitter->config, FILE_MAX, &text, &len, NULL) < 0)
		return false;
	CLEAN(json_decref_ptr) json_t *before = json_loadb(text, len, 0, NULL);
	return before && mask_of(before) != mask;
}

static void write_file(struct splitter *splitter, const json_t *file)
{
	CLEAN(free_ptr) char *text = json_dumps(file, JSON_SORT_KEYS | JSON_INDENT(1));
	const uint32_t mask = mask_of(file);
	struct err err = { 0 };
	if (!text || (splitter->written && strcmp(text, splitter->written) == 0))
		return;
	if (has_other_marks(splitter, mask))
		companion_want(splitter->proxy, false);
	if (file_replace(splitter->config, text, strlen(text), FILE_MODE, &err) < 0) {
		companion_fail(splitter->proxy, err.text);
		return;
	}
	companion_reload(splitter->proxy);
	free(splitter->written);
	splitter->written = take_ptr(&text);
	splitter->mask = mask;
}

static void end(struct splitter *splitter)
{
	companion_want(splitter->proxy, false);
	free(splitter->written);
	splitter->written = NULL;
	(void)unlink(splitter->config);
}

void splitter_update(struct splitter *splitter)
{
	const struct agent *agent = splitter->agent;
	const struct entry_set *desired = desired_entries(agent->desired);
	size_t len;
	if (!desired_is_known(agent->desired))
		return;
	const char *text = entry_set_get(desired, KEY, &len);
	CLEAN(json_decref_ptr) json_t *body = text ? json_loadb(text, len, 0, NULL) : NULL;
	if (!body || !resolver_runs(agent->resolver)) {
		end(splitter);
		return;
	}
	CLEAN(free_ptr) char *dns = agent_run_path(agent->settings, companion_dns.socket);
	CLEAN(free_ptr) char *sets = agent_run_path(agent->settings, companion_sets.socket);
	CLEAN(json_decref_ptr)
	json_t *file =
		json_pack("{s:s, s:O, s:s, s:s, s:o}", "control", companion_socket(splitter->proxy),
			  "port", json_object_get(body, "port"), "dns", dns, "sets", sets,
			  "policies", policies_config(agent));
	if (file)
		write_file(splitter, file);
	companion_want(splitter->proxy, file != NULL);
}

void splitter_reload(struct splitter *splitter)
{
	companion_reload(splitter->proxy);
}

// ---- telling ----

static json_t *body_of(const struct splitter *splitter)
{
	json_t *body = json_object();
	if (body)
		companion_describe(splitter->proxy, body);
	return body;
}

void splitter_observe(const struct splitter *splitter, struct entry_set *observed)
{
	if (!companion_is_wanted(splitter->proxy))
		return;
	CLEAN(json_decref_ptr) json_t *body = body_of(splitter);
	CLEAN(free_ptr) char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (text)
		(void)entry_set_put(observed, KEY, text, strlen(text), NULL);
}

// What is so now, and not since it was started.
static bool is_level(const char *count)
{
	return strcmp(count, "active") == 0 || strcmp(count, "quic_active") == 0;
}

void splitter_sample(const struct splitter *splitter, json_t *values)
{
	const json_t *counts = json_object_get(companion_status(splitter->proxy), "counts");
	json_t *sample = counts ? json_object() : NULL, *value;
	const char *field;
	json_object_foreach((json_t *)(uintptr_t)counts, field, value)
	{
		CLEAN(free_ptr)
		char *name = text_format("%s%s", field, is_level(field) ? "" : "_total");
		if (name)
			(void)json_object_set(sample, name, value);
	}
	if (sample)
		(void)json_object_set_new(values, KEY, sample);
}

json_t *splitter_status(const struct splitter *splitter)
{
	const json_t *status = splitter ? companion_status(splitter->proxy) : NULL;
	json_t *list = json_array();
	if (!splitter || !companion_is_wanted(splitter->proxy))
		return list;
	json_t *one = body_of(splitter);
	if (status)
		(void)json_object_set(one, "counts", json_object_get(status, "counts"));
	(void)json_array_append_new(list, one);
	return list;
}

// ---- beginning and end ----

static void free_parts(struct splitter *splitter)
{
	companion_close(splitter->proxy);
	free(splitter->config);
	free(splitter->written);
	free(splitter);
}

struct splitter *splitter_new(struct agent *agent)
{
	struct splitter *splitter = calloc(1, sizeof *splitter);
	if (!splitter)
		return NULL;
	splitter->agent = agent;
	splitter->config = text_format("%s/" CONFIG, agent->settings->dns_dir);
	splitter->proxy = companion_new(agent, &companion_proxy, splitter->config, NULL);
	if (splitter->config && splitter->proxy)
		return splitter;
	free_parts(splitter);
	return NULL;
}

void splitter_close(struct splitter *splitter)
{
	if (splitter)
		free_parts(splitter);
}
