// Hooks with real processes: what a host allows is run as its files say, in order, within its time,
// and again while it fails; what it does not allow is not run.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/file.h"

#include "hooks/hook_file.h"
#include "hooks/hooks.h"

enum { TOLD_MAX = 32, DEADLINE_MS = 10000 };

struct told {
	char kind[32];
	char severity[16];
	char subject[64];
	char text[1024];
};

struct bench {
	char dir[64];
	uv_loop_t loop;
	struct hooks *hooks;
	struct told told[TOLD_MAX];
	size_t n_told, n_wanted;
	bool is_over; // the deadline
};

static void on_tell(void *context, const char *severity, const char *kind, const char *subject,
		    const char *text)
{
	struct bench *b = context;
	struct told *t = &b->told[b->n_told];
	assert_true(b->n_told < TOLD_MAX);
	b->n_told++;
	(void)snprintf(t->kind, sizeof t->kind, "%s", kind);
	(void)snprintf(t->severity, sizeof t->severity, "%s", severity);
	(void)snprintf(t->subject, sizeof t->subject, "%s", subject ? subject : "");
	(void)snprintf(t->text, sizeof t->text, "%s", text);
	if (b->n_told == b->n_wanted)
		uv_stop(&b->loop);
}

static void on_deadline(uv_timer_t *timer)
{
	struct bench *b = timer->data;
	b->is_over = true;
	uv_stop(&b->loop);
}

// Runs the loop until so many things were told.
static void wait_told(struct bench *b, size_t n)
{
	uv_timer_t deadline;
	b->n_wanted = n;
	(void)uv_timer_init(&b->loop, &deadline);
	deadline.data = b;
	(void)uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
	if (b->n_told < n)
		(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&deadline, NULL);
	(void)uv_run(&b->loop, UV_RUN_NOWAIT);
	assert_false(b->is_over);
	assert_true(b->n_told >= n);
}

static void write_file(const struct bench *b, const char *name, const char *content)
{
	char path[160];
	(void)snprintf(path, sizeof path, "%s/%s", b->dir, name);
	assert_int_equal(file_replace(path, content, strlen(content), 0600, NULL), 0);
}

// The hook with %s standing for the directory.
static void write_hook(const struct bench *b, const char *name, const char *format)
{
	CLEAN(free_ptr) char *content = NULL;
	CLEAN(text_free) struct text t = { 0 };
	for (const char *at = format; *at; at++) {
		if (at[0] == '%' && at[1] == 's') {
			text_add(&t, b->dir);
			at++;
		} else {
			text_add_bytes(&t, at, 1);
		}
	}
	content = text_take(&t);
	write_file(b, name, content);
}

static char *read_back(const struct bench *b, const char *name)
{
	char path[160];
	char *data = NULL;
	(void)snprintf(path, sizeof path, "%s/%s", b->dir, name);
	assert_int_equal(file_read(path, 65536, &data, NULL, NULL), 0);
	return data;
}

static bool exists(const struct bench *b, const char *name)
{
	char path[160];
	(void)snprintf(path, sizeof path, "%s/%s", b->dir, name);
	return access(path, F_OK) == 0;
}

static int open_bench(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	if (!b)
		return -1;
	(void)snprintf(b->dir, sizeof b->dir, "/tmp/weft-hooks-XXXXXX");
	if (!mkdtemp(b->dir) || uv_loop_init(&b->loop) < 0)
		return -1;
	b->hooks = hooks_new(&b->loop, b->dir, on_tell, b);
	*state = b;
	return b->hooks ? 0 : -1;
}

static int close_bench(void **state)
{
	struct bench *b = *state;
	char command[128];
	hooks_close(b->hooks);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	int r = uv_loop_close(&b->loop);
	(void)snprintf(command, sizeof command, "rm -rf %s", b->dir);
	r |= system(command);
	free(b);
	return r;
}

static const struct hook_fact facts[] = {
	{ "network", "home" },
	{ "node", "bob" },
	{ "link_interface", "wl3; rm -rf $HOME" },
};

static void fire(struct bench *b, enum hook_event event, const char *subject)
{
	hooks_fire(b->hooks, event, subject, facts, ARRAY_LEN(facts));
}

