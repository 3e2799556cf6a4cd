// The running controller: its modules, and the callbacks through which they know nothing of each
// other.
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "auth/auth.h"
#include "hub/hub.h"
#include "intent/intent.h"
#include "lists/lists.h"
#include "live/live.h"
#include "pki/pki.h"
#include "pki/vault.h"
#include "rest/contract.h"
#include "rest/rest.h"
#include "settings.h"
#include "store/store.h"
#include "webhook/webhook.h"

struct program {
	uv_loop_t *loop;
	struct controller_settings settings;
	struct contract contract;
	struct store *store;
	struct pki *pki;
	struct vault *vault;
	struct auth *auth;
	struct intent *intent;
	struct live *live;
	struct hub *hub;
	struct webhooks *webhooks;
	struct lists *lists;
	struct votes *votes;
	struct rest *rest;
	char **rest_urls; // NULL-terminated
	char **hub_urls;
	int64_t next_event_id;
	uv_signal_t on_term;
	uv_signal_t on_int;
	uv_signal_t on_hup;
	uv_timer_t second;
	uv_timer_t counting;
	uv_timer_t hour;
	uv_timer_t watchdog;
	struct rooted *roots; // of segments' trees
	int64_t root_turn;
	bool is_stopping;
	const char *config; // path of the settings file
	int lock_fd;        // of the state directory, -1: not locked
};

// state.c: "state_dir/name"; NULL when out of memory. Caller frees.
char *program_state_path(const struct program *program, const char *name);

// state.c: nobody else runs on this state from here on; -EBUSY when somebody does.
int program_lock_state(struct program *program, struct err *err);

// state.c: -ENOENT when keys are there and the database is not.
int program_expect_database(const struct program *program, struct err *err);

// state.c: whether the database holds no resource yet, not even the first user.
int program_is_new(struct program *program, bool *ret_is_new, struct err *err);

// state.c: puts what to do about a failure with `code` behind its sentence.
void program_add_cure(const struct program *program, int code, struct err *err);

// commands.c. `words` are what stands behind the command, NULL-terminated.
int command_check(struct program *program, const char *const *words, struct err *err);
int command_backup(struct program *program, const char *const *words, struct err *err);
int command_restore(struct program *program, const char *const *words, struct err *err);

// nodes.c: what the agents' sessions tell goes to live, the intent and the pki.
extern const struct hub_ops program_hub_ops;

// reach.c: what a node asks the controller; `ctx` is the program.
void program_asked(void *ctx, int64_t node_id, const struct msg_request *ask);

// commits.c: what a commit changed goes to the hub, live and auth. The program is the listener's
// argument.
void program_committed(void *arg, const struct intent_commit *commit);

// commits.c: what becomes of a revision that waits for confirmation is told as an event.
void program_confirmation(void *arg, enum intent_news news, const struct intent_confirmation *of,
			  const char *actor, const char *detail);

// commits.c: an event of the controller's own; `ctx` is the program.
void program_tell(void *ctx, const char *severity, const char *kind, const char *entry,
		  const char *text);

// commits.c: tells live of every node there is; for the start.
void program_introduce_nodes(struct program *program);

// votes.c: the controller as a voter of HA groups. The tick is once a second.
int program_open_votes(struct program *program, struct err *err);
void program_close_votes(struct program *program);
void program_votes_tick(struct program *program);
void program_lease(void *ctx, int64_t node_id, const char *text);

// roots.c: looks at the next segment, once a second: does its tree have its root in the right
// place?
void program_choose_root(struct program *program);
void program_forget_roots(struct program *program);

// webhooks.c: makes them and hands them what the intent has; and the latter again after it changed.
int program_open_webhooks(struct program *program, struct err *err);
void program_follow_webhooks(struct program *program);

// domain_lists.c: the same for the contents of domain lists.
int program_open_lists(struct program *program, struct err *err);
void program_follow_lists(struct program *program);
// The path of a content that a node's desired state names, NULL: it names none such.
char *program_list_content(void *ctx, int64_t node_id, const char *sha256);

// chores.c: events to the store, and what is done once an hour.
extern const struct live_ops program_live_ops;
int program_read_event_id(struct program *program, struct err *err);
void program_hourly(struct program *program);

// chores.c: makes the controller's own certificate anew when it is due, and lets rest and hub read
// theirs again if it was, or if `is_asked` (the operator may have replaced his).
void program_renew_certificate(struct program *program, bool is_asked);
