#include "run/companion.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/program.h"
#include "base/text.h"

#include "run/state.h"
#include "service/identity.h"

enum {
	TICK_MS = 400,
	START_GAP_MS = 1000,
	RENEW_GAP_MS = 30000, // a new program may not come up: the old one goes on
	PATIENCE_MS = 10000,
	BUSY_MS = 4000, // so long one that listens may keep silent before it is ended and started
			// anew
};

const struct companion_program companion_dns = { .name = "weft-dns", .socket = "dns.sock" };
const struct companion_program companion_sets = { .name = "weft-sets",
						  .socket = "sets.sock",
						  .is_mute = true };
const struct companion_program companion_proxy = { .name = "weft-proxy", .socket = "proxy.sock" };

struct companion {
	struct agent *agent;
	const struct companion_program *program;
	const char *config, *user;
	char *socket; // path
	uv_timer_t timer;
	struct service_question *talk; // asks for its status
	json_t *status;                // what it told last
	bool is_wanted, must_reload;
	char error[ERR_TEXT_SIZE]; // why it does not run, or not as wanted
	int64_t since_ms;          // since 1970: of its state
	// clock_mono_ms: when it was started last, and that beside one that ran; 0: it answers
	int64_t started_ms, renewed_ms, silent_ms;
	const char *state;
};

static void set_state(struct companion *c, const char *state)
{
	if (c->state == state)
		return;
	c->state = state;
	c->since_ms = clock_wall_ms();
	apply_soon(c->agent);
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
static int spawn(struct companion *c, const char *const *argv)
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
	int r = uv_spawn(c->agent->loop, process, &options);
	if (r < 0)
		uv_close((uv_handle_t *)process, free_process);
	else
		uv_unref((uv_handle_t *)process);
	return r;
}

static void start(struct companion *c, int64_t now)
{
	char program[PATH_MAX], service[64];
	const char *const own[] = { program, "run", c->config ? c->config : c->socket, c->user,
				    NULL };
	const char *const unit[] = { "systemctl", "restart", service, NULL };
	if (c->started_ms && now - c->started_ms < START_GAP_MS)
		return;
	c->started_ms = now;
	(void)snprintf(service, sizeof service, "%s.service", c->program->name);
	program_beside(c->program->name, program, sizeof program);
	int r = spawn(c, program_is_service() ? unit : own);
	if (r < 0)
		(void)snprintf(c->error, sizeof c->error, "%s cannot be started: %s", program,
			       uv_strerror(r));
}

// ---- how it is ----

static void take_status(struct companion *c, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_decref(c->status);
	c->status = answer ? json_deep_copy(answer) : NULL;
	c->silent_ms = 0;
	(void)snprintf(c->error, sizeof c->error, "%s", error ? error : "");
	set_state(c, "running");
}

// A connection to whoever listens there, or a negative errno.
static int reach(const char *path, const struct companion_program *program)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int type = program->is_mute ? SOCK_SEQPACKET : SOCK_STREAM;
	CLEAN(close_fd) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
		return -errno;
	return take_fd(&fd);
}

// Nobody listens there. One that only keeps others waiting is busy.
static bool is_gone(const struct companion *c)
{
	CLEAN(close_fd) int fd = reach(c->socket, c->program);
	return fd < 0 && fd != -EAGAIN;
}

// Whoever listens there is to end.
static void end_listener(const char *path, const struct companion_program *program, int signal)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof peer;
	CLEAN(close_fd) int fd = reach(path, program);
	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 1)
		(void)kill(peer.pid, signal);
}

static void take_silence(struct companion *c, const char *why)
{
	const int64_t now = clock_mono_ms();
	if (!c->silent_ms)
		c->silent_ms = now;
	json_decref(c->status);
	c->status = NULL;
	bool is_late = now - c->silent_ms > PATIENCE_MS;
	if (is_late && !c->error[0])
		(void)snprintf(c->error, sizeof c->error, "%s", why);
	set_state(c, is_late ? "failing" : "starting");
	const bool hangs = !is_gone(c);
	if (hangs && now - c->silent_ms <= BUSY_MS)
		return;
	// One beside it would share its sockets, or not get them. systemd ends it itself.
	if (hangs && !program_is_service())
		end_listener(c->socket, c->program, SIGKILL);
	else
		start(c, now);
}

// Whether another program than the one that runs would be started now. A service of systemd's is
// renewed by who installs it.
static bool is_outdated(const struct companion *c)
{
	char program[PATH_MAX], identity[IDENTITY_SIZE];
	const char *own = json_string_value(json_object_get(c->status, "program"));
	const char *config = json_string_value(json_object_get(c->status, "config"));
	if (!c->config || program_is_service())
		return false;
	program_beside(c->program->name, program, sizeof program);
	identity_of(program, identity);
	if (identity[0] == '\0')
		return false;
	return !own || !config || strcmp(own, identity) != 0 || strcmp(config, c->config) != 0;
}