static void words_are_put_in_without_a_shell(void **state)
{
	struct bench *b = *state;
	write_hook(b, "note.yaml",
		   "events: [link_down]\nsubjects: [link/home/bob]\nuser: root\nrun:\n"
		   "- [/bin/sh, -c, 'printf \"%s|\" \"$@\" > %s/out; env | sort >> %s/out', sh,"
		   " '${event} on ${link_interface}', '$${node}', '$1', '${subject}']\n");
	fire(b, HOOK_LINK_DOWN, "link/home/bob");
	// Another link, and another event, are not its business.
	fire(b, HOOK_LINK_DOWN, "link/home/eve");
	fire(b, HOOK_LINK_UP, "link/home/bob");
	wait_told(b, 1);
	assert_string_equal(b->told[0].kind, "hook_done");
	assert_string_equal(b->told[0].subject, "link/home/bob");
	assert_ptr_equal(strstr(b->told[0].text,
				"hook note for link_down of link/home/bob: 1 command in 0."),
			 b->told[0].text);
	CLEAN(free_ptr) char *out = read_back(b, "out");
	assert_non_null(strstr(out, "WEFT_NODE=bob\n"));
	assert_non_null(strstr(out, "WEFT_LINK_INTERFACE=wl3; rm -rf $HOME\n"));
	assert_null(strstr(out, "SUDO"));
	*strchr(out, '\n') = '\0';
	assert_ptr_equal(strstr(out, "/tmp/"), strstr(out, b->dir));
	assert_int_equal(b->n_told, 1);
}

static void every_command_runs_in_order(void **state)
{
	struct bench *b = *state;
	write_hook(b, "steps.yaml",
		   "events: [link_up, link_down]\nsubjects: [any]\nuser: root\n"
		   "retry: {first: 1h, most: 1h}\nrun:\n"
		   "- [/bin/sh, -c, 'sleep 0.1; echo one ${event} >> %s/log']\n"
		   "- [/bin/sh, -c, 'echo bad luck >&2; exit 3']\n"
		   "- [/bin/sh, -c, 'echo two ${event} >> %s/log']\n");
	fire(b, HOOK_LINK_DOWN, "link/home/bob");
	fire(b, HOOK_LINK_UP, "link/home/bob");
	fire(b, HOOK_LINK_DOWN, "link/home/eve");
	wait_told(b, 3);
	CLEAN(free_ptr) char *log = read_back(b, "log");
	assert_string_equal(log, "one link_down\ntwo link_down\none link_up\ntwo link_up\n"
				 "one link_down\ntwo link_down\n");
	assert_string_equal(b->told[0].kind, "hook_failed");
	assert_string_equal(b->told[0].severity, "warning");
	assert_non_null(strstr(b->told[0].text, "/bin/sh ended with status 3 after 0."));
	assert_non_null(strstr(b->told[0].text, "s: bad luck"));
	// The first had a newer event already; the second is run again, later.
	assert_null(strstr(b->told[0].text, "run again"));
	assert_non_null(strstr(b->told[1].text, "s: bad luck; it is run again in "));
}

static void failing_hook_is_run_again_until_it_succeeds(void **state)
{
	struct bench *b = *state;
	write_hook(b, "stubborn.yaml",
		   "events: [link_down]\nsubjects: [any]\nuser: root\n"
		   "retry: {first: 100ms, most: 200ms}\nrun:\n"
		   "- [/bin/sh, -c, 'echo x >> %s/tries; test $(wc -l < %s/tries) -ge 3']\n");
	fire(b, HOOK_LINK_DOWN, "link/home/bob");
	wait_told(b, 3);
	assert_string_equal(b->told[1].kind, "hook_failed");
	assert_string_equal(b->told[2].kind, "hook_done");
	CLEAN(free_ptr) char *tries = read_back(b, "tries");
	assert_string_equal(tries, "x\nx\nx\n");
}

static void newer_event_ends_the_retries(void **state)
{
	struct bench *b = *state;
	write_hook(b, "down.yaml",
		   "events: [link_down, link_up]\nsubjects: [any]\nuser: root\n"
		   "retry: {first: 300ms, most: 300ms}\nrun:\n"
		   "- [/bin/sh, -c, 'echo ${event} >> %s/log; test ${event} = link_up']\n");
	fire(b, HOOK_LINK_DOWN, "link/home/bob");
	wait_told(b, 1);
	fire(b, HOOK_LINK_UP, "link/home/bob");
	wait_told(b, 2);
	// Were the retry still due, this one would come after it.
	write_hook(b, "later.yaml",
		   "events: [ha_active]\nsubjects: [any]\nuser: root\nrun:\n"
		   "- [/bin/sleep, '0.5']\n");
	fire(b, HOOK_HA_ACTIVE, "ha/paris");
	wait_told(b, 3);
	assert_non_null(strstr(b->told[2].text, "hook later"));
	CLEAN(free_ptr) char *log = read_back(b, "log");
	assert_string_equal(log, "link_down\nlink_up\n");
}

