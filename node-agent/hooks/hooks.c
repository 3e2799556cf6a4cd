#include "hooks/hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/backoff.h"

#include "hooks/hook_file.h"
#include "hooks/hook_step.h"

enum { JOBS_MAX = 64, FACTS_MAX = 32, SENTENCE_MAX = 1024 };

// One run that is due.
struct job {
	struct job *next;
	enum hook_event event;
	char *subject;
	struct hook_fact facts[FACTS_MAX];
	size_t n_facts;
	struct backoff backoff; // failures so far
	uint64_t due_ms;
};

// The runs of one hook.
struct lane {
	struct lane *next;
	struct hooks *hooks;
	char name[HOOK_NAME_MAX];
	struct job *jobs; // in the order of their events
	size_t n_jobs;
	uv_timer_t timer;
	struct job *job; // that runs
	struct hook *hook;
	size_t at; // its command
	struct hook_step *step;
	uint64_t began_ms;
	char failure[SENTENCE_MAX]; // of the first command that failed
	bool is_hopeless;           // it would fail again
	char output[HOOK_OUTPUT_MAX + 1];
};

struct hooks {
	uv_loop_t *loop;
	char *dir;
	hooks_tell_fn tell;
	void *context;
	struct lane *lanes;
	size_t open; // lanes whose timer is not closed yet
	bool is_closing;
};

static void lane_next(struct lane *lane);

// ---- jobs ----

static void job_free(struct job *job)
{
	if (!job)
		return;
	for (size_t i = 0; i < job->n_facts; i++) {
		free((char *)(uintptr_t)job->facts[i].word);
		free((char *)(uintptr_t)job->facts[i].value);
	}
	free(job->subject);
	free(job);
}

static bool add_fact(struct job *job, const char *word, const char *value)
{
	struct hook_fact *fact = &job->facts[job->n_facts];
	if (job->n_facts == FACTS_MAX)
		return false;
	job->n_facts++;
	fact->word = strdup(word);
	fact->value = strdup(value);
	return fact->word && fact->value;
}

static struct job *job_new(enum hook_event event, const char *subject,
			   const struct hook_fact *facts, size_t n)
{
	struct job *job = calloc(1, sizeof *job);
	if (!job)
		return NULL;
	job->event = event;
	job->subject = strdup(subject);
	bool is_good = job->subject && add_fact(job, "event", hook_event_name(event)) &&
		       add_fact(job, "subject", subject);
	for (size_t i = 0; i < n; i++)
		is_good = is_good && add_fact(job, facts[i].word, facts[i].value);
	if (is_good)
		return job;
	job_free(job);
	return NULL;
}

static void append(struct lane *lane, struct job *job)
{
	struct job **at = &lane->jobs;
	while (*at)
		at = &(*at)->next;
	job->next = NULL;
	*at = job;
	lane->n_jobs++;
}

static struct job *unlink_job(struct lane *lane, struct job **at)
{
	struct job *job = *at;
	*at = job->next;
	lane->n_jobs--;
	return job;
}

static bool has_newer(const struct lane *lane, const struct job *job)
{
	for (const struct job *other = lane->jobs; other; other = other->next) {
		if (strcmp(other->subject, job->subject) == 0)
			return true;
	}
	return false;
}

// A failed run is not tried again once its subject has a newer event.
static void drop_retries(struct lane *lane, const char *subject)
{
	for (struct job **at = &lane->jobs; *at;) {
		if ((*at)->backoff.failures && strcmp((*at)->subject, subject) == 0)
			job_free(unlink_job(lane, at));
		else
			at = &(*at)->next;
	}
}

// ---- telling ----

static void tell(const struct lane *lane, const char *severity, const char *kind,
		 const struct job *job, const char *what)
{
	char text[SENTENCE_MAX];
	(void)snprintf(text, sizeof text, "hook %s for %s of %s: %s", lane->name,
		       hook_event_name(job->event), job->subject, what);
	lane->hooks->tell(lane->hooks->context, severity, kind, job->subject, text);
}

static void note_failure(struct lane *lane, const char *program, const struct hook_outcome *o)
{
	char how[64];
	if (lane->failure[0])
		return;
	if (o->is_late)
		(void)snprintf(how, sizeof how, "was ended after its time of %.1f s",
			       (double)lane->hook->timeout_ms / 1e3);
	else if (o->signal)
		(void)snprintf(how, sizeof how, "was ended by signal %d", o->signal);
	else
		(void)snprintf(how, sizeof how, "ended with status %d after %.2f s", o->status,
			       (double)o->took_ms / 1e3);
	(void)snprintf(lane->failure, sizeof lane->failure, "%.200s %s%s%s", program, how,
		       o->output[0] ? ": " : "", o->output);
}

// ---- running ----

