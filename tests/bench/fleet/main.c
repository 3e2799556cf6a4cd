// A fleet of simulated agents in one process, told what to do line by line.
//
// `bench-fleet make COUNT PREFIX` prints a JSON array of {name, key, csr, public_key}.
// `bench-fleet run HOST PORT CA IDENTITIES` has one agent for each item of such an array, to which
// its `certificate` was added. It reads commands and answers each with one line of JSON; moments
// are CLOCK_MONOTONIC in nanoseconds:
//
// start COUNT SPREAD_MS: the first COUNT agents begin, at random within SPREAD_MS.
//
// await welcome SINCE_NS COUNT TIMEOUT_MS: until COUNT agents were welcomed since then.
//
// await REVISION SINCE_NS COUNT TIMEOUT_MS: until COUNT agents have told that it is applied.
//
// totals: what came from the hub so far.
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "agent.h"
#include "uplink/credential.h"

#define LOOK_MS 2

struct wait {
	bool is_for_welcome;
	int64_t revision;
	uint64_t since_ns;
	size_t count;
	uint64_t until_ns;
};

struct fleet {
	struct agent_site site;
	struct agent **agents;
	size_t count, started;
	uv_pipe_t commands;
	uv_timer_t look;
	struct text input;
	struct wait wait;
};

static void say(json_t *json)
{
	CLEAN(free_ptr) char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	(void)puts(text ? text : "{}");
	(void)fflush(stdout);
}

// ---- waiting ----

// The moments at which agents did what is waited for.
static size_t gather(const struct fleet *fleet, uint64_t *moments)
{
	const struct wait *wait = &fleet->wait;
	struct agent_state state;
	size_t count = 0;

	for (size_t i = 0; i < fleet->started; i++) {
		agent_state(fleet->agents[i], &state);
		uint64_t at = wait->is_for_welcome ? state.welcome_ns : state.acked_ns;
		bool is_done = wait->is_for_welcome ? state.is_welcome
						    : state.acked_revision >= wait->revision;

		if (is_done && at >= wait->since_ns)
			moments[count++] = at - wait->since_ns;
	}
	return count;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double ms_at(const uint64_t *sorted, size_t count, double share)
{
	size_t at = (size_t)(share * (double)(count - 1) + 0.5);

	return count ? (double)sorted[at] / 1e6 : 0;
}

static void on_look(uv_timer_t *timer)
{
	struct fleet *fleet = timer->data;
	CLEAN(free_ptr) uint64_t *moments = calloc(fleet->count + 1, sizeof(*moments));
	size_t count = moments ? gather(fleet, moments) : 0;

	if (count < fleet->wait.count && uv_hrtime() < fleet->wait.until_ns)
		return;
	(void)uv_timer_stop(timer);
	if (count)
		qsort(moments, count, sizeof(*moments), compare);
	say(json_pack("{s:b, s:I, s:f, s:f, s:f}", "reached", count >= fleet->wait.count, "count",
		      (json_int_t)count, "p50_ms", ms_at(moments, count, 0.5), "p99_ms",
		      ms_at(moments, count, 0.99), "last_ms", ms_at(moments, count, 1)));
}

// ---- commands ----

static void start(struct fleet *fleet, size_t count, uint32_t spread_ms)
{
	for (; fleet->started < count && fleet->started < fleet->count; fleet->started++)
		agent_start(fleet->agents[fleet->started],
			    spread_ms ? arc4random_uniform(spread_ms) : 0);
	say(json_pack("{s:I}", "started", (json_int_t)fleet->started));
}

static void tell_totals(const struct fleet *fleet)
{
	const struct agent_totals *t = &fleet->site.totals;
	struct agent_state state;
	json_int_t welcome = 0, entries = 0;

	for (size_t i = 0; i < fleet->started; i++) {
		agent_state(fleet->agents[i], &state);
		welcome += state.is_welcome ? 1 : 0;
		entries += (json_int_t)state.entries;
	}
	say(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "welcome", welcome, "held",
		      entries, "messages", (json_int_t)t->messages, "bytes", (json_int_t)t->bytes,
		      "entries", (json_int_t)t->entries, "resyncs", (json_int_t)t->resyncs,
		      "disconnects", (json_int_t)t->disconnects, "failures",
		      (json_int_t)t->failures));
}

static void await(struct fleet *fleet, const char *what, uint64_t since_ns, size_t count,
		  uint64_t timeout_ms)
{
	fleet->wait = (struct wait){
		.is_for_welcome = strcmp(what, "welcome") == 0,
		.revision = strtoll(what, NULL, 10),
		.since_ns = since_ns,
		.count = count,
		.until_ns = uv_hrtime() + timeout_ms * 1000000,
	};
	(void)uv_timer_start(&fleet->look, on_look, 0, LOOK_MS);
}