// One that is dead but not yet reaped has ended too.
static bool has_ended(int pid)
{
	char path[64], line[256] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	CLEAN(close_file) FILE *f = fopen(path, "re");
	return !f || !fgets(line, sizeof line, f) || strstr(line, ") Z") || strstr(line, ") X");
}

static void time_is_limited(void **state)
{
	struct bench *b = *state;
	// It ignores the first signal, and leaves a child behind that holds its output open.
	write_hook(b, "slow.yaml",
		   "events: [link_down]\nsubjects: [any]\nuser: root\ntimeout: 200ms\n"
		   "retry: {first: 1h, most: 1h}\nrun:\n"
		   "- [/bin/sh, -c, 'trap \"\" TERM; (sleep 60; echo late > %s/late) & echo $! > "
		   "%s/pid; sleep 60; sleep 60']\n");
	fire(b, HOOK_LINK_DOWN, "link/home/bob");
	wait_told(b, 1);
	assert_non_null(strstr(b->told[0].text, "/bin/sh was ended after its time of 0.2 s"));
	CLEAN(free_ptr) char *pid = read_back(b, "pid");
	// The group goes with it.
	const int64_t until = clock_mono_ms() + DEADLINE_MS;
	while (!has_ended(atoi(pid))) {
		assert_true(clock_mono_ms() < until);
		(void)usleep(2000);
	}
}

static void runs_as_the_user_it_names(void **state)
{
	struct bench *b = *state;
	if (geteuid() != 0)
		skip();
	write_hook(b, "who.yaml",
		   "events: [link_up]\nsubjects: [any]\nrun:\n"
		   "- [/bin/sh, -c, 'id -un; id -G; cat %s/who.yaml']\n");
	fire(b, HOOK_LINK_UP, "link/home/bob");
	wait_told(b, 1);
	assert_non_null(strstr(b->told[0].text, ": nobody 65534 cat: "));
	assert_non_null(strstr(b->told[0].text, "Permission denied"));
}

static void resource_names_only_what_the_host_allows(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };
	write_hook(b, "move-route.yaml",
		   "events: [ha_active]\nuser: root\nrun:\n"
		   "- [/bin/echo, 'epoch ${epoch}']\n");
	const struct hook_fact epoch = { "epoch", "7" };
	assert_int_equal(
		hooks_run(b->hooks, "move-route", HOOK_HA_ACTIVE, "ha/paris", &epoch, 1, &err), 0);
	wait_told(b, 1);
	assert_non_null(strstr(b->told[0].text, ": epoch 7"));
	// It has no subjects: it does not run by itself.
	fire(b, HOOK_HA_ACTIVE, "ha/paris");
	assert_int_equal(
		hooks_run(b->hooks, "move-route", HOOK_HA_INACTIVE, "ha/paris", NULL, 0, &err),
		-EPERM);
	assert_string_equal(err.text, "this host does not allow hook move-route for ha_inactive");
	assert_true(hooks_run(b->hooks, "../note", HOOK_HA_ACTIVE, "ha/paris", NULL, 0, &err) < 0);
	assert_string_equal(err.text, "\"../note\" is no name of a hook");
	assert_int_equal(hooks_run(b->hooks, "none", HOOK_HA_ACTIVE, "x", NULL, 0, &err), -ENOENT);
	// A word that is not known for the event: not run, and not again.
	assert_int_equal(
		hooks_run(b->hooks, "move-route", HOOK_HA_ACTIVE, "ha/paris", NULL, 0, NULL), 0);
	wait_told(b, 2);
	assert_string_equal(b->told[1].text, "hook move-route for ha_active of ha/paris: ${epoch} "
					     "is not known for this event");
}

