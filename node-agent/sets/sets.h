// What weft-dns and weft-proxy say to weft-sets, the only program of theirs that may change the
// kernel's sets: which addresses stand for which list, and whither a flow of QUIC goes. Values and
// checks; pure.
//
// Over a socket of type SOCK_SEQPACKET, in the host's own byte order. A message is a head and
// records, each is answered by an answer of the same number. A change is one transaction: all of
// its records are in force when the answer comes, or none is.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/net.h"

enum { SETS_RECORDS_MAX = 1000 }; // of a message

enum sets_what {
	SETS_CHANGE = 1, // its records, in their order
	SETS_DUMP,       // without records; answered by all that the lists' sets and `known` hold
	SETS_TABLE,      // without records; the answer's `table` is what is wanted
};

enum sets_action {
	SETS_PUT = 1, // it is there from now on, for so long; one that was there begins anew
	SETS_DROP,    // it is not; nor need it have been, nor its set
};

enum sets_kind {
	SETS_LIST = 1, // sets l<list>_4 and l<list>_6: addresses of the names of a list
	SETS_KNOWN,    // sets known_4, known_6: addresses whose names are all in the same lists
	SETS_QUIC,     // maps quic_4, quic_6: from a flow to its mark
};

struct sets_head {
	uint32_t number; // of the message, for its answer
	uint16_t what;
	uint16_t count; // of the records behind it
};

struct sets_record {
	uint8_t action, kind;
	uint8_t family; // 4 or 6
	uint8_t zero;
	uint32_t list;       // its id; 0 but for SETS_LIST
	uint32_t timeout_ms; // SETS_PUT: from when it takes force; in dumps: what is left
	uint32_t mark;       // SETS_PUT of SETS_QUIC, else 0
	uint8_t to[16];      // the address (IPv4: four bytes, then zeros), or where the flow goes
	uint8_t from[16];    // SETS_QUIC: the client, else zeros
	uint16_t to_port, from_port; // SETS_QUIC: by their values, else 0
};

struct sets_answer {
	uint32_t number;
	int32_t status;   // 0 or a negative errno: -ENOENT: there is no such set; -EINVAL: no such
			  // message
	uint16_t count;   // of the records behind it
	uint16_t is_more; // another answer of the same number follows
	uint32_t zero;
	uint64_t table; // the kernel's number of table `inet weft_policy`, another one when it was
			// made anew; 0: there is none
};

enum {
	SETS_TIMEOUT_MAX_MS = 8 * 86400 * 1000, // more than any answer of the DNS may live
	SETS_NAME_SIZE = 16,
	SETS_MESSAGE_SIZE = 65536, // room for the largest
};

// ---- for those who write ----

struct sets_record sets_of_list(uint32_t list, const struct address *address);
struct sets_record sets_of_known(const struct address *address);

// A flow, and the mark that its packets get.
struct sets_flow {
	struct address from, to; // of one family
	uint16_t from_port, to_port;
	uint32_t mark;
};
struct sets_record sets_of_flow(const struct sets_flow *flow);
// These are without action yet.
void sets_put(struct sets_record *record, uint32_t timeout_ms);
void sets_drop(struct sets_record *record);

// The address that a record is about.
struct address sets_address(const struct sets_record *record);

// ---- for weft-sets ----

// Whether these bytes are a message as described above: every record of it, too.
bool sets_message_is_good(const void *message, size_t len);

// The set that a record is for. Another record is for the same set if this name is the same.
void sets_name(const struct sets_record *record, char ret[SETS_NAME_SIZE]);
// The inverse: kind, family and list of an element of that set. False for any other set, and for
// the maps of QUIC.
bool sets_name_read(const char *name, struct sets_record *ret);