static void obey(struct fleet *fleet, const char *command)
{
	unsigned long long since, count, ms;
	char what[32];

	if (sscanf(command, "start %llu %llu", &count, &ms) == 2)
		start(fleet, count, (uint32_t)ms);
	else if (sscanf(command, "await %31s %llu %llu %llu", what, &since, &count, &ms) == 4)
		await(fleet, what, since, count, ms);
	else if (strcmp(command, "totals") == 0)
		tell_totals(fleet);
	else
		say(json_pack("{s:s}", "error", "no such command"));
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
	static char room[4096];

	(void)handle;
	(void)size;
	*ret_buf = uv_buf_init(room, sizeof(room));
}

static void on_input(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct fleet *fleet = stream->data;
	char *end;

	if (len < 0)
		exit(0); // who gave the commands has gone
	text_add_bytes(&fleet->input, buf->base, (size_t)len);
	while (fleet->input.data && (end = strchr(fleet->input.data, '\n'))) {
		size_t used = (size_t)(end + 1 - fleet->input.data);

		*end = '\0';
		obey(fleet, fleet->input.data);
		memmove(fleet->input.data, end + 1, fleet->input.len - used + 1);
		fleet->input.len -= used;
	}
}

// ---- the two modes ----

static int load(struct fleet *fleet, char **args, struct err *err)
{
	CLEAN(free_ptr) char *ca = NULL;
	json_error_t at;
	json_auto_t *list = json_load_file(args[3], 0, &at);

	if (!list || !json_is_array(list))
		return err_set(err, -EINVAL, "%s: %s", args[3], list ? "no array" : at.text);
	if (file_read(args[2], 65536, &ca, NULL, err) < 0)
		return err->code;
	fleet->site.hub = (struct sockaddr_in){ .sin_family = AF_INET,
						.sin_port = htons((uint16_t)atoi(args[1])) };
	if (inet_pton(AF_INET, args[0], &fleet->site.hub.sin_addr) != 1)
		return err_set(err, -EINVAL, "%s is no IPv4 address", args[0]);
	fleet->site.ca_pem = ca;
	fleet->agents = calloc(json_array_size(list) + 1, sizeof(struct agent *));
	for (; fleet->agents && fleet->count < json_array_size(list); fleet->count++) {
		fleet->agents[fleet->count] =
			agent_new(&fleet->site, json_array_get(list, fleet->count), err);
		if (!fleet->agents[fleet->count])
			return err->code;
	}
	return 0;
}

static int run(char **args, struct err *err)
{
	struct rlimit files;
	struct fleet fleet = { .site = { .loop = uv_default_loop() } };

	(void)signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	int rc = load(&fleet, args, err);
	if (rc < 0)
		return rc;
	(void)uv_timer_init(fleet.site.loop, &fleet.look);
	(void)uv_pipe_init(fleet.site.loop, &fleet.commands, 0);
	fleet.look.data = fleet.commands.data = &fleet;
	rc = uv_pipe_open(&fleet.commands, STDIN_FILENO);
	if (rc == 0)
		rc = uv_read_start((uv_stream_t *)&fleet.commands, on_room, on_input);
	if (rc < 0)
		return err_set(err, rc, "the commands cannot be read: %s", uv_strerror(rc));
	say(json_pack("{s:I}", "agents", (json_int_t)fleet.count));
	return uv_run(fleet.site.loop, UV_RUN_DEFAULT);
}

static int make_one(const char *name, json_t *list, struct err *err)
{
	CLEAN(free_ptr) char *key = NULL, *csr = NULL;
	char private_key[CREDENTIAL_WG_KEY_SIZE], public_key[CREDENTIAL_WG_KEY_SIZE];

	int rc = credential_make_key(&key, err);
	if (rc == 0)
		rc = credential_make_csr(key, name, &csr, err);
	if (rc == 0)
		rc = credential_make_wg_key(private_key, err);
	if (rc == 0)
		rc = credential_wg_public(private_key, public_key, err);
	if (rc < 0)
		return rc;
	return json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "key",
						     key, "csr", csr, "public_key", public_key));
}

static int make(int count, const char *prefix, struct err *err)
{
	json_auto_t *list = json_array();
	char name[64];
	int rc = 0;

	for (int i = 0; i < count && rc == 0; i++) {
		(void)snprintf(name, sizeof(name), "%s%05d", prefix, i);
		rc = make_one(name, list, err);
	}
	return rc < 0 ? rc : json_dumpf(list, stdout, JSON_COMPACT);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int rc = -EINVAL;

	if (argc == 4 && strcmp(argv[1], "make") == 0)
		rc = make(atoi(argv[2]), argv[3], &err);
	else if (argc == 6 && strcmp(argv[1], "run") == 0)
		rc = run(argv + 2, &err);
	else
		(void)err_set(&err, rc,
			      "usage: bench-fleet make COUNT PREFIX | "
			      "run HOST PORT CA IDENTITIES");
	if (rc < 0)
		(void)fprintf(stderr, "bench-fleet: %s\n", err.text);
	return rc < 0 ? 1 : 0;
}