static void bad_files_are_refused(void **state)
{
	static const struct {
		const char *content, *sentence;
	} bad[] = {
		{ "events: [link_down]\n", "run: must be a list of 1 to 32 commands" },
		{ "run: [[/bin/true]]\n", "events: must name at least one event" },
		{ "events: [link_dwn]\nrun: [[/bin/true]]\n",
		  "events: link_dwn is no event for hooks" },
		{ "events: [link_up]\nrun: [[ls]]\n", "run: ls is not an absolute path" },
		{ "events: [link_up]\nrun: [[/bin/echo, '${link_interfce}']]\n",
		  "run: ${link_interfce} is no word for hooks, did you mean ${link_interface}?" },
		{ "events: [link_up]\nrun: [[/bin/echo, '${node']]\n",
		  "run: \"${node\": no } after ${" },
		{ "events: [link_up]\nrun: [[/bin/echo, 7]]\n",
		  "run: the words of a command are strings; quote them" },
		{ "events: [link_up]\nrun: [[/bin/true]]\nuser: no-such-user\n",
		  "user: there is no user no-such-user" },
		{ "events: [link_up]\nrun: [[/bin/true]]\ntimeout: 1ms\n",
		  "timeout: 1ms is not in 100ms..1h" },
		{ "events: [link_up]\nrun: [[/bin/true]]\nsubject: any\n",
		  "subject: there is no such setting, did you mean subjects?" },
	};
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hook *hook = NULL;
		struct err err = { 0 };
		CLEAN(free_ptr)
		char *want = text_format("%s/bad.yaml: %s", b->dir, bad[i].sentence);
		write_file(b, "bad.yaml", bad[i].content);
		assert_true(hook_load(b->dir, "bad", &hook, &err) < 0);
		assert_string_equal(err.text, want);
	}
	hooks_examine(b->hooks);
	assert_int_equal(b->n_told, 1);
	assert_string_equal(b->told[0].kind, "hook_refused");
}

static void file_that_others_may_write_is_refused(void **state)
{
	struct bench *b = *state;
	char path[160];
	write_hook(b, "open.yaml",
		   "events: [link_up]\nsubjects: [any]\nuser: root\nrun:\n"
		   "- [/bin/touch, %s/ran]\n");
	(void)snprintf(path, sizeof path, "%s/open.yaml", b->dir);
	assert_int_equal(chmod(path, 0620), 0);
	fire(b, HOOK_LINK_UP, "link/home/bob");
	assert_int_equal(b->n_told, 1);
	assert_string_equal(b->told[0].kind, "hook_refused");
	assert_non_null(strstr(b->told[0].text, "may be written by others than its owner"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(b->dir, 0777), 0);
	fire(b, HOOK_LINK_UP, "link/home/bob");
	assert_int_equal(b->n_told, 2);
	assert_int_equal(chmod(b->dir, 0700), 0);
	fire(b, HOOK_LINK_UP, "link/home/bob");
	wait_told(b, 3);
	assert_string_equal(b->told[2].kind, "hook_done");
	assert_true(exists(b, "ran"));
}

static void closing_kills_what_runs(void **state)
{
	struct bench *b = *state;
	write_hook(b, "long.yaml",
		   "events: [link_up]\nsubjects: [any]\nuser: root\nrun:\n"
		   "- [/bin/sh, -c, 'echo ready > %s/ready; exec sleep 60']\n");
	fire(b, HOOK_LINK_UP, "link/home/bob");
	fire(b, HOOK_LINK_UP, "link/home/eve");
	for (int i = 0; i < 5000 && !exists(b, "ready"); i++) {
		(void)uv_run(&b->loop, UV_RUN_NOWAIT);
		(void)usleep(1000);
	}
	assert_true(exists(b, "ready"));
	// close_bench runs the loop to its end: it would hang here otherwise.
	assert_int_equal(b->n_told, 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(words_are_put_in_without_a_shell),
		ON_BENCH(every_command_runs_in_order),
		ON_BENCH(failing_hook_is_run_again_until_it_succeeds),
		ON_BENCH(newer_event_ends_the_retries),
		ON_BENCH(time_is_limited),
		ON_BENCH(runs_as_the_user_it_names),
		ON_BENCH(resource_names_only_what_the_host_allows),
		ON_BENCH(bad_files_are_refused),
		ON_BENCH(file_that_others_may_write_is_refused),
		ON_BENCH(closing_kills_what_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