static void end_job(struct lane *lane)
{
	struct job *job = take_ptr(&lane->job);
	char what[SENTENCE_MAX];
	double took = (double)(uv_now(lane->hooks->loop) - lane->began_ms) / 1e3;
	if (!lane->failure[0]) {
		(void)snprintf(what, sizeof what, "%zu command%s in %.2f s%s%s",
			       lane->hook->n_steps, lane->hook->n_steps == 1 ? "" : "s", took,
			       lane->output[0] ? ": " : "", lane->output);
		tell(lane, "info", "hook_done", job, what);
		job_free(job);
	} else if (lane->is_hopeless || has_newer(lane, job)) {
		tell(lane, "warning", "hook_failed", job, lane->failure);
		job_free(job);
	} else {
		job->backoff.first_ms = lane->hook->retry_first_ms;
		job->backoff.max_ms = lane->hook->retry_most_ms;
		uint32_t pause = backoff_next_ms(&job->backoff, (uint32_t)uv_hrtime());
		job->due_ms = uv_now(lane->hooks->loop) + pause;
		(void)snprintf(what, sizeof what, "%.900s; it is run again in %.1f s",
			       lane->failure, (double)pause / 1e3);
		tell(lane, "warning", "hook_failed", job, what);
		append(lane, job);
	}
	hook_free(take_ptr(&lane->hook));
	lane_next(lane);
}

static void free_strings(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
}

