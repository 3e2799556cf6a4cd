// weft-controller: holds what the network should be and tells the agents.
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "loop/notify.h"

#include "program.h"

#define COUNTING_MS          200
#define CONFIG_PATH          "/etc/weft/controller.yaml"
#define CERTIFICATE_FILE_MAX ((size_t)256 * 1024)
#define LARGE_BLOCK          (1 << 20)
#define DESCRIPTORS_OTHER    64 // database, timers, standard streams, listeners

static const char usage[] =
	"Usage: weft-controller [--config FILE] COMMAND\n"
	"\n"
	"Commands:\n"
	"  run                     run the controller\n"
	"  reset-password [USER]   give USER (default: admin) a new password and print it\n"
	"  check                   look at database, keys, secrets and plan; changes nothing\n"
	"  backup FILE             write all of it into one file, while it runs (-: standard "
	"output)\n"
	"  restore FILE [--replace]  put a backup in place; a state that is there is moved aside\n"
	"  pin                     print the pin of the dashboard's key, to compare at `weft "
	"login`\n"
	"  settings                print a settings file with every default\n"
	"  version                 print the version\n"
	"\n"
	"Options:\n"
	"  -c, --config FILE       settings (default " CONFIG_PATH ")\n"
	"  -h, --help              this text\n";

// ---- stopping ----

static void hub_stopped(void *ctx)
{
	struct program *program = ctx;
	program->hub = NULL;
	uv_stop(program->loop);
}

static void stop(struct program *program)
{
	if (program->is_stopping)
		return;
	program->is_stopping = true;
	(void)notify_stopping();
	log_info("controller: stopping");
	rest_stop(program->rest);
	webhooks_stop(program->webhooks);
	lists_stop(program->lists);
	hub_stop(program->hub, hub_stopped, program);
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
	(void)number;
	stop(handle->data);
}

static void on_reload_signal(uv_signal_t *handle, int number)
{
	struct program *program = handle->data;
	(void)number;
	if (!program->is_stopping)
		program_renew_certificate(program, true);
}

// ---- timers ----

static void on_second(uv_timer_t *timer)
{
	struct program *program = timer->data;
	if (program->is_stopping)
		return;
	live_tick(program->live, clock_wall_ms());
	program_votes_tick(program);
	program_choose_root(program);
}

static void on_counting(uv_timer_t *timer)
{
	struct program *program = timer->data;
	if (!program->is_stopping)
		live_count_links(program->live);
}

static void on_hour(uv_timer_t *timer)
{
	struct program *program = timer->data;
	if (!program->is_stopping)
		program_hourly(program);
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	(void)notify_watchdog();
}

static void start_timer(struct program *program, uv_timer_t *timer, uv_timer_cb due, uint64_t ms)
{
	(void)uv_timer_init(program->loop, timer);
	timer->data = program;
	if (ms > 0)
		(void)uv_timer_start(timer, due, ms, ms);
}

static void start_signal(struct program *program, uv_signal_t *handle, uv_signal_cb got, int number)
{
	(void)uv_signal_init(program->loop, handle);
	handle->data = program;
	(void)uv_signal_start(handle, got, number);
}

static void start_handles(struct program *program)
{
	start_timer(program, &program->second, on_second, 1000);
	start_timer(program, &program->counting, on_counting, COUNTING_MS);
	start_timer(program, &program->hour, on_hour, 3600ULL * 1000);
	start_timer(program, &program->watchdog, on_watchdog, notify_watchdog_interval_ms());
	start_signal(program, &program->on_term, on_stop_signal, SIGTERM);
	start_signal(program, &program->on_int, on_stop_signal, SIGINT);
	start_signal(program, &program->on_hup, on_reload_signal, SIGHUP);
}

static void close_handles(struct program *program)
{
	uv_handle_t *handles[] = {
		(uv_handle_t *)&program->second,  (uv_handle_t *)&program->counting,
		(uv_handle_t *)&program->hour,    (uv_handle_t *)&program->watchdog,
		(uv_handle_t *)&program->on_term, (uv_handle_t *)&program->on_int,
		(uv_handle_t *)&program->on_hup,
	};
	for (size_t i = 0; i < ARRAY_LEN(handles); i++)
		if (handles[i]->loop)
			uv_close(handles[i], NULL);
}

// ---- starting ----

// The addresses others use: "https://host:8443" and "wss://host:8444/agent" for each advertised
// host. NULL-terminated.
static char **urls_of(const struct setting_list *hosts, const char *scheme, const char *listen,
		      const char *path)
{
	char **urls = calloc(hosts->len + 1, sizeof(*urls));
	const char *port = strrchr(listen, ':');
	for (size_t i = 0; urls && i < hosts->len; i++) {
		bool is_v6 = strchr(hosts->items[i], ':') && hosts->items[i][0] != '[';
		urls[i] = text_format(is_v6 ? "%s://[%s]%s%s" : "%s://%s%s%s", scheme,
				      hosts->items[i], port ? port : "", path);
	}
	return urls;
}

