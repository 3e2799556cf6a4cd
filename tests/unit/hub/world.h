// A hub on the loopback with what main would be: the intent and records of what the hub told.
#pragma once

#include <jansson.h>
#include <uv.h>

#include "client.h"
#include "hub/hub.h"

#define ZERO    "00000000000000000000000000000000"
#define KEY_B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

struct world {
	uv_loop_t loop;
	struct hub *hub;
	char dir[64];
	struct entry_set *target;
	int64_t revision;
	struct entry_set *observed;
	int connected;
	int disconnected;
	char last_reason[HUB_REASON_SIZE];
	int applied;
	int samples;
	int events;
	int renewals;
	int answers;
	char answer[256];
	bool is_stopped;
};

// A test with a world of its own.
#define HUB_TEST(t) cmocka_unit_test_setup_teardown(t, world_set_up, world_tear_down)

int world_set_up(void **state);
int world_tear_down(void **state);

void world_start_hub(struct world *w);
void world_on_stopped(void *world); // for hub_stop

// Asks a node for a ping, as hub_request; the world counts and keeps the answers.
int ask(struct world *w, int64_t node_id, unsigned timeout_ms, uint64_t *ret_id);

// A client with DIR/CERTIFICATE.crt; NULL when refused.
struct client *dial(struct world *w, const char *certificate);
void say_hello(struct client *c, const char *digest);

// A client past welcome that is at its target.
struct client *join(struct world *w, const char *certificate);

const char *text_in(const json_t *json, const char *field);

// The next message is a bye whose reason has `says` in it.
void expect_bye(struct client *c, const char *says);

// Proof that a client is still served.
void assert_alive(struct world *w, struct client *c, int64_t node_id);

// Does what an agent does with `desired` until the last part.
void follow(struct client *c, struct entry_set *mine);
int send_frame(void *client, const char *frame, size_t len); // a msg_frame_fn
void fill_set(struct entry_set *set, int count, const char *body);

// Commits an entry of node 1: a new body, or NULL for none.
void push(struct world *w, const char *key, const char *body);

// Ignores SIGPIPE, and logs when WEFT_TEST_LOG is set.
void world_prepare(void);