static int make_environment(const struct job *job, const struct hook *hook, char **ret)
{
	size_t n = 0;
	ret[n++] = text_format("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	ret[n++] = text_format("LANG=C.UTF-8");
	ret[n++] = text_format("USER=%s", hook->user);
	for (size_t i = 0; i < job->n_facts; i++)
		ret[n++] = hook_words_variable(&job->facts[i]);
	for (size_t i = 0; i < n; i++) {
		if (!ret[i])
			return -ENOMEM;
	}
	return 0;
}

static void on_step_done(void *context, const struct hook_outcome *outcome);

static int start_step(struct lane *lane, struct err *err)
{
	char *const *words = lane->hook->argv[lane->at];
	char *argv[HOOK_ARGUMENTS_MAX + 1] = { 0 };
	char *env[FACTS_MAX + 4] = { 0 };
	const struct job *job = lane->job;
	int r = make_environment(job, lane->hook, env);
	if (r < 0)
		(void)err_set(err, r, "out of memory");
	for (size_t i = 0; r == 0 && words[i]; i++)
		r = hook_words_expand(words[i], job->facts, job->n_facts, &argv[i], err);
	const struct hook_command command = { .argv = argv,
					      .env = env,
					      .uid = lane->hook->uid,
					      .gid = lane->hook->gid,
					      .timeout_ms = lane->hook->timeout_ms };
	if (r == 0)
		r = hook_step_start(lane->hooks->loop, &command, on_step_done, lane, &lane->step,
				    err);
	free_strings(argv, ARRAY_LEN(argv));
	free_strings(env, ARRAY_LEN(env));
	return r;
}

// From the command `at` on: until one is under way, or none is left.
static void run_on(struct lane *lane)
{
	for (; lane->at < lane->hook->n_steps; lane->at++) {
		struct err err = { 0 };
		int r = start_step(lane, &err);
		if (r == 0)
			return;
		lane->is_hopeless |= r == -ENODATA;
		if (!lane->failure[0])
			(void)snprintf(lane->failure, sizeof lane->failure, "%s", err.text);
	}
	end_job(lane);
}

static void on_step_done(void *context, const struct hook_outcome *outcome)
{
	struct lane *lane = context;
	lane->step = NULL;
	if (!outcome->is_good)
		note_failure(lane, lane->hook->argv[lane->at][0], outcome);
	if (outcome->output[0])
		(void)snprintf(lane->output, sizeof lane->output, "%s", outcome->output);
	lane->at++;
	run_on(lane);
}

static void begin(struct lane *lane, struct job *job)
{
	struct err err = { 0 };
	if (hook_load(lane->hooks->dir, lane->name, &lane->hook, &err) < 0) {
		tell(lane, "warning", "hook_failed", job, err.text);
		job_free(job);
		return;
	}
	lane->job = job;
	lane->at = 0;
	lane->failure[0] = '\0';
	lane->output[0] = '\0';
	lane->is_hopeless = false;
	lane->began_ms = uv_now(lane->hooks->loop);
	run_on(lane);
}

// Starts what is due, on a turn of the loop of its own: an event's source does not wait for hooks.
static void on_due(uv_timer_t *timer)
{
	struct lane *lane = timer->data;
	uint64_t now = uv_now(lane->hooks->loop);
	for (struct job **at = &lane->jobs; *at && !lane->job; at = &(*at)->next) {
		if ((*at)->due_ms <= now) {
			begin(lane, unlink_job(lane, at));
			break;
		}
	}
	lane_next(lane);
}

static void lane_next(struct lane *lane)
{
	uint64_t now = uv_now(lane->hooks->loop), next = UINT64_MAX;
	for (const struct job *job = lane->jobs; job; job = job->next)
		next = job->due_ms < next ? job->due_ms : next;
	if (lane->jobs && !lane->job && !lane->hooks->is_closing)
		(void)uv_timer_start(&lane->timer, on_due, next > now ? next - now : 0, 0);
}

// ---- the door ----

static struct lane *lane_of(struct hooks *hooks, const char *name)
{
	struct lane *lane = hooks->lanes;
	while (lane && strcmp(lane->name, name) != 0)
		lane = lane->next;
	if (lane)
		return lane;
	lane = calloc(1, sizeof *lane);
	if (!lane)
		return NULL;
	lane->hooks = hooks;
	(void)snprintf(lane->name, sizeof lane->name, "%s", name);
	(void)uv_timer_init(hooks->loop, &lane->timer);
	lane->timer.data = lane;
	lane->next = hooks->lanes;
	hooks->lanes = lane;
	hooks->open++;
	return lane;
}

static int enqueue(struct hooks *hooks, const char *name, struct job *job, struct err *err)
{
	struct lane *lane = job ? lane_of(hooks, name) : NULL;
	if (!lane) {
		job_free(job);
		return err_set(err, -ENOMEM, "out of memory");
	}
	drop_retries(lane, job->subject);
	if (lane->n_jobs == JOBS_MAX) {
		struct job *oldest = unlink_job(lane, &lane->jobs);
		tell(lane, "warning", "hook_failed", oldest,
		     "not run, since too many of its runs wait");
		job_free(oldest);
	}
	append(lane, job);
	uv_update_time(hooks->loop);
	lane_next(lane);
	return 0;
}

struct hooks *hooks_new(uv_loop_t *loop, const char *dir, hooks_tell_fn tell_fn, void *context)
{
	struct hooks *hooks = calloc(1, sizeof *hooks);
	if (!hooks)
		return NULL;
	hooks->loop = loop;
	hooks->tell = tell_fn;
	hooks->context = context;
	hooks->dir = strdup(dir);
	if (hooks->dir)
		return hooks;
	free(hooks);
	return NULL;
}

static void hooks_free(struct hooks *hooks)
{
	free(hooks->dir);
	free(hooks);
}

static void on_lane_closed(uv_handle_t *handle)
{
	struct lane *lane = handle->data;
	struct hooks *hooks = lane->hooks;
	while (lane->jobs)
		job_free(unlink_job(lane, &lane->jobs));
	job_free(lane->job);
	hook_free(lane->hook);
	free(lane);
	if (--hooks->open == 0)
		hooks_free(hooks);
}

void hooks_close(struct hooks *hooks)
{
	if (!hooks)
		return;
	hooks->is_closing = true;
	if (hooks->open == 0)
		hooks_free(hooks);
	else
		for (struct lane *lane = hooks->lanes; lane; lane = lane->next) {
			hook_step_stop(lane->step);
			uv_close((uv_handle_t *)&lane->timer, on_lane_closed);
		}
}

// Calls `each` for every hook that can be read; tells of the others.
static void for_each_hook(struct hooks *hooks,
			  void (*each)(struct hooks *hooks, const char *name,
				       const struct hook *hook, const struct job *job),
			  const struct job *job)
{
	char **names = NULL;
	size_t n = 0;
	struct err err = { 0 };
	if (hook_names(hooks->dir, &names, &n, &err) < 0) {
		hooks->tell(hooks->context, "warning", "hook_refused", NULL, err.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		CLEAN(hook_free_ptr) struct hook *hook = NULL;
		if (hook_load(hooks->dir, names[i], &hook, &err) < 0)
			hooks->tell(hooks->context, "warning", "hook_refused", NULL, err.text);
		else if (each)
			each(hooks, names[i], hook, job);
		free(names[i]);
	}
	free(names);
}

void hooks_examine(struct hooks *hooks)
{
	for_each_hook(hooks, NULL, NULL);
}

static void fire_one(struct hooks *hooks, const char *name, const struct hook *hook,
		     const struct job *job)
{
	// The first two facts are made of the event.
	if (hook_listens(hook, job->event, job->subject))
		(void)enqueue(hooks, name,
			      job_new(job->event, job->subject, job->facts + 2, job->n_facts - 2),
			      NULL);
}

void hooks_fire(struct hooks *hooks, enum hook_event event, const char *subject,
		const struct hook_fact *facts, size_t n)
{
	struct job *pattern = job_new(event, subject, facts, n);
	if (pattern)
		for_each_hook(hooks, fire_one, pattern);
	job_free(pattern);
}

int hooks_run(struct hooks *hooks, const char *name, enum hook_event event, const char *subject,
	      const struct hook_fact *facts, size_t n, struct err *err)
{
	CLEAN(hook_free_ptr) struct hook *hook = NULL;
	int r = hook_load(hooks->dir, name, &hook, err);
	if (r < 0)
		return r;
	if (!(hook->events_mask >> event & 1))
		return err_set(err, -EPERM, "this host does not allow hook %s for %s", name,
			       hook_event_name(event));
	return enqueue(hooks, name, job_new(event, subject, facts, n), err);
}