static int open_store(struct program *program, struct err *err)
{
	int r = file_make_dirs(program->settings.state_dir, 0700, err);
	if (r == 0)
		r = program_lock_state(program, err);
	if (r == 0)
		r = program_expect_database(program, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *path = program_state_path(program, "weft.db");
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	r = store_open(program->loop, path, &program->store, err);
	return r < 0 ? err_prefix(err, "%s", path) : 0;
}

// The pin of the key that browsers and `weft login` meet: the operator's own certificate's, or that
// of Weft's.
static int dashboard_pin(const struct program *program, char ret_pin[PKI_PIN_SIZE], struct err *err)
{
	const char *own = program->settings.tls_certificate;
	CLEAN(free_ptr) char *path = own ? strdup(own) : program_state_path(program, "tls.crt");
	CLEAN(free_ptr) char *pem = NULL;
	int r = path ? file_read(path, CERTIFICATE_FILE_MAX, &pem, NULL, err)
		     : err_set(err, -ENOMEM, "out of memory");
	return r < 0 ? r : pki_pin(pem, ret_pin, err);
}

static int first_start(struct program *program, struct err *err)
{
	char password[AUTH_PASSWORD_SIZE];
	char pin[PKI_PIN_SIZE];
	bool is_made = false;
	int r = dashboard_pin(program, pin, err);
	if (r >= 0)
		r = auth_first_start(program->store, &is_made, password, err);
	if (r < 0 || !is_made)
		return r;
	printf("weft-controller: first start. Sign in at %s as admin with the password %s\n"
	       "weft-controller: the pin of its key, to compare at `weft login`: %s\n",
	       program->rest_urls[0], password, pin);
	(void)fflush(stdout);
	explicit_bzero(password, sizeof(password));
	return 0;
}

static int open_keys(struct program *program, struct err *err)
{
	const struct controller_settings *s = &program->settings;
	bool is_renewed;
	int64_t now = clock_wall_ms() / 1000;
	bool is_new = false;
	int r = program_is_new(program, &is_new, err);
	if (r >= 0)
		r = pki_open(s->state_dir, is_new, now, &program->pki, err);
	if (r < 0)
		return r;
	pki_set_node_life(program->pki, s->certificate_life_s);
	r = pki_server_renew(program->pki, (const char *const *)s->advertise.items, now,
			     &is_renewed, err);
	if (r >= 0)
		r = pki_refresh_sync(program->pki, program->store, err);
	if (r >= 0)
		r = vault_open(s->state_dir, is_new, &program->vault, err);
	return r;
}

static int open_modules(struct program *program, struct err *err)
{
	const struct controller_settings *s = &program->settings;
	struct auth_settings auth = { .idle_ms = s->session_idle_ms,
				      .absolute_ms = s->session_max_ms,
				      .source_attempts = s->login_attempts,
				      .source_wait_ms = s->login_wait_ms,
				      .user_attempts = s->login_user_attempts,
				      .user_wait_ms = s->login_user_wait_ms };
	struct intent_settings intent = { .loop = program->loop,
					  .store = program->store,
					  .schema = program->contract.schema,
					  .vxlan_port = (int)s->vxlan_port,
					  .wireguard_port = (int)s->wireguard_port,
					  .probe_port = (int)s->probe_port,
					  .ha_port = (int)s->ha_port,
					  .numbers = s->numbers,
					  .facts_burst = s->changes_burst,
					  .facts_wait_ms = s->changes_wait_ms };
	struct live_config live = { .now_ms = clock_wall_ms(),
				    .node_entries = s->node_entries,
				    .node_bytes = s->node_bytes,
				    .events_burst = s->events_burst,
				    .events_per_hour = s->events_per_hour };
	int r = vault_derive(program->vault, VAULT_PROBE, intent.probe_secret, err);
	if (r >= 0)
		r = auth_new(program->loop, program->store, &auth, &program->auth, err);
	if (r >= 0)
		r = program_read_event_id(program, err);
	if (r >= 0)
		r = intent_open(&intent, &program->intent, err);
	if (r < 0)
		return r;
	program->live = live_new(&live, &program_live_ops, program);
	if (!program->live)
		return err_set(err, -ENOMEM, "out of memory");
	program_introduce_nodes(program);
	return 0;
}

static int open_hub(struct program *program, struct err *err)
{
	CLEAN(free_ptr) char *ca = program_state_path(program, "ca.crt");
	const struct controller_settings *s = &program->settings;
	struct hub_config hub = {
		.loop = program->loop,
		.listen = (const char *const *)s->hub_listen.items,
		.max_sessions = s->hub_nodes,
		.handshakes = s->hub_handshakes,
		.handshakes_per_address = s->hub_handshakes_per_address,
		.handshake_ms = s->hub_handshake_ms,
		.messages_per_s = s->hub_messages_per_s,
		.messages_burst = s->hub_messages_burst,
		.bytes_per_s = s->hub_bytes_per_s,
		.bytes_burst = s->hub_bytes_burst,
		.queue_bytes = s->hub_queue_bytes,
		.assembly_bytes = s->hub_receive_bytes,
		.certificate_file = pki_cert_path(program->pki),
		.key_file = pki_key_path(program->pki),
		.ca_file = ca,
		.version = weft_version(),
		.urls = (const char *const *)program->hub_urls,
	};
	if (!ca)
		return err_set(err, -ENOMEM, "out of memory");
	int r = hub_new(&hub, &program_hub_ops, program, &program->hub, err);
	if (r < 0)
		return r;
	intent_listen_confirmation(program->intent, program_confirmation, program);
	return intent_listen(program->intent, program_committed, program);
}

static int open_rest(struct program *program, struct err *err)
{
	const struct controller_settings *s = &program->settings;
	struct rest_config rest = {
		.listen = (const char *const *)s->rest_listen.items,
		.certificate = s->tls_certificate,
		.key = s->tls_key,
		.urls = (const char *const *)program->rest_urls,
		.hub_urls = (const char *const *)program->hub_urls,
		.packages_dir = s->packages_dir,
		.web_dir = s->web_dir,
		.metrics_open = s->metrics_open,
		.metrics_links = s->metrics_links,
		.connections_max = s->rest_connections,
		.connections_per_address = s->rest_connections_per_address,
		.anonymous_ms = s->rest_anonymous_ms,
		.streams_per_user = s->rest_streams_per_user,
		.enrol_attempts = s->enrol_attempts,
		.enrol_wait_ms = s->enrol_wait_ms,
	};
	struct rest_services services = {
		&program->contract, program->store,  program->auth, program->pki,
		program->vault,     program->intent, program->hub,  program->live,
		program->webhooks,  program->lists,
	};
	return rest_new(program->loop, &rest, &services, &program->rest, err);
}

static int start(struct program *program, struct err *err)
{
	const struct controller_settings *s = &program->settings;
	if (s->rest_listen.len == 0 || s->hub_listen.len == 0)
		return err_set(err, -EINVAL,
			       "rest.listen and hub.listen: at least one address each");
	program->rest_urls = urls_of(&s->advertise, "https", s->rest_listen.items[0], "");
	program->hub_urls = urls_of(&s->advertise, "wss", s->hub_listen.items[0], "/agent");
	if (!program->rest_urls || !program->hub_urls)
		return err_set(err, -ENOMEM, "out of memory");
	int r = contract_load(&program->contract, err);
	if (r >= 0)
		r = open_store(program, err);
	if (r >= 0)
		r = open_keys(program, err);
	if (r >= 0)
		r = first_start(program, err);
	if (r >= 0)
		r = open_modules(program, err);
	if (r >= 0)
		r = program_open_votes(program, err);
	if (r >= 0)
		r = open_hub(program, err);
	if (r >= 0)
		r = program_open_webhooks(program, err);
	if (r >= 0)
		r = program_open_lists(program, err);
	if (r >= 0)
		r = open_rest(program, err);
	return r;
}

static void free_urls(char **urls)
{
	for (size_t i = 0; urls && urls[i]; i++)
		free(urls[i]);
	free(urls);
}

// Modules go in the reverse order; the store calls what still waits back before it closes.
static void finish(struct program *program)
{
	if (program->hub && !program->is_stopping) {
		// A start that failed half way.
		program->is_stopping = true;
		rest_stop(program->rest);
		webhooks_stop(program->webhooks);
		lists_stop(program->lists);
		hub_stop(program->hub, hub_stopped, program);
		(void)uv_run(program->loop, UV_RUN_DEFAULT);
	}
	store_free(program->store);
	(void)uv_run(program->loop, UV_RUN_NOWAIT);
	program_close_votes(program);
	intent_free(program->intent);
	auth_free(program->auth);
	close_handles(program);
	(void)uv_run(program->loop, UV_RUN_DEFAULT);
	rest_free(program->rest);
	webhooks_free(program->webhooks);
	lists_free(program->lists);
	contract_done(&program->contract);
	program_forget_roots(program);
	live_free(program->live);
	vault_free(program->vault);
	pki_free(program->pki);
	free_urls(program->rest_urls);
	free_urls(program->hub_urls);
	if (uv_loop_close(program->loop) < 0)
		log_debug("controller: the loop still has handles");
}

// ---- commands ----

// As many connections as the system lets it have; says so when that is less than it may need.
static void raise_descriptor_limit(const struct controller_settings *settings)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	// libmicrohttpd counts its connections for each listening address.
	size_t needed = settings->rest_listen.len * settings->rest_connections +
			settings->hub_nodes + settings->hub_handshakes + DESCRIPTORS_OTHER;
	if (limit.rlim_max < needed)
		log_warn("controller: it may open %llu files, but rest.connections and the nodes "
			 "may need %zu: raise its limit (LimitNOFILE= of its unit)",
			 (unsigned long long)limit.rlim_max, needed);
}

