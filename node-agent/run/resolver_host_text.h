// The table `inet weft_resolver`, by which the host's own plain DNS goes to its weft-dns: what the
// host's programs ask now, and nft's text. Pure.
//
// Nothing in /etc changes. Questions to the name servers that the host is set to are redirected,
// and only as long as an element stands that ends by itself: whatever dies, the host asks its own
// resolvers again.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "model/net.h"

enum { HOST_SERVERS_MAX = 16, HOST_PROOF_S = 7 };

struct host_servers {
	struct address items[HOST_SERVERS_MAX];
	size_t len;
};

// Adds the name servers of a resolv.conf(5), each once; a zone behind a link-local address is left
// out with it.
void host_servers_read(const char *text, struct host_servers *ret);

// Where weft-dns answers; family 0: not by this one.
struct host_detour {
	struct address to[2]; // IPv4, IPv6
	unsigned port;
	uint32_t mask; // of the marks by which weft-dns' own questions are told
	struct host_servers servers;
};

// The whole table in the place of the one before; it does nothing until it is proven.
void host_detour_render(struct text *out, const struct host_detour *detour);
// For HOST_PROOF_S from now on.
void host_detour_prove(struct text *out);
// No table, whether there was one or not.
void host_detour_remove(struct text *out);
