// Inside of rstp: the variables of 802.1D-2004 clause 17 and what its state machines offer each
// other. Names are the standard's. A timer is the time at which it runs out.
#pragma once

#include "steer/rstp.h"

#define RSTP_SECOND INT64_C(1000000)

enum {
	MIGRATE_TIME_US = 3000000, // MigrateTime, 17.13.9
	RETRY_FIRST_US = 20000,    // an unanswered handshake is repeated after this, doubled each
	RETRY_LAST_US = 640000,    // time up to this
	TX_HOLD_DEFAULT = 20,
	SILENT_HELLOS = 3, // 17.17.8: so many may be lost
};

// infoIs, 17.19.10
enum rstp_info { INFO_DISABLED, INFO_AGED, INFO_MINE, INFO_RECEIVED };

// 17.31, without the states that are left at once.
enum rstp_topology { TOPOLOGY_INACTIVE, TOPOLOGY_LEARNING, TOPOLOGY_ACTIVE };

struct rstp_port {
	bool is_used, is_up; // is_up: portEnabled
	uint16_t id;
	uint32_t cost;

	// Role
	enum rstp_role role, selected_role;
	bool learn, forward;
	bool sync, synced, re_root;
	enum rstp_topology topology;

	// Information
	enum rstp_info info;
	bool reselect, updt_info;
	bool proposed, proposing, agree, agreed, disputed;
	struct bpdu_vector priority, designated;
	struct bpdu_times times;
	uint8_t path_len; // of the received report, from the root to the designated bridge
	uint8_t path[BPDU_PATH_MAX][6];

	// Topology change
	bool tc_prop, rcvd_tc, rcvd_tc_ack, rcvd_tcn, tc_ack;

	// Transmission and migration
	bool new_info, send_rstp, rcvd_rstp, rcvd_stp;
	enum rstp_peer peer;
	unsigned tx_count;

	int64_t fd_while, rr_while, rb_while, rcvd_info_while, tc_while, mdelay_while;
	int64_t hello_when, tx_refill_when, retry_when, retry_us;

	// With a Weft bridge at the other end
	uint64_t session;       // this end's
	uint64_t sent;          // number of the last BPDU sent
	uint64_t since;         // BPDUs from this number on are this designated port's
	uint64_t answered;      // the greatest of our numbers that was echoed
	uint64_t agreed_to;     // the greatest that was agreed to
	uint64_t changed;       // number of the first BPDU with the report last sent
	int64_t answered_when;  // when `answered` grew
	struct bpdu_mark heard; // what the other end sent last
	int64_t heard_when;
	bool is_subordinate;     // it has agreed, as root or alternate port
	struct bpdu_vector low;  // the best report of ours that it may still hold
	struct bpdu_vector last; // the report last sent

	// What the world was told
	enum rstp_state told;
	bool flush, send, is_tc_told;
};

struct rstp {
	struct rstp_config config;
	struct rstp_port ports[RSTP_PORTS_MAX];
	struct bpdu_vector root_priority; // cost includes the root port's
	struct bpdu_times root_times;     // message age as this bridge sends it
	int root_port;                    // -1: this bridge is the root
	uint64_t next_session;
	uint64_t topology_changes;
	int64_t ran;    // when the machines last ran
	uint64_t saved; // digest of what must outlive the program, as last saved
};

// Walks the ports that are there: `for (unsigned i = 0; (p = rstp_next_port(b, &i));)`; i is one
// past.
struct rstp_port *rstp_next_port(struct rstp *b, unsigned *at);

static inline bool rstp_runs(int64_t timer, int64_t now)
{
	return timer > now;
}

// rstp_information.c: port information (17.27).
void information_disable(struct rstp_port *p);
void information_age(struct rstp_port *p); // what was received counts no more
bool information_step(struct rstp *b, struct rstp_port *p, int64_t now);
void information_receive(const struct rstp *b, struct rstp_port *p, const struct bpdu *m,
			 int64_t now);

// rstp_selection.c: port role selection (17.28).
void selection_run(struct rstp *b);

// rstp_transition.c: port role transitions (17.29).
bool transition_step(struct rstp *b, struct rstp_port *p, int64_t now);

// rstp_timers.c
int64_t timers_due(const struct rstp *b, const struct rstp_port *p);

// rstp_state.c: port state transition (17.30).
enum rstp_state state_of(const struct rstp_port *p);
bool state_take(struct rstp *b, struct rstp_action *ret);

// rstp_topology.c: topology change (17.31).
void topology_flags(struct rstp_port *p, const struct bpdu *m);
bool topology_step(struct rstp *b, struct rstp_port *p, int64_t now);

// rstp_migration.c: port protocol migration (17.24).
void migration_enable(struct rstp_port *p, int64_t now);
void migration_heard(struct rstp_port *p, const struct bpdu *m, int64_t now);

// rstp_transmit.c: port transmit (17.26).
void transmit_run(struct rstp *b, struct rstp_port *p, int64_t now);
void transmit_soon(struct rstp_port *p, int64_t now); // also repeats it, until told to stop
bool transmit_take(struct rstp *b, struct rstp_action *ret);

// rstp_promise.c: what is promised between Weft bridges.
// Whether the port may be opened by its agreement alone, and by nothing else.
bool promise_is_strict(const struct rstp_port *p);
void promise_new_session(struct rstp *b, struct rstp_port *p);
// False: the message is not one to act upon.
bool promise_accepts(struct rstp *b, struct rstp_port *p, const struct bpdu *m, int64_t now);
void promise_designated(struct rstp_port *p);
void promise_agreement(struct rstp_port *p, const struct bpdu *m);
// Sets `agreed` of each designated port as the invariant says; true when one changed.
bool promise_run(struct rstp *b);
void promise_sent(const struct rstp *b, struct rstp_port *p, struct bpdu *m);
bool promise_is_looped(const struct rstp *b, const struct bpdu *m);