// The new one takes over from the one that runs; from one that does not know how to hand over, when
// that has ended.
static void renew(struct companion *c)
{
	const int64_t now = clock_mono_ms();
	if (!is_outdated(c) || (c->renewed_ms && now - c->renewed_ms < RENEW_GAP_MS))
		return;
	c->renewed_ms = now;
	if (json_object_get(c->status, "program"))
		start(c, now);
	else
		end_listener(c->socket, c->program, SIGTERM);
}

static void on_status(void *context, const json_t *answer, const char *why)
{
	struct companion *c = context;
	c->talk = NULL;
	if (!c->is_wanted)
		return;
	if (json_object_get(answer, "state")) {
		take_status(c, answer);
		renew(c);
	} else if (!answer) {
		take_silence(c, why);
	}
}

static void look(struct companion *c)
{
	char why[64];
	(void)snprintf(why, sizeof why, "%s does not run", c->program->name);
	if (is_gone(c))
		take_silence(c, why);
	else
		take_status(c, NULL);
}

static void on_tick(uv_timer_t *timer)
{
	struct companion *c = timer->data;
	const char *what = c->must_reload && c->status ? "reload" : "status";
	if (!c->is_wanted || c->talk)
		return;
	if (c->program->is_mute) {
		look(c);
		return;
	}
	if (strcmp(what, "reload") == 0)
		c->must_reload = false;
	c->talk = companion_ask(c, json_pack("{s:s}", "do", what), on_status, c);
}

// ---- what is wanted ----

void companion_want(struct companion *c, bool is_wanted)
{
	// One that an agent before this one has started may be there.
	if (c->is_wanted == is_wanted && (is_wanted || access(c->socket, F_OK) < 0))
		return;
	c->is_wanted = is_wanted;
	json_decref(c->status);
	c->status = NULL;
	c->error[0] = '\0';
	c->state = NULL;
	c->silent_ms = c->started_ms = 0;
	c->must_reload = false;
	if (is_wanted)
		(void)uv_timer_start(&c->timer, on_tick, 0, TICK_MS);
	else
		(void)uv_timer_stop(&c->timer);
	if (!is_wanted)
		companion_end(c->agent->settings, c->program);
}

void companion_reload(struct companion *c)
{
	c->must_reload = true;
	if (c->is_wanted)
		(void)uv_timer_start(&c->timer, on_tick, 0, TICK_MS);
}

bool companion_is_wanted(const struct companion *c)
{
	return c->is_wanted;
}

const char *companion_socket(const struct companion *c)
{
	return c->socket;
}

// ---- telling ----

const char *companion_state(const struct companion *c)
{
	return c->state ? c->state : "starting";
}

void companion_describe(const struct companion *c, json_t *body)
{
	(void)json_object_set_new(body, "state", json_string(companion_state(c)));
	(void)json_object_set_new(body, "since", json_integer(c->since_ms));
	if (c->error[0])
		(void)json_object_set_new(body, "error", json_string(c->error));
}

const json_t *companion_status(const struct companion *c)
{
	return c->status;
}

void companion_fail(struct companion *c, const char *why)
{
	(void)snprintf(c->error, sizeof c->error, "%s", why);
}

struct service_question *companion_ask(const struct companion *c, json_t *request,
				       service_answer_fn done, void *context)
{
	const struct service_at at = { .program = c->program->name, .path = c->socket };
	return service_ask(c->agent->loop, &at, request, done, context);
}

// ---- beginning and end ----

struct companion *companion_new(struct agent *agent, const struct companion_program *program,
				const char *config, const char *user)
{
	struct companion *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->agent = agent;
	c->program = program;
	c->config = config;
	c->user = user;
	c->socket = agent_run_path(agent->settings, program->socket);
	if (!c->socket) {
		free(c);
		return NULL;
	}
	c->timer.data = c;
	(void)uv_timer_init(agent->loop, &c->timer);
	return c;
}

static void on_closed(uv_handle_t *handle)
{
	struct companion *c = handle->data;
	json_decref(c->status);
	free(c->socket);
	free(c);
}

void companion_close(struct companion *c)
{
	if (!c)
		return;
	service_question_cancel(c->talk);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

void companion_end(const struct agent_settings *settings, const struct companion_program *program)
{
	CLEAN(free_ptr) char *service = text_format("%s.service", program->name);
	CLEAN(free_ptr) char *path = agent_run_path(settings, program->socket);
	CLEAN(free_ptr) char *output = NULL;
	const char *const unit[] = { "systemctl", "stop", service, NULL };
	if (!service || !path)
		return;
	if (program_is_service())
		(void)program_output(unit, PATIENCE_MS, 1, &output, NULL);
	end_listener(path, program, SIGTERM);
	(void)unlink(path);
}
