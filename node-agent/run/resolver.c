#include "run/resolver.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include "run/companion.h"
#include "run/policies_config.h"
#include "run/resolver_config.h"
#include "run/resolver_counts.h"
#include "run/resolver_host.h"
#include "run/resolver_lists.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

#define CONFIG "config.json"
#define USER   "nobody" // whom weft-dns and weft-proxy become

enum { FILE_MODE = 0644, DIR_MODE = 0755 };

struct resolver {
	struct agent *agent;
	struct resolver_lists *lists;
	struct companion *dns, *sets;
	struct resolver_host *host; // leads the host's own questions here
	char *config;               // path
	json_t *wanted;             // NULL: no weft-dns
	char *name, *written;       // the resolver's name, the file as it was written last
};

// ---- what is wanted ----

static void on_lists_changed(void *context)
{
	struct resolver *resolver = context;
	companion_reload(resolver->dns);
	splitter_reload(resolver->agent->splitter);
	apply_soon(resolver->agent);
}

struct gathering {
	struct resolver *resolver;
	json_t *gathered;
	struct resolver_places places;
};

static void gather_list(void *context, const char *kind, const char *name, const json_t *body)
{
	struct gathering *g = context;
	if (strcmp(kind, "names") == 0)
		resolver_lists_want(g->resolver->lists, name, body);
	else if (strcmp(kind, "dns") == 0)
		resolver_host_want(g->resolver->host, body);
}

static void gather_image(void *context, const char *name)
{
	struct gathering *g = context;
	resolver_config_image(g->gathered, name);
}

static void gather(void *context, const char *kind, const char *name, const json_t *body)
{
	struct gathering *g = context;
	resolver_config_add(g->gathered, &g->places, kind, name, body);
}

static void write_file(struct resolver *resolver)
{
	struct err err = { 0 };
	CLEAN(free_ptr)
	char *text = json_dumps(resolver->wanted, JSON_SORT_KEYS | JSON_INDENT(1));
	if (!text || (resolver->written && strcmp(text, resolver->written) == 0))
		return;
	if (file_replace(resolver->config, text, strlen(text), FILE_MODE, &err) < 0) {
		companion_fail(resolver->dns, err.text);
		return;
	}
	companion_reload(resolver->dns);
	free(resolver->written);
	resolver->written = take_ptr(&text);
}

static void end_wanted(struct resolver *resolver)
{
	struct err err = { 0 };
	json_decref(resolver->wanted);
	resolver->wanted = NULL;
	free(resolver->written);
	free(resolver->name);
	resolver->written = resolver->name = NULL;
	if (resolver_remove(resolver->agent->settings, &err) < 0)
		log_warn("weft-dns: %s", err.text);
}

static void add_policies(struct resolver *resolver, json_t *file)
{
	CLEAN(json_decref_ptr) json_t *policies = policies_config(resolver->agent);
	bool are_named = policies_have_lists(policies);
	// It is there until weft-dns no longer waits for it.
	const json_t *status = companion_status(resolver->dns);
	companion_want(resolver->sets, are_named || json_object_get(status, "sets"));
	if (!are_named)
		return;
	(void)json_object_set(file, "policies", policies);
	(void)json_object_set_new(file, "views", policies_views(resolver->agent));
	(void)json_object_set_new(file, "sets", json_string(companion_socket(resolver->sets)));
}

static void make_dir(struct resolver *resolver)
{
	const char *dir = resolver->agent->settings->dns_dir;
	struct err err = { 0 };
	if (file_make_dirs(dir, DIR_MODE, &err) < 0)
		companion_fail(resolver->dns, err.text);
	(void)chmod(dir, DIR_MODE);
}

static void end(struct resolver *resolver)
{
	resolver_host_want(resolver->host, NULL);
	companion_want(resolver->dns, false);
	companion_want(resolver->sets, false);
	if (resolver->wanted || access(resolver->config, F_OK) == 0)
		end_wanted(resolver);
	resolver_lists_begin(resolver->lists);
	resolver_lists_end(resolver->lists);
}

void resolver_update(struct resolver *resolver)
{
	const struct reconcile *reconcile = resolver->agent->reconcile;
	struct gathering g = { resolver,
			       resolver_config_begin(),
			       { companion_socket(resolver->dns),
				 resolver->agent->settings->dns_dir } };
	CLEAN(json_decref_ptr) json_t *owned = g.gathered;
	if (!desired_is_known(resolver->agent->desired))
		return;
	reconcile_each_resolver(reconcile, gather, &g);
	if (!json_is_string(json_object_get(owned, "dns"))) {
		end(resolver);
		return;
	}
	make_dir(resolver);
	resolver_lists_begin(resolver->lists);
	reconcile_each_resolver(reconcile, gather_list, &g);
	resolver_lists_end(resolver->lists);
	// Once more, now that it is known which lists there are.
	json_decref(owned);
	owned = g.gathered = resolver_config_begin();
	resolver_lists_each(resolver->lists, gather_image, &g);
	reconcile_each_resolver(reconcile, gather, &g);
	json_decref(resolver->wanted);
	resolver->wanted = json_incref(json_object_get(owned, "file"));
	free(resolver->name);
	resolver->name = strdup(json_string_value(json_object_get(owned, "dns")));
	add_policies(resolver, resolver->wanted);
	write_file(resolver);
	companion_want(resolver->dns, true);
}

