// What probing costs: one end of many links in this process, the other ends in another one, over
// the loopback device. Prints the CPU time of this end, system calls and the kernel's UDP included:
// it asks, answers, and takes what comes back. What the loopback device delivers is counted where
// it was sent: each side pays for the other's receiving. The other ends are counted apart; they
// have an address, and so two sockets, for each link.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"

#include "probe/prober.h"

enum { LINKS_MAX = 4000, WARM_UP_S = 4 };

static uint16_t port; // of both ends of this run: others may measure on this host too

struct names {
	char key[16];
	char far[16];
};

static void on_change(void *context, const struct prober_change *change)
{
	(void)change;
	++*(int *)context;
}

struct cpu {
	int64_t user_us, kernel_us;
};

static struct cpu cpu_used(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (struct cpu){ u.ru_utime.tv_sec * INT64_C(1000000) + u.ru_utime.tv_usec,
			     u.ru_stime.tv_sec * INT64_C(1000000) + u.ru_stime.tv_usec };
}

// Of another process, to a clock tick.
static int64_t cpu_of(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user = 0, kernel = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	// The name is in parentheses and has no spaces.
	if (!f || !fgets(line, sizeof line, f) ||
	    sscanf(line, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		   &kernel) != 2)
		user = kernel = 0;
	if (f)
		(void)fclose(f);
	return (int64_t)(user + kernel) * 1000000 / sysconf(_SC_CLK_TCK);
}

static void on_time(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void run_for(uv_loop_t *loop, uint64_t seconds)
{
	uv_timer_t timer;
	(void)uv_timer_init(loop, &timer);
	(void)uv_timer_start(&timer, on_time, seconds * 1000, 0);
	(void)uv_run(loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
}

// `is_far`: the other ends, each with an address of its own.
static struct prober *start(uv_loop_t *loop, int links, int64_t interval_ms, bool is_far,
			    int *changes)
{
	struct err err = { 0 };
	struct prober *prober = NULL;
	CLEAN(free_ptr) struct names *names = calloc((size_t)links, sizeof *names);
	CLEAN(free_ptr) struct prober_target *targets = calloc((size_t)links, sizeof *targets);
	if (!names || !targets)
		return NULL;
	for (int i = 0; i < links; i++) {
		(void)snprintf(names[i].key, sizeof names[i].key, "net/n%d", i);
		(void)snprintf(names[i].far, sizeof names[i].far, "127.2.%d.%d", i / 250,
			       i % 250 + 1);
		targets[i] = (struct prober_target){ .key = names[i].key,
						     .own_name = "near",
						     .peer_name = names[i].key,
						     .device = "lo",
						     .own = is_far ? names[i].far : "127.1.0.1",
						     .peer = is_far ? "127.1.0.1" : names[i].far,
						     .port = port,
						     .judge = judge_config_default() };
		memset(targets[i].secret, i, sizeof targets[i].secret);
		targets[i].judge.interval_us = interval_ms * 1000;
	}
	if (prober_new(loop, on_change, changes, &prober, &err) < 0 ||
	    prober_set(prober, targets, (size_t)links, &err) < 0) {
		(void)fprintf(stderr, "bench-probe: %s\n", err.text);
		prober_close(prober);
		return NULL;
	}
	return prober;
}

static int far_ends(int links, int64_t interval_ms)
{
	uv_loop_t loop;
	int changes = 0;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)uv_loop_init(&loop);
	struct prober *prober = start(&loop, links, interval_ms, true, &changes);
	return prober ? uv_run(&loop, UV_RUN_DEFAULT) : 1;
}

static int measure(int links, int64_t interval_ms, int seconds, pid_t other)
{
	uv_loop_t loop;
	int changes = 0;
	struct prober_reading one;
	char key[16];
	uint64_t lost = 0, sent = 0;
	int up = 0;
	(void)uv_loop_init(&loop);
	struct prober *prober = start(&loop, links, interval_ms, false, &changes);
	if (!prober)
		return 1;
	run_for(&loop, WARM_UP_S + 5 * (uint64_t)interval_ms / 1000);
	const struct cpu before = cpu_used();
	const int64_t others_before = cpu_of(other);
	run_for(&loop, (uint64_t)seconds);
	const struct cpu after = cpu_used();
	const double others = (double)(cpu_of(other) - others_before) / 1e4 / seconds;
	const double user = (double)(after.user_us - before.user_us) / 1e4 / seconds;
	const double kernel = (double)(after.kernel_us - before.kernel_us) / 1e4 / seconds;
	for (int i = 0; i < links; i++) {
		(void)snprintf(key, sizeof key, "net/n%d", i);
		if (!prober_read(prober, key, &one))
			continue;
		up += one.state == JUDGE_UP;
		lost += one.counts.lost;
		sent += one.counts.sent;
	}
	(void)printf("%d links every %" PRId64
		     " ms: %.2f %% of a core (program %.2f, kernel %.2f); the other ends %.1f %%; "
		     "%d up, %" PRIu64 " of %" PRIu64 " lost\n",
		     links, interval_ms, user + kernel, user, kernel, others, up, lost, sent);
	prober_close(prober);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	return up == links ? 0 : 1;
}

int main(int argc, char **argv)
{
	const int links = argc == 4 ? atoi(argv[1]) : 0;
	const int interval_ms = argc == 4 ? atoi(argv[2]) : 0;
	const int seconds = argc == 4 ? atoi(argv[3]) : 0;
	if (links < 1 || links > LINKS_MAX || interval_ms < 1 || seconds < 1) {
		(void)fprintf(stderr, "usage: bench-probe LINKS INTERVAL-MS SECONDS\n");
		return 2;
	}
	port = (uint16_t)(10000 + getpid() % 20000);
	const pid_t child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		_exit(far_ends(links, interval_ms));
	const int r = measure(links, interval_ms, seconds, child);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return r;
}
