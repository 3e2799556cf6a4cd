// The measured links: hands what is desired to the prober, and tells the controller, the log and
// the samples what it says.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "wire/entries.h"

#include "probe/prober.h"
#include "reconcile/reconcile.h"

struct agent;

// What the tree's costs follow (a tree_measure_fn); the context is the agent.
bool links_measure(void *context, const char *link, int64_t *ret_rtt_us, uint32_t *ret_loss_ppm);

void links_changed(void *context, const struct prober_change *change); // a prober_change_fn

// Targets of the prober being gathered.
struct links_targets {
	struct prober_target *items;
	size_t len, cap;
};

// One that is probed and judged so; the caller fills `key`, names and rider. Strings are borrowed.
struct prober_target links_target(const struct reconcile_probe *probe);
// Adds a copy to `context`, a struct links_targets; without memory it is left out until next time.
void links_append(void *context, const struct prober_target *target);

// Whether that link can be probed; a hook of reconcile.
int links_probing(void *context, const char *link, struct err *err);

// After a reconciliation.
void links_update(struct agent *agent);

// Tells the prober what the links have carried.
void links_traffic(struct agent *agent);

// What a link was like, as the request "history" asks: {"link": "home/bob", "span": "1h" | "24h"}.
// {"step_ms", "age_ms" (of the last slot's beginning), "sla": {"latency_us", "jitter_us", "loss"}
// (null: no limit), "slots": {"rtt_min_us": [...], "rtt_avg_us", "rtt_max_us", "jitter_us", "loss",
// "rx_bps", "tx_bps"} (oldest first; null: not known)}. NULL with a sentence.
json_t *links_history(const struct agent *agent, const json_t *args, struct err *err);

// Adds an entry link/NETWORK/NODE or link/NAME for each, in the light of what WireGuard says of the
// peers in the same set.
void links_observe(struct agent *agent, struct entry_set *observed);

// Whether a link is judged by its probes, and if so, whether it carries traffic.
bool links_verdict(const struct agent *agent, const struct entry_set *observed, const char *link,
		   bool *ret_up);

// A new list of all: key, state, since, cause, interval_ms, and what was measured.
json_t *links_status(const struct agent *agent);

// Adds the samples of each.
void links_sample(struct agent *agent, json_t *values);