// ---- telling ----

static json_t *body_of(const struct resolver *resolver)
{
	CLEAN(json_decref_ptr) json_t *ways = policies_ways(resolver->agent);
	json_t *body = json_pack("{s:o, s:o*}", "upstreams",
				 resolver_counts_upstreams(companion_status(resolver->dns), ways),
				 "host", resolver_host_state(resolver->host));
	if (!body)
		return NULL;
	companion_describe(resolver->dns, body);
	if (companion_is_wanted(resolver->sets))
		(void)json_object_set_new(body, "sets",
					  json_string(companion_state(resolver->sets)));
	return body;
}

void resolver_observe(const struct resolver *resolver, struct entry_set *observed)
{
	if (!resolver->wanted)
		return;
	CLEAN(json_decref_ptr) json_t *body = body_of(resolver);
	CLEAN(free_ptr) char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	CLEAN(free_ptr) char *key = text_format("dns/%s", resolver->name);
	if (key && text)
		(void)entry_set_put(observed, key, text, strlen(text), NULL);
	resolver_lists_observe(resolver->lists, observed);
}

void resolver_sample(const struct resolver *resolver, json_t *values)
{
	const json_t *status = companion_status(resolver->dns);
	if (status)
		resolver_counts_add(values, resolver->name, status);
}

json_t *resolver_status(const struct resolver *resolver)
{
	json_t *list = json_array();
	json_t *one = resolver && resolver->wanted ? body_of(resolver) : NULL;
	if (!one)
		return list;
	(void)json_object_set_new(one, "resolver", json_string(resolver->name));
	if (companion_status(resolver->dns))
		(void)json_object_set(one, "counts",
				      json_object_get(companion_status(resolver->dns), "counts"));
	(void)json_array_append_new(list, one);
	return list;
}

bool resolver_runs(const struct resolver *resolver)
{
	return resolver->wanted != NULL;
}

struct service_question *resolver_ask(const struct resolver *resolver, const char *what,
				      const json_t *args, service_answer_fn done, void *context)
{
	json_t *question = json_object();
	const char *field;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)args, field, value)(void)
		json_object_set(question, field, value);
	(void)json_object_set_new(question, "do", json_string(what));
	return companion_ask(resolver->dns, question, done, context);
}

// ---- beginning and end ----

static void free_parts(struct resolver *resolver)
{
	companion_close(resolver->dns);
	companion_close(resolver->sets);
	resolver_lists_free(resolver->lists);
	resolver_host_close(resolver->host);
	json_decref(resolver->wanted);
	free(resolver->config);
	free(resolver->name);
	free(resolver->written);
	free(resolver);
}

static void on_host_changed(void *context)
{
	const struct resolver *resolver = context;
	apply_soon(resolver->agent);
}

struct resolver *resolver_new(struct agent *agent)
{
	struct resolver *resolver = calloc(1, sizeof *resolver);
	if (!resolver)
		return NULL;
	resolver->agent = agent;
	resolver->config = text_format("%s/" CONFIG, agent->settings->dns_dir);
	resolver->dns = companion_new(agent, &companion_dns, resolver->config, NULL);
	resolver->sets = companion_new(agent, &companion_sets, NULL, USER);
	resolver->lists = resolver_lists_new(agent, on_lists_changed, resolver);
	CLEAN(free_ptr) char *note = agent_run_path(agent->settings, "resolver-host");
	if (note)
		resolver->host = resolver_host_new(agent->loop, agent->kernel, note,
						   on_host_changed, resolver);
	if (resolver->config && resolver->dns && resolver->sets && resolver->lists &&
	    resolver->host)
		return resolver;
	free_parts(resolver);
	return NULL;
}

void resolver_close(struct resolver *resolver)
{
	if (resolver)
		free_parts(resolver);
}

int resolver_remove(const struct agent_settings *settings, struct err *err)
{
	companion_end(settings, &companion_proxy);
	companion_end(settings, &companion_dns);
	companion_end(settings, &companion_sets);
	DIR *dir = opendir(settings->dns_dir);
	for (const struct dirent *one; dir && (one = readdir(dir));) {
		CLEAN(free_ptr) char *path = text_format("%s/%s", settings->dns_dir, one->d_name);
		if (one->d_name[0] != '.' && path)
			(void)unlink(path);
	}
	if (dir)
		(void)closedir(dir);
	// As a service it may not delete the directory itself; the package does.
	if (rmdir(settings->dns_dir) < 0 && errno == ENOTEMPTY)
		return err_set(err, -errno, "cannot delete %s: %s", settings->dns_dir,
			       strerror(errno));
	return 0;
}
