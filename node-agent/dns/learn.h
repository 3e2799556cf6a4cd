// What is answered enters the kernel's sets before the answer leaves: the table of what was learned
// (dns/learned.h), the connection to weft-sets, and the answers that wait for it.
//
// All on the loop thread. Writing is by turns of the loop: everything that came up in one turn is
// one transaction, and the next one is made while it is under way.
#pragma once

#include "dns/learned.h"
#include "dns/server.h"

struct dns_learn;

// NULL when out of memory.
struct dns_learn *dns_learn_new(struct dns_server *server);
// Answers that wait are never sent.
void dns_learn_free(struct dns_learn *learn);

// The server's configuration is another one than `former` (NULL: it is the first).
void dns_learn_configure(struct dns_learn *learn, const struct dns_config *former);

// Whether anything is learned at all.
bool dns_learn_is_on(const struct dns_learn *learn);

// Learns what a name was answered with. True: the answer must wait for the sets when it is for a
// client of a policy.
bool dns_learn_answer(struct dns_learn *learn, const struct name *name,
		      const struct decide_set *lists, const uint8_t *message, size_t len);

// While this number stays the same, what needed not wait needs not wait for as long as it lives.
// Never 0.
uint64_t dns_learn_generation(const struct dns_learn *learn);

// An answer that waits: it is the learner's from here on and leaves by dns_serve_held().
struct dns_held {
	struct dns_held *next;
	struct dns_waiter *waiter;
	enum dns_outcome outcome;
	char upstream[DNS_RULE_SIZE];
	bool is_covered; // its name is in a list: rather no answer than one that the sets have not
	int64_t end_ms;
	struct address *addresses;
	size_t n_addresses;
	size_t len;
	uint8_t answer[];
};
// `message` has the addresses that are waited for. False when out of memory, or when too many wait:
// all stays the caller's.
bool dns_learn_hold(struct dns_learn *learn, struct dns_held *held, const uint8_t *message,
		    size_t len);

struct dns_learn_counts {
	struct learned_counts table;
	uint64_t writes, failures; // transactions
	bool is_connected;
};
struct dns_learn_counts dns_learn_counts(const struct dns_learn *learn);

struct learned *dns_learn_table(struct dns_learn *learn);
int64_t dns_learn_now(const struct dns_learn *learn);