static int command_run(struct program *program, const char *const *words, struct err *err)
{
	(void)words;
	uv_loop_t loop;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	raise_descriptor_limit(&program->settings);
	// What a sign-in takes goes back to the system at once, instead of staying with each
	// worker.
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	int r = uv_loop_init(&loop);
	if (r < 0)
		return err_set(err, r, "the loop: %s", uv_strerror(r));
	program->loop = &loop;
	r = start(program, err);
	if (r >= 0) {
		start_handles(program);
		log_info("controller: version %s, revision %lld, %zu nodes", weft_version(),
			 (long long)intent_revision(program->intent),
			 intent_count(program->intent, "nodes"));
		(void)notify_ready();
		(void)uv_run(program->loop, UV_RUN_DEFAULT);
	}
	finish(program);
	return r;
}

static int command_reset_password(struct program *program, const char *const *words,
				  struct err *err)
{
	const char *user = words[0] ? words[0] : "admin";
	char password[AUTH_PASSWORD_SIZE];
	CLEAN(free_ptr) char *path = program_state_path(program, "weft.db");
	int r = path ? store_open(NULL, path, &program->store, err) : -ENOMEM;
	if (r >= 0)
		r = auth_reset_password(program->store, user, password, err);
	if (r >= 0)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	store_free(program->store);
	return r;
}

