// What the parts of the running agent share. Private to run/.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/map.h"

#include "bridge/tree.h"
#include "desired/desired.h"
#include "ha/ha.h"
#include "hooks/hooks.h"
#include "kernel/kernel.h"
#include "lockout/lockout.h"
#include "path/paths.h"
#include "probe/checksum.h"
#include "probe/icmp.h"
#include "probe/ping.h"
#include "probe/probe.h"
#include "probe/prober.h"
#include "reconcile/reconcile.h"
#include "report/control.h"
#include "report/report.h"
#include "run/child.h"
#include "run/explaining.h"
#include "run/gateways.h"
#include "run/groups.h"
#include "run/links.h"
#include "run/names.h"
#include "run/resolver.h"
#include "run/routes.h"
#include "run/splitter.h"
#include "run/trouble.h"
#include "run/wires.h"
#include "settings.h"
#include "uplink/identity.h"
#include "uplink/uplink.h"

enum { AGENT_REQUESTS_MAX = 8, AGENT_ASKS_MAX = 4 };

// The files below state_dir and run_dir.
struct agent_paths {
	char *desired;
	char *lockout; // record of the revision on trial or refused
	char *before;  // the state before it
	char *tried;   // the state it makes, while the one before is in force
	char *restore;
	char *wg_key;
	char *settings; // as they were at the last good start
	char *clock;
	char *control;
	char *lock;
	char *tree; // what the spanning trees know
};

// A request of the controller that is still being worked on.
struct agent_request {
	struct agent *agent;
	struct ping *ping; // one of these, or none: this place is free
	struct child *child;
	struct service_question *talk;
	struct explaining *explaining;
	int64_t id;
};

// A question to the controller that is not answered yet.
struct agent_ask {
	uint64_t ticket; // of the control socket's client, 0: this place is free
	int64_t id;
	int64_t until_ms;
};

struct agent {
	uv_loop_t *loop;
	const struct agent_settings *settings;
	struct agent_paths paths;
	struct identity identity;
	char boot_id[48];
	char public_key[KERNEL_KEY_TEXT_SIZE];
	int lock_fd;

	struct kernel *kernel;
	struct kernel_events *events;
	json_t *restore; // former sysctl values
	struct reconcile *reconcile;
	struct desired *desired;
	struct lockout lockout;
	struct desired *other; // the state before or the one tried, whichever is not in force
	struct entry_set *observed;
	struct report *report;
	struct icmp *icmp;
	struct probe *probe;
	struct prober *prober;
	struct paths *chooser;    // of the paths to other nodes
	struct egress *egress;    // who chooses among gateways,
	bool is_gateways_whole;   // and knows all that are desired
	struct map *active_links; // "home/bob": carries routed traffic
	struct checksum *checksum;
	struct tree *tree; // spanning trees of the bridges
	struct names *names;
	struct hooks *hooks;
	struct map *dead_wires; // keys of wires that forward nothing although their link is up
	struct map
		*addresses; // link -> those of its interface, as text: of external links, for hooks
	struct ha *ha;
	struct resolver *resolver;
	struct splitter *splitter;
	struct control *control;
	struct uplink *uplink;

	uv_poll_t events_poll;
	uv_timer_t period;   // full comparison
	uv_timer_t debounce; // after hints
	uv_timer_t watchdog;
	uv_timer_t trial; // ticks while a revision is on trial or undone
	uv_signal_t signals[2];

	struct reconcile_result result;  // of the last run
	char apply_error[ERR_TEXT_SIZE]; // the kernel could not be read: why; "" when it could
	int64_t applied_revision;        // told last
	struct digest applied_digest;
	struct digest errors_told; // of the errors told last
	bool is_applied_told;      // in this session
	int64_t applied_ms;        // end of the last run, clock_mono_ms
	int64_t revision_writes;   // since the desired state changed

