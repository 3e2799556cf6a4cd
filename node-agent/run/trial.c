// Does what the lockout machine orders: keeps the state before, on disk and in hand, and exchanges
// it with the one in force.
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include "run/state.h"

enum { TICK_MS = 1000, RECORD_MAX = 4096 };

static void note_failure(struct agent *agent, const struct err *err)
{
	log_error("state before: %s", err->text);
	session_event(agent, "error", "state_not_saved", NULL, err->text);
}

static void save_record(struct agent *agent)
{
	struct err err = { 0 };
	CLEAN(free_ptr) char *text = lockout_write(&agent->lockout);
	int r = text ? file_replace(agent->paths.lockout, text, strlen(text), 0600, &err)
		     : err_set(&err, -ENOMEM, "out of memory");
	if (r < 0)
		note_failure(agent, &err);
}

static void save_other(struct agent *agent, const struct desired *desired, const char *path)
{
	struct err err = { 0 };
	if (desired_save(desired, path, &err) < 0)
		note_failure(agent, &err);
}

static void delete_other(const char *path)
{
	struct err err = { 0 };
	if (file_delete_kept(path, &err) < 0)
		log_warn("state before: %s", err.text);
}

// Nothing is to be gone back to, or forth.
static void forget(struct agent *agent)
{
	(void)uv_timer_stop(&agent->trial);
	desired_free(take_ptr(&agent->other));
	if (agent->lockout.state == LOCKOUT_REFUSED)
		save_record(agent);
	else
		(void)unlink(agent->paths.lockout);
	delete_other(agent->paths.before);
	delete_other(agent->paths.tried);
}

// The other state comes in force. Each file is written before the record that needs it, and the
// record before the state in force: whenever the process ends, the next one finds both states.
static void exchange(struct agent *agent, const char *path_of_former)
{
	struct desired *former = agent->desired;
	save_other(agent, former, path_of_former);
	save_record(agent);
	agent->desired = agent->other;
	agent->other = former;
	session_save(agent);
	apply_new_desired(agent);
	// The next session begins with a hello that tells the state now in force; at once, since
	// each second of waiting counts.
	uplink_drop(agent->uplink, "another state is in force", false);
	uplink_nudge(agent->uplink);
}

static void undo(struct agent *agent)
{
	log_error("revision %" PRId64 ": no answer of the controller since it is in force; back to "
		  "revision %" PRId64,
		  agent->lockout.revision, desired_revision(agent->other));
	exchange(agent, agent->paths.tried);
}

static void redo(struct agent *agent)
{
	log_warn("revision %" PRId64 ": the controller does not answer under revision %" PRId64
		 " either, so it is in force again",
		 agent->lockout.revision, desired_revision(agent->desired));
	if (agent->lockout.state == LOCKOUT_TRIAL)
		lockout_applied(&agent->lockout, clock_mono_ms());
	exchange(agent, agent->paths.before);
	if (agent->lockout.state == LOCKOUT_CALM)
		forget(agent);
}

static void refuse(struct agent *agent)
{
	char text[ERR_TEXT_SIZE];
	lockout_sentence(&agent->lockout, text, sizeof text);
	log_error("%s", text);
	session_event(agent, "error", "revision_undone", NULL, text);
	agent->is_applied_told = false;
	forget(agent);
}

static void forgive(struct agent *agent)
{
	static const char text[] = "the controller was restarted while a new revision was on "
				   "trial: the revision may be tried again";
	log_info("%s", text);
	session_event(agent, "info", "revision_forgiven", NULL, text);
	forget(agent);
}

