#include "run/resolver.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"

#include "run/resolver_config.h"
#include "run/resolver_lists.h"
#include "run/state.h"
#include "service/service.h"

CLEAN_FUNC(json_t, json_decref)

#define UNIT   "weft-dns.service"
#define CONFIG "config.json"
#define SOCKET "dns.sock"

enum { TICK_MS = 400, START_GAP_MS = 1000, PATIENCE_MS = 10000, FILE_MODE = 0644, DIR_MODE = 0755 };

struct resolver {
	struct agent *agent;
	uv_timer_t timer;
	struct resolver_lists *lists;
	struct service_question *talk; // asks for its status
	char *config, *control;        // paths
	json_t *wanted;                // NULL: no weft-dns
	char *name, *written;          // the resolver's name, the file as it was written last
	json_t *status;                // what it told last
	bool must_reload;
	char error[ERR_TEXT_SIZE];     // why it does not run, or not as wanted
	int64_t since_ms;              // since 1970: of its state
	int64_t started_ms, silent_ms; // clock_mono_ms: when it was started last; 0: it answers
	const char *state;
};

static void set_state(struct resolver *resolver, const char *state)
{
	if (resolver->state == state)
		return;
	resolver->state = state;
	resolver->since_ms = clock_wall_ms();
	apply_soon(resolver->agent);
}

// ---- the process ----

static void free_process(uv_handle_t *handle)
{
	free(handle);
}

static void on_end(uv_process_t *process, int64_t status, int signal_number)
{
	(void)status;
	(void)signal_number;
	uv_close((uv_handle_t *)process, free_process);
}

// Starts a program that outlives the agent.
static int spawn(struct resolver *resolver, const char *const *argv)
{
	uv_stdio_container_t files[] = { { .flags = UV_IGNORE },
					 { .flags = UV_IGNORE },
					 { .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO } };
	const uv_process_options_t options = { .exit_cb = on_end,
					       .file = argv[0],
					       .args = (char **)(uintptr_t)argv,
					       .flags = UV_PROCESS_DETACHED,
					       .stdio_count = ARRAY_LEN(files),
					       .stdio = files };
	uv_process_t *process = calloc(1, sizeof *process);
	if (!process)
		return -ENOMEM;
	int r = uv_spawn(resolver->agent->loop, process, &options);
	if (r < 0)
		uv_close((uv_handle_t *)process, free_process);
	else
		uv_unref((uv_handle_t *)process);
	return r;
}

static void start(struct resolver *resolver, int64_t now)
{
	char program[PATH_MAX];
	const char *const own[] = { program, "run", resolver->config, NULL };
	const char *const unit[] = { "systemctl", "restart", UNIT, NULL };
	if (resolver->started_ms && now - resolver->started_ms < START_GAP_MS)
		return;
	resolver->started_ms = now;
	program_beside("weft-dns", program, sizeof program);
	int r = spawn(resolver, program_is_service() ? unit : own);
	if (r < 0)
		(void)snprintf(resolver->error, sizeof resolver->error, "%s cannot be started: %s",
			       program, uv_strerror(r));
}

static void take_status(struct resolver *resolver, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_decref(resolver->status);
	resolver->status = json_deep_copy(answer);
	resolver->silent_ms = 0;
	(void)snprintf(resolver->error, sizeof resolver->error, "%s", error ? error : "");
	set_state(resolver, "running");
}

static void take_silence(struct resolver *resolver, const char *why, int64_t now)
{
	if (!resolver->silent_ms)
		resolver->silent_ms = now;
	json_decref(resolver->status);
	resolver->status = NULL;
	bool is_late = now - resolver->silent_ms > PATIENCE_MS;
	if (is_late && !resolver->error[0])
		(void)snprintf(resolver->error, sizeof resolver->error, "%s", why);
	set_state(resolver, is_late ? "failing" : "starting");
	start(resolver, now);
}

static void on_status(void *context, const json_t *answer, const char *why)
{
	struct resolver *resolver = context;
	resolver->talk = NULL;
	if (!resolver->wanted)
		return;
	if (json_object_get(answer, "state"))
		take_status(resolver, answer);
	else if (!answer)
		take_silence(resolver, why, clock_mono_ms());
}

static void on_tick(uv_timer_t *timer)
{
	struct resolver *resolver = timer->data;
	const struct service_at at = { "weft-dns", resolver->control };
	const char *what = resolver->must_reload && resolver->status ? "reload" : "status";
	if (!resolver->wanted || resolver->talk)
		return;
	if (strcmp(what, "reload") == 0)
		resolver->must_reload = false;
	resolver->talk = service_ask(resolver->agent->loop, &at, json_pack("{s:s}", "do", what),
				     on_status, resolver);
}

// ---- what is wanted ----

static void on_lists_changed(void *context)
{
	struct resolver *resolver = context;
	resolver->must_reload = true;
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
		(void)snprintf(resolver->error, sizeof resolver->error, "%s", err.text);
		return;
	}
	resolver->must_reload = true;
	free(resolver->written);
	resolver->written = take_ptr(&text);
}

static void end_wanted(struct resolver *resolver)
{
	struct err err = { 0 };
	json_decref(resolver->wanted);
	json_decref(resolver->status);
	resolver->wanted = resolver->status = NULL;
	free(resolver->written);
	free(resolver->name);
	resolver->written = resolver->name = NULL;
	resolver->error[0] = '\0';
	resolver->state = NULL;
	if (resolver_remove(resolver->agent->settings, &err) < 0)
		log_warn("weft-dns: %s", err.text);
}

