#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "loop/notify.h"

#include "run/hooking.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { DEBOUNCE_MS = 100, HINT_GAP_MS = 500, STALE_NAMES_MS = 10000, FRESH_NAMES_MS = 300000 };

static void on_debounced(uv_timer_t *timer)
{
	apply_run(timer->data);
}

void apply_soon(struct agent *agent)
{
	if (uv_is_active((uv_handle_t *)&agent->debounce) || agent->is_stopping)
		return;
	// On a host whose routes never rest, not each of its events is worth a comparison of its
	// own.
	int64_t since = clock_mono_ms() - agent->applied_ms;
	uint64_t wait = since < HINT_GAP_MS ? (uint64_t)(HINT_GAP_MS - since) : 0;
	(void)uv_timer_start(&agent->debounce, on_debounced,
			     wait > DEBOUNCE_MS ? wait : DEBOUNCE_MS, 0);
}

void apply_new_desired(struct agent *agent)
{
	agent->revision_writes = 0;
	agent->is_applied_told = false;
	apply_run(agent);
}

// One number for all errors, to see whether they are those told already.
static struct digest errors_digest(const struct reconcile_result *result)
{
	struct digest sum = { 0 };
	for (size_t i = 0; i < result->errors_len; i++)
		digest_add(&sum, digest_of_entry(result->errors[i].entry, result->errors[i].text,
						 strlen(result->errors[i].text)));
	return sum;
}

static struct digest all_errors_digest(const struct agent *agent)
{
	struct digest sum = errors_digest(&agent->result);
	size_t at = 0;
	for (const char *text; (text = trouble_next(agent, &at));)
		digest_add(&sum, digest_of_entry(TROUBLE_ENTRY, text, strlen(text)));
	return sum;
}

static void log_errors(const struct agent *agent)
{
	for (size_t i = 0; i < agent->result.errors_len; i++) {
		const struct reconcile_error *error = &agent->result.errors[i];
		if (error->blocked_by)
			log_info("%s: blocked by %s", error->entry, error->blocked_by);
		else
			log_error("%s: %s", error->entry, error->text);
	}
}

void apply_tell(struct agent *agent)
{
	struct digest errors = all_errors_digest(agent);
	struct digest digest = entry_set_digest(desired_entries(agent->desired));
	int64_t revision = desired_revision(agent->desired);
	if (agent->is_applied_told && revision == agent->applied_revision &&
	    digest_equal(digest, agent->applied_digest) && digest_equal(errors, agent->errors_told))
		return;
	if (!agent->is_welcome || *agent->apply_error)
		return;
	size_t count = agent->result.errors_len;
	size_t at = 0;
	CLEAN(free_ptr) struct msg_entry_error *list = calloc(count + TROUBLE_COUNT, sizeof *list);
	if (!list)
		return;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct msg_entry_error){ .entry = agent->result.errors[i].entry,
						    .text = agent->result.errors[i].text,
						    .blocked_by =
							    agent->result.errors[i].blocked_by };
	for (const char *text; (text = trouble_next(agent, &at));)
		list[count++] = (struct msg_entry_error){ .entry = TROUBLE_ENTRY, .text = text };
	char refused[ERR_TEXT_SIZE];
	bool has_refused = agent->lockout.state == LOCKOUT_REFUSED;
	lockout_sentence(&agent->lockout, refused, sizeof refused);
	const struct msg msg = { .type = MSG_APPLIED,
				 .applied = { .revision = revision,
					      .refused = has_refused ? agent->lockout.revision : 0,
					      .refused_text = has_refused ? refused : NULL,
					      .digest = digest,
					      .errors = list,
					      .errors_count = count,
					      .writes = agent->revision_writes } };
	session_send(agent, &msg, false);
	agent->is_applied_told = true;
	agent->applied_revision = revision;
	agent->applied_digest = digest;
	agent->errors_told = errors;
}

static void tell_drifts(struct agent *agent)
{
	for (size_t i = 0; i < agent->result.drifts_len; i++) {
		const struct reconcile_drift *drift = &agent->result.drifts[i];
		log_warn("drift: %s", drift->text);
		session_event(agent, "warning", "drift_repaired", drift->entry, drift->text);
	}
}

static bool peer_is_up(const struct entry_set *observed, const char *key, bool *ret_known)
{
	size_t len;
	const char *body = entry_set_get(observed, key, &len);
	CLEAN(json_decref_ptr) json_t *json = body ? json_loadb(body, len, 0, NULL) : NULL;
	const char *state = json_string_value(json_object_get(json, "state"));
	*ret_known = state != NULL;
	return state && strcmp(state, "up") == 0;
}

// `key` is "peer/NETWORK/NODE".
static void tell_link(struct agent *agent, const char *key, bool is_up)
{
	const char *peer = strrchr(key, '/') + 1;
	CLEAN(free_ptr)
	char *text = text_format("the link to %s is %s", peer,
				 is_up ? "up" : "down: no handshake for 180 s");
	if (!text)
		return;
	session_event(agent, is_up ? "info" : "warning", is_up ? "link_up" : "link_down", key,
		      text);
	hooking_link(agent, is_up ? HOOK_LINK_UP : HOOK_LINK_DOWN, key + strlen("peer/"), text);
}