	int64_t started_ms;
	int64_t opened_ms;  // of the session
	bool is_welcome;    // the controller has welcomed this session
	bool is_sampling;   // samples are wanted
	bool is_ready_told; // to systemd
	bool is_leaving;
	bool is_stopping;
	uint32_t stop_ticks; // since is_stopping
	uint32_t resyncs;    // in this session
	int64_t target;      // revision the controller told
	int64_t renew_asked_ms;
	int64_t upkeep_ms;     // of the last look at the certificate
	int64_t hold_until_ms; // an older state than the last is in hand: change nothing yet
	int64_t welcomed_ms;   // of the session
	bool may_have_nothing; // no state is known here, and the controller has not sent one yet
	bool is_unsaved;       // the desired state in force is not on disk
	bool is_certificate_unsaved;
	int64_t save_tried_ms;
	struct trouble troubles[TROUBLE_COUNT];
	struct agent_request requests[AGENT_REQUESTS_MAX];
	struct agent_ask asks[AGENT_ASKS_MAX];
	int64_t last_ask;
	char controller_version[WIRE_NAME_MAX]; // of the last welcome, "" before

	struct child *examination; // of conflicts, while it runs
	int64_t examined_ms;       // end of the last one, 0: never
	json_t *findings;          // its lines that are not ok
};

// run/apply.c: compares and applies now, then tells the controller, the probes and the log what
// came of it.
void apply_run(struct agent *agent);
// The desired state changed: the writes count anew.
void apply_new_desired(struct agent *agent);
// Soon, once for many hints.
void apply_soon(struct agent *agent);
// Tells the controller, when there is a session, what was applied, if it does not know.
void apply_tell(struct agent *agent);
void apply_tell_observed(struct agent *agent);

// run/session.c: the events of the uplink, and what is sent by it.
struct uplink_events session_events(struct agent *agent);
void session_send(struct agent *agent, const struct msg *msg, bool may_drop);
int session_emit(void *context, const char *frame, size_t len); // a msg_frame_fn
void session_event(struct agent *agent, const char *severity, const char *kind, const char *entry,
		   const char *text);
// The list of hashes of the state in force: the controller answers with the difference.
void session_send_keys(struct agent *agent);
void session_tick(struct agent *agent); // every period: samples, welcome overdue, certificate
// Writes the desired state to disk; what goes wrong is a trouble, and is tried again every period.
void session_save(struct agent *agent);

// Keeps the list of a welcome (NULL: as before) on disk and uses it from the next connection on.
void hubs_take(struct agent *agent, const json_t *hubs);

// run/trial.c: a revision that cuts the node off its controller is undone.
// A copy of the state in force, to go back to; NULL while it is on trial itself. The caller frees.
struct desired *trial_copy(const struct agent *agent);
// A new state was taken in, and will be applied next; takes over `before`.
void trial_begin(struct agent *agent, struct desired *before);
void trial_applied(struct agent *agent);
bool trial_refuses(const struct agent *agent, struct digest digest);
void trial_target(struct agent *agent, int64_t revision);    // the controller's, for this node
void trial_answered(struct agent *agent, int64_t uptime_ms); // -1: not told
bool trial_retry(struct agent *agent);                       // false: nothing is refused
void trial_load(struct agent *agent);                        // after the desired state
void trial_start(struct agent *agent);

// run/request.c
void request_take(struct agent *agent, const struct msg_request *request);
void request_cancel_all(struct agent *agent);

// run/answer.c: a control_answer_fn.
json_t *answer_control(void *context, const json_t *request, uint64_t ticket);

// run/ask.c: puts a question to the controller for the control socket's client `ticket`.
json_t *ask_controller(struct agent *agent, const char *verb, const json_t *args, uint64_t ticket);
void ask_answered(struct agent *agent, const struct msg_response *answer);
void ask_tick(struct agent *agent);

// run/examine.c: looks for conflicts with what else is on this host, every now and then.
void examine_tick(struct agent *agent);
void examine_cancel(struct agent *agent);
// The words that make a child read this agent's settings file: puts at most two, then NULL.
void examine_words(const struct agent *agent, const char **words);
// Adds an entry finding/CHECK/N for each conflict that was found.
void examine_observe(const struct agent *agent, struct entry_set *observed);
// The first that stops traffic, or NULL.
const json_t *examine_worst(const struct agent *agent);

// run/agent.c: ends the loop.
void agent_stop(struct agent *agent);
// Removes everything from the host; the agent only has to stop after it.
int agent_remove_all(struct agent *agent, struct err *err);
