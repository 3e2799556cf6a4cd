// Letters between the threads of weft-proxy: each thread has a mailbox that it alone empties.
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"
#include "model/net.h"

#include "proxy/config.h"
#include "proxy/verdict.h"

enum letter_kind {
	// To those who carry flows:
	LETTER_CONFIG,  // another configuration is in force
	LETTER_LEARNED, // what an address was learned for
	LETTER_LIST,    // tell your flows
	LETTER_LEAVE,   // another process listens now: take no more
	LETTER_STOP,
	// From them:
	LETTER_ASK,  // what was this address learned for?
	LETTER_SAW,  // a name was said
	LETTER_ROWS, // the answer to LETTER_LIST
	LETTER_GONE, // after LETTER_LEAVE: the last flow has ended
};

struct mailbox;

struct letter {
	struct letter *next;
	enum letter_kind kind;
	struct proxy_config *config; // CONFIG: a reference. LEARNED: what `learned` is of
	struct mailbox *from;        // ASK: who wants to know, LEARNED goes there
	void *flow;                  // ASK, LEARNED: of whom
	uint32_t serial;             // and which of those that lay at that place
	struct address address;      // ASK, SAW; LIST: whose, family 0: everybody's
	struct address client;       // SAW
	char *name;                  // ASK, SAW; NULL: none was said
	struct verdict_learned learned;
	bool is_failed; // LEARNED: nobody could be asked
	uint64_t list;  // LIST, ROWS: of which question
	json_t *rows;
};

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first, **last;
	int event; // readable while there are letters
};

int mailbox_init(struct mailbox *box);
void mailbox_done(struct mailbox *box);
// Takes the letter over; any thread.
void mailbox_post(struct mailbox *box, struct letter *letter);
// All that lie there, the oldest first, to be freed by letter_free().
struct letter *mailbox_take(struct mailbox *box);

struct letter *letter_new(enum letter_kind kind); // NULL when out of memory
void letter_free(struct letter *letter);
CLEAN_FUNC(struct letter, letter_free)