// Says which links came and went; returns whether every peer is up.
static bool tell_links(struct agent *agent, const struct entry_set *before,
		       const struct entry_set *now)
{
	bool all_up = true;
	struct entry_change entry;
	for (size_t at = 0; entry_set_next_under(now, "peer/", &at, &entry);) {
		bool known;
		bool known_before;
		bool is_up = peer_is_up(now, entry.key, &known);
		bool was_up = peer_is_up(before, entry.key, &known_before);
		bool forwards;
		// Whoever measures the link tells of it.
		if (links_verdict(agent, now, strchr(entry.key, '/') + 1, &forwards)) {
			all_up &= forwards;
			continue;
		}
		all_up &= is_up;
		// What was up before this program started is no news.
		if (is_up == was_up || (!known_before && !is_up) || entry_set_count(before) == 0)
			continue;
		log_info("%s: %s", entry.key, is_up ? "up" : "no handshake for 180 s");
		tell_link(agent, entry.key, is_up);
	}
	return all_up;
}

void apply_tell_observed(struct agent *agent)
{
	struct err err = { 0 };
	if (!agent->is_welcome)
		return;
	if (report_observed(agent->report, agent->observed, session_emit, agent, &err) < 0)
		log_warn("observed state: %s", err.text);
}

static void observe(struct agent *agent, const struct reconcile_now *now)
{
	struct err err = { 0 };
	const struct reconcile_self self = { .version = weft_version(),
					     .boot_id = agent->boot_id,
					     .csum_offload = checksum_verdict(agent->checksum) };
	CLEAN(entry_set_free_ptr) struct entry_set *fresh = entry_set_new();
	if (!fresh || reconcile_observe(agent->reconcile, &self, now, fresh, &err) < 0) {
		log_warn("observed state: %s", err.text);
		return;
	}
	examine_observe(agent, fresh);
	links_observe(agent, fresh);
	groups_observe(agent, fresh);
	resolver_observe(agent->resolver, fresh);
	splitter_observe(agent->splitter, fresh);
	routes_observe(agent, fresh);
	gateways_observe(agent, fresh);
	bool all_up = tell_links(agent, agent->observed, fresh);
	entry_set_free(agent->observed);
	agent->observed = take_ptr(&fresh);
	apply_tell_observed(agent);
	// A peer that does not answer may have moved to an address that only its name knows.
	names_refresh(agent->names, all_up ? FRESH_NAMES_MS : STALE_NAMES_MS);
}

static void take_failure(struct agent *agent, const char *text)
{
	if (strcmp(agent->apply_error, text) != 0)
		log_error("reconcile: %s", text);
	(void)snprintf(agent->apply_error, sizeof agent->apply_error, "%s", text);
}

static void take_result(struct agent *agent, struct reconcile_result *result)
{
	struct digest before = errors_digest(&agent->result);
	reconcile_result_done(&agent->result);
	agent->result = *result;
	agent->apply_error[0] = '\0';
	agent->revision_writes += result->writes;
	if (!digest_equal(before, errors_digest(result)))
		log_errors(agent);
	tell_drifts(agent);
	apply_tell(agent);
}

// While nobody knows whether what stands in the kernel is wanted, it is left alone.
static bool is_held(const struct agent *agent)
{
	return !desired_is_known(agent->desired) || clock_mono_ms() < agent->hold_until_ms;
}

// Negative when the kernel could not be read.
static int compare_and_apply(struct agent *agent, const struct reconcile_now *now)
{
	struct err err = { 0 };
	struct reconcile_result result = { 0 };
	const struct entry_set *desired = desired_entries(agent->desired);
	if (is_held(agent))
		return 0;
	gateways_begin(agent);
	int r = reconcile_run(agent->reconcile, desired, now, &result, &err);
	gateways_end(agent, r == 0);
	agent->applied_ms = clock_mono_ms();
	if (r < 0) {
		take_failure(agent, err.text);
		return r;
	}
	bool made = result.writes > 0;
	if (result.again_ms > 0 && !uv_is_active((uv_handle_t *)&agent->debounce))
		(void)uv_timer_start(&agent->debounce, on_debounced, (uint64_t)result.again_ms, 0);
	take_result(agent, &result);
	checksum_update(agent->checksum, desired, made);
	tree_update(agent->tree, desired);
	return 0;
}

void apply_run(struct agent *agent)
{
	const struct entry_set *desired = desired_entries(agent->desired);
	const struct reconcile_now now = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };
	(void)uv_timer_stop(&agent->debounce);
	if (agent->is_leaving || compare_and_apply(agent, &now) < 0)
		return;
	links_update(agent);
	links_traffic(agent);
	groups_update(agent);
	resolver_update(agent->resolver);
	splitter_update(agent->splitter);
	observe(agent, &now);
	probe_update(agent->probe, desired, agent->observed);
	if (!agent->is_ready_told)
		(void)notify_ready();
	agent->is_ready_told = true;
}
