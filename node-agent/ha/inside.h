// What the files of this module share.
#pragma once

#include <pthread.h>

#include "ha/ha.h"
#include "ha/post.h"

struct group;

enum { INBOX_MAX = 64 };

// One of the sockets, on the thread's loop.
struct port {
	struct port *next;
	struct ha *ha;
	struct post post;
	uv_poll_t poll;
	bool is_polled;
	bool is_wanted; // mark of a walk
};

struct outgoing {
	struct outgoing *next;
	struct ha_news news;
};

struct ha {
	uv_async_t told; // on the agent's loop
	ha_news_fn news;
	void *context;
	ha_claim_fn claim; // NULL: nobody wants to know
	void *claim_context;
	char *state_dir;
	pthread_t thread;

	// The thread's own.
	uv_loop_t loop;
	uv_timer_t second;
	struct vip *vip;
	struct group *groups;
	struct port *ports;

	uv_async_t wake;       // on the thread's loop
	pthread_mutex_t mutex; // guards what follows
	struct ha_config *wanted;
	size_t n_wanted;
	bool is_wanted_new;
	bool is_preparing;
	bool is_stopping, is_leaving;
	struct lease_message inbox[INBOX_MAX];
	size_t n_inbox;
	struct outgoing *first, *last; // not told yet
	struct ha_reading *readings;
	size_t n_readings;
	size_t unprepared; // groups whose long lease is not there yet
};

int64_t ha_now_us(void); // CLOCK_BOOTTIME

void ha_claim(const struct ha *ha, const struct ha_config *config, uint64_t epoch,
	      int64_t until_us);

// To be told on the agent's loop.
void ha_tell(struct ha *ha, const struct ha_news *news);

// ---- group.c: one group, on the thread ----

struct group *group_new(struct ha *ha, const struct ha_config *config);
// Another list of voters, other spans, other addresses of the same group.
void group_change(struct group *g, const struct ha_config *config);
// Gives the lease back, and takes addresses and tables away if `is_whole`; then it is gone.
void group_free(struct group *g, bool is_whole);
struct group *group_next(const struct group *g);
void group_link(struct group *g, struct group *next);
const struct ha_config *group_config(const struct group *g);

void group_receive(struct group *g, uint32_t from, const struct lease_message *message);
// A datagram that came from an overlay address.
void group_datagram(struct group *g, const struct kernel_ip *from, const uint8_t *data, size_t len);
void group_prepare(struct group *g);
bool group_is_prepared(const struct group *g);
void group_read(const struct group *g, struct ha_reading *ret);

// ---- ha_thread.c ----

void *ha_run(void *argument);
void ha_on_wake(uv_async_t *async); // does what the agent's loop asked for
const struct port *ha_port(struct ha *ha, const struct ha_config *config);
// The readings of all groups, for the agent's loop; told when they differ.
void ha_publish(struct ha *ha);
