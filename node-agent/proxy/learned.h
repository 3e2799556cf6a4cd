// What weft-dns knows of addresses, and what it is told of names that were said: its control socket
// is asked, answers hold for some seconds. Loop thread.
#pragma once

#include <uv.h>

#include "proxy/config.h"
#include "proxy/mailbox.h"

struct learned;

// NULL when out of memory.
struct learned *learned_new(uv_loop_t *loop);
void learned_free(struct learned *learned); // NULL is fine; the loop has to go on until it is idle

// Both take the letter over. LETTER_ASK is answered by LETTER_LEARNED to where it came from: failed
// if weft-dns says nothing for two seconds.
void learned_ask(struct learned *learned, struct proxy_config *config, struct letter *letter);
void learned_tell(struct learned *learned, struct proxy_config *config, struct letter *letter);