void resolver_update(struct resolver *resolver)
{
	const struct agent_settings *settings = resolver->agent->settings;
	const struct reconcile *reconcile = resolver->agent->reconcile;
	struct gathering g = { resolver,
			       resolver_config_begin(),
			       { resolver->control, settings->dns_dir } };
	CLEAN(json_decref_ptr) json_t *owned = g.gathered;
	struct err err = { 0 };
	reconcile_each_resolver(reconcile, gather, &g);
	const char *name = json_string_value(json_object_get(owned, "dns"));
	if (!name) {
		if (resolver->wanted || access(resolver->config, F_OK) == 0)
			end_wanted(resolver);
		resolver_lists_begin(resolver->lists);
		resolver_lists_end(resolver->lists);
		return;
	}
	if (file_make_dirs(settings->dns_dir, DIR_MODE, &err) < 0 ||
	    chmod(settings->dns_dir, DIR_MODE) < 0)
		(void)snprintf(resolver->error, sizeof resolver->error, "%s", err.text);
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
	write_file(resolver);
}

// ---- telling ----

static json_t *upstreams_of(const struct resolver *resolver)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;
	json_array_foreach(json_object_get(resolver->status, "upstreams"), i, one)
	{
		json_int_t rtt = json_integer_value(json_object_get(one, "rtt_us"));
		// Coarse: a new figure each second is no news.
		(void)json_array_append_new(
			list, json_pack("{s:O, s:O, s:o}", "name", json_object_get(one, "name"),
					"state", json_object_get(one, "state"), "rtt_us",
					rtt > 0 ? json_integer((rtt + 9999) / 10000 * 10000)
						: json_null()));
	}
	return list;
}

static json_t *body_of(const struct resolver *resolver)
{
	json_t *body = json_pack(
		"{s:s, s:I, s:o}", "state", resolver->state ? resolver->state : "starting", "since",
		(json_int_t)resolver->since_ms, "upstreams", upstreams_of(resolver));
	if (body && resolver->error[0])
		(void)json_object_set_new(body, "error", json_string(resolver->error));
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
	static const char *const fields[] = { "entries", "bytes", "p50_us", "p99_us" };
	CLEAN(free_ptr) char *key = NULL;
	if (!resolver->status)
		return;
	key = text_format("dns/%s", resolver->name);
	json_t *all = json_deep_copy(json_object_get(resolver->status, "counts"));
	for (size_t i = 0; all && i < ARRAY_LEN(fields); i++)
		(void)json_object_set(all, fields[i], json_object_get(resolver->status, fields[i]));
	if (all && key)
		(void)json_object_set_new(values, key, all);
	else
		json_decref(all);
}

json_t *resolver_status(const struct resolver *resolver)
{
	json_t *list = json_array();
	json_t *one = resolver && resolver->wanted ? body_of(resolver) : NULL;
	if (!one)
		return list;
	(void)json_object_set_new(one, "resolver", json_string(resolver->name));
	if (resolver->status)
		(void)json_object_set(one, "counts", json_object_get(resolver->status, "counts"));
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
	const struct service_at at = { "weft-dns", resolver->control };
	json_t *question = json_object();
	const char *field;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)args, field, value)(void)
		json_object_set(question, field, value);
	(void)json_object_set_new(question, "do", json_string(what));
	return service_ask(resolver->agent->loop, &at, question, done, context);
}

// ---- beginning and end ----

struct resolver *resolver_new(struct agent *agent)
{
	struct resolver *resolver = calloc(1, sizeof *resolver);
	if (!resolver)
		return NULL;
	resolver->agent = agent;
	resolver->config = text_format("%s/" CONFIG, agent->settings->dns_dir);
	resolver->control = agent_run_path(agent->settings, SOCKET);
	resolver->lists = resolver_lists_new(agent, on_lists_changed, resolver);
	if (!resolver->config || !resolver->control || !resolver->lists) {
		free(resolver->config);
		free(resolver->control);
		resolver_lists_free(resolver->lists);
		free(resolver);
		return NULL;
	}
	resolver->timer.data = resolver;
	(void)uv_timer_init(agent->loop, &resolver->timer);
	(void)uv_timer_start(&resolver->timer, on_tick, TICK_MS, TICK_MS);
	return resolver;
}

static void on_closed(uv_handle_t *handle)
{
	struct resolver *resolver = handle->data;
	json_decref(resolver->wanted);
	json_decref(resolver->status);
	free(resolver->config);
	free(resolver->control);
	free(resolver->name);
	free(resolver->written);
	free(resolver);
}

void resolver_close(struct resolver *resolver)
{
	if (!resolver)
		return;
	service_question_cancel(resolver->talk);
	resolver_lists_free(resolver->lists);
	uv_close((uv_handle_t *)&resolver->timer, on_closed);
}

// Whoever listens at the socket.
static void stop_process(const char *control)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t len = sizeof peer;
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s", control);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 1)
		(void)kill(peer.pid, SIGTERM);
	(void)unlink(control);
}

int resolver_remove(const struct agent_settings *settings, struct err *err)
{
	const char *const unit[] = { "systemctl", "stop", UNIT, NULL };
	CLEAN(free_ptr) char *control = agent_run_path(settings, SOCKET);
	CLEAN(free_ptr) char *output = NULL;
	if (program_is_service())
		(void)program_output(unit, PATIENCE_MS, 1, &output, NULL);
	if (control)
		stop_process(control);
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
