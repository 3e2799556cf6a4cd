// A deterministic simulator: nodes with clocks of their own, links that lose, delay, repeat and
// reorder, and every fault that can befall both. It drives the very machines the agent runs.
//
// One seed makes one schedule: the same seed gives the same events in the same order. Times are
// microseconds: `sim_now` is the true time, `sim_clock` what a node's monotonic clock shows.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_MESSAGE_MAX = 192, SIM_NODES = 64, SIM_LINKS = 256, SIM_TIMERS = 8 };

struct sim;

// ---- randomness ----

struct sim_random {
	uint64_t state;
};

uint64_t sim_random(struct sim_random *r);
// 0 .. below - 1; 0 when `below` is 0.
uint64_t sim_below(struct sim_random *r, uint64_t below);
int64_t sim_between(struct sim_random *r, int64_t least, int64_t most);
bool sim_chance(struct sim_random *r, uint32_t permille);

// ---- the world's side ----

// What the machines under test do. Each hook is called in true-time order; NULL: nothing.
struct sim_hooks {
	// A message of the other end of `link` has arrived at `node`.
	void (*receive)(void *user, unsigned node, unsigned link, const void *bytes, size_t len);
	void (*timer)(void *user, unsigned node, unsigned timer);
	// The node begins: at the start and after each crash, with nothing in memory.
	void (*start)(void *user, unsigned node);
	// After every event: the place for promises that hold at each instant.
	void (*check)(void *user);
};

// `user` is handed to the hooks. NULL when out of memory. Free with sim_free.
struct sim *sim_new(uint64_t seed, const struct sim_hooks *hooks, void *user);
void sim_free(struct sim *s);
struct sim_random *sim_dice(struct sim *s);

// How a link carries messages, each direction alike unless changed for one.
struct sim_line {
	int64_t delay_us, jitter_us; // a message takes delay .. delay + jitter: more reorders
	uint32_t loss_permille, repeat_permille;
	bool is_cut;
};

// Nodes and links are numbered from 0 in the order in which they are added.
unsigned sim_add_node(struct sim *s);
unsigned sim_add_link(struct sim *s, unsigned a, unsigned b, const struct sim_line *line);
unsigned sim_nodes(const struct sim *s);
unsigned sim_links(const struct sim *s);
unsigned sim_far_end(const struct sim *s, unsigned link, unsigned node);
bool sim_is_end(const struct sim *s, unsigned link, unsigned node);

// From `node` to the other end. Nothing leaves a node that is crashed.
void sim_send(struct sim *s, unsigned node, unsigned link, const void *bytes, size_t len);
// One pending alarm for each timer of a node, by the node's clock: a later call moves it. INT64_MAX
// stops it.
void sim_set_timer(struct sim *s, unsigned node, unsigned timer, int64_t clock_us);

int64_t sim_now(const struct sim *s);
int64_t sim_clock(const struct sim *s, unsigned node);

// Starts the nodes that were not started and runs until true time `until_us`.
void sim_run(struct sim *s, int64_t until_us);
// Runs `act(user, arg)` at a true time. How many have run tells whether a fault may have begun or
// ended.
void sim_at(struct sim *s, int64_t at_us, void (*act)(void *user, uint64_t arg), uint64_t arg);
uint64_t sim_acts(const struct sim *s);

// ---- faults ----

// The line from `node` on, in that direction only.
struct sim_line *sim_line(struct sim *s, unsigned link, unsigned node);
// Loses memory, timers and what is on its way to it. Restarting calls the start hook.
void sim_crash(struct sim *s, unsigned node);
void sim_restart(struct sim *s, unsigned node);
// SIGSTOP: time passes for it, messages wait (a socket buffer's worth), timers are late.
void sim_stop(struct sim *s, unsigned node);
void sim_continue(struct sim *s, unsigned node);
bool sim_runs(const struct sim *s, unsigned node); // neither crashed nor stopped
bool sim_is_crashed(const struct sim *s, unsigned node);
// From now on its clock shows `clock_us` and runs `drift_ppm` too fast. Not backwards.
void sim_set_clock(struct sim *s, unsigned node, int64_t clock_us, int32_t drift_ppm);