static int command_pin(struct program *program, const char *const *words, struct err *err)
{
	(void)words;
	char pin[PKI_PIN_SIZE];
	int r = dashboard_pin(program, pin, err);
	if (r >= 0)
		(void)puts(pin);
	else if (r == -ENOENT)
		(void)err_prefix(err, "there is no certificate before the first start");
	return r;
}

static int command_settings(void)
{
	struct text text = { 0 };
	settings_describe(controller_settings_table, &text);
	CLEAN(free_ptr) char *page = text_take(&text);
	return page && fputs(page, stdout) >= 0 ? 0 : 1;
}

struct command {
	const char *name;
	int (*run)(struct program *program, const char *const *words, struct err *err);
	int words_min;
	int words_max;
};

static const struct command commands[] = {
	{ "run", command_run, 0, 0 },         { "reset-password", command_reset_password, 0, 1 },
	{ "check", command_check, 0, 0 },     { "backup", command_backup, 1, 1 },
	{ "restore", command_restore, 1, 2 }, { "pin", command_pin, 0, 0 },
};

static const struct command *command_named(const char *name, int words)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return words >= commands[i].words_min && words <= commands[i].words_max
				       ? &commands[i]
				       : NULL;
	return NULL;
}

static int run_command(const struct command *command, const char *const *words, const char *config,
		       bool is_default)
{
	struct program program = { .config = config, .lock_fd = -1 };
	struct err err = { 0 };
	int r = controller_settings_read(config, is_default, &program.settings, &err);
	if (r >= 0) {
		log_set_level(program.settings.log_level);
		r = command->run(&program, words, &err);
		if (r < 0)
			program_add_cure(&program, r, &err);
		close_fd(&program.lock_fd);
		controller_settings_done(&program.settings);
	}
	if (r < 0)
		log_error("controller: %s", err.text[0] ? err.text : strerror(-r));
	return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	const char *config = NULL;
	for (int c; (c = getopt_long(argc, argv, "+c:h", options, NULL)) != -1;) {
		if (c == 'h')
			return fputs(usage, stdout) >= 0 ? 0 : 1;
		if (c != 'c') {
			(void)fputs(usage, stderr);
			return 2;
		}
		config = optarg;
	}
	const char *command = optind < argc ? argv[optind] : "";
	if (strcmp(command, "version") == 0)
		return printf("weft-controller %s\n", weft_version()) >= 0 ? 0 : 1;
	if (strcmp(command, "settings") == 0)
		return command_settings();
	const struct command *found = command_named(command, argc - optind - 1);
	if (!found) {
		(void)fputs(usage, stderr);
		return 2;
	}
	return run_command(found, (const char *const *)argv + optind + 1,
			   config ? config : CONFIG_PATH, config == NULL);
}