static void obey(struct agent *agent, enum lockout_order order)
{
	switch (order) {
	case LOCKOUT_NOTHING:
		return;
	case LOCKOUT_ASK:
		uplink_nudge(agent->uplink);
		return;
	case LOCKOUT_KEEP:
		log_debug("the controller answers under revision %" PRId64,
			  desired_revision(agent->desired));
		forget(agent);
		return;
	case LOCKOUT_UNDO:
		undo(agent);
		return;
	case LOCKOUT_REDO:
		redo(agent);
		return;
	case LOCKOUT_REFUSE:
		refuse(agent);
		return;
	case LOCKOUT_FORGIVE:
		forgive(agent);
		return;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	obey(agent, lockout_tick(&agent->lockout, clock_mono_ms()));
}

struct desired *trial_copy(const struct agent *agent)
{
	return lockout_is_proven(&agent->lockout) ? desired_copy(agent->desired) : NULL;
}

void trial_begin(struct agent *agent, struct desired *before)
{
	bool is_new = lockout_is_proven(&agent->lockout);
	lockout_begin(&agent->lockout, desired_revision(agent->desired),
		      entry_set_digest(desired_entries(agent->desired)),
		      before ? desired_revision(before) : 0);
	if (is_new) {
		desired_free(agent->other);
		agent->other = before;
	} else {
		desired_free(before);
	}
	if (!agent->other) {
		// Without memory for the state before there is nothing to go back to.
		agent->lockout = (struct lockout){ 0 };
		return;
	}
	if (is_new)
		save_other(agent, agent->other, agent->paths.before);
	save_record(agent);
}

void trial_applied(struct agent *agent)
{
	if (agent->lockout.state != LOCKOUT_TRIAL)
		return;
	lockout_applied(&agent->lockout, clock_mono_ms());
	(void)uv_timer_start(&agent->trial, on_tick, TICK_MS, TICK_MS);
	uplink_ping(agent->uplink);
}

bool trial_refuses(const struct agent *agent, struct digest digest)
{
	return lockout_refuses(&agent->lockout, digest);
}

void trial_target(struct agent *agent, int64_t revision)
{
	bool was_refused = agent->lockout.state == LOCKOUT_REFUSED;
	lockout_target(&agent->lockout, revision);
	if (!was_refused || agent->lockout.state == LOCKOUT_REFUSED)
		return;
	agent->is_applied_told = false;
	forget(agent);
}

void trial_answered(struct agent *agent, int64_t uptime_ms)
{
	obey(agent, lockout_answer(&agent->lockout, clock_mono_ms(), uptime_ms));
}

bool trial_retry(struct agent *agent)
{
	if (!lockout_retry(&agent->lockout))
		return false;
	agent->is_applied_told = false;
	forget(agent);
	return true;
}

// ---- after a restart ----

// True when the file held a state.
static bool load_other(struct agent *agent, const char *path)
{
	struct err err = { 0 };
	CLEAN(desired_free_ptr) struct desired *other = desired_new();
	if (!other || access(path, F_OK) < 0)
		return false;
	// An earlier generation would be another state than the one the record speaks of.
	if (desired_load(other, path, &err) != FILE_FOUND) {
		log_error("state before: %s", err.text);
		return false;
	}
	agent->other = take_ptr(&other);
	return true;
}

static bool is_tried_in_force(const struct agent *agent)
{
	return digest_equal(entry_set_digest(desired_entries(agent->desired)),
			    agent->lockout.digest);
}

// What the record says was being done when the process ended. False when its files do not fit it.
static bool resume(struct agent *agent)
{
	bool is_tried = is_tried_in_force(agent);
	switch (agent->lockout.state) {
	case LOCKOUT_TRIAL:
		return is_tried ? load_other(agent, agent->paths.before)
				: load_other(agent, agent->paths.tried);
	case LOCKOUT_UNDONE:
	case LOCKOUT_REFUSED:
		return is_tried ? load_other(agent, agent->paths.before)
				: agent->lockout.state == LOCKOUT_REFUSED ||
					  load_other(agent, agent->paths.tried);
	case LOCKOUT_CALM:
		break;
	}
	return false;
}

void trial_load(struct agent *agent)
{
	struct err err = { 0 };
	CLEAN(free_ptr) char *text = NULL;
	if (access(agent->paths.lockout, F_OK) < 0)
		return;
	int r = file_read(agent->paths.lockout, RECORD_MAX, &text, NULL, &err);
	if (r == 0)
		r = lockout_read(&agent->lockout, text, &err);
	if (r < 0)
		log_error("%s: %s", agent->paths.lockout, err.text);
	if (r < 0 || !resume(agent)) {
		agent->lockout = (struct lockout){ 0 };
		return;
	}
	bool want_tried = agent->lockout.state == LOCKOUT_TRIAL;
	if (want_tried != is_tried_in_force(agent)) {
		struct desired *former = agent->desired;
		agent->desired = agent->other;
		agent->other = former;
	}
	lockout_resume(&agent->lockout, clock_mono_ms());
}

void trial_start(struct agent *agent)
{
	bool is_open =
		agent->lockout.state == LOCKOUT_TRIAL || agent->lockout.state == LOCKOUT_UNDONE;
	// Without an identity no controller will ever answer, whatever is in force.
	if (is_open && agent->uplink)
		(void)uv_timer_start(&agent->trial, on_tick, TICK_MS, TICK_MS);
}
