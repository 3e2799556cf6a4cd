// The connection of a program to weft-sets (sets/sets.h): nothing here waits, nothing is kept; the
// socket belongs to the caller's loop. Readable: there is an answer, or it is over.
#pragma once

#include "sets/sets.h"

// A connection to the socket at `path`, or a negative errno: -ENOENT and -ECONNREFUSED when
// nobody listens there.
int sets_connect(const char *path);

// Sends a message. -EAGAIN: weft-sets has not taken the ones before; -EPIPE: it is gone.
// `count` is 1-SETS_RECORDS_MAX.
int sets_send_change(int fd, uint32_t number, const struct sets_record *records, size_t count);
int sets_send(int fd, uint32_t number, enum sets_what what); // one without records

// Takes an answer: 0; -EAGAIN: there is none yet; -ECONNRESET: it is over; -EBADMSG: not weft-sets.
// Of a dump's answers the records come with it.
int sets_receive(int fd, struct sets_answer *ret, struct sets_record records[SETS_RECORDS_MAX]);
