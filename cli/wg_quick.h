// wg-quick(8) configuration files, parsed from bytes that nobody vouches for. Pure; keeps no secret
// but the key it needs.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/net.h"

enum { WG_QUICK_PEERS_MAX = 4096, WG_QUICK_BYTES_MAX = 4 << 20 };

struct wg_prefixes {
	struct prefix *items; // of an interface with its host bits
	size_t len;
};

struct wg_peer {
	char public_key[45];
	char *label; // from a comment like "# Name = bob" or "# bob" beside [Peer]; NULL: none
	struct endpoint endpoint; // host "" when not given
	struct wg_prefixes allowed;
	uint32_t keepalive; // seconds, 0: off
	bool has_preshared_key;
};

// Keys of wg-quick that have no place in a fleet file; how often each was there.
enum wg_extra {
	WG_EXTRA_DNS,
	WG_EXTRA_MTU,
	WG_EXTRA_TABLE,
	WG_EXTRA_FWMARK,
	WG_EXTRA_PRE_UP,
	WG_EXTRA_POST_UP,
	WG_EXTRA_PRE_DOWN,
	WG_EXTRA_POST_DOWN,
	WG_EXTRA_SAVE_CONFIG,
	WG_EXTRA_COUNT,
};

extern const char *const wg_extra_names[WG_EXTRA_COUNT];

struct wg_quick {
	char private_key[45]; // "" when not given; wiped by wg_quick_free
	struct wg_prefixes addresses;
	uint16_t listen_port; // 0: not given
	uint32_t extras[WG_EXTRA_COUNT];
	struct wg_peer *peers;
	size_t n_peers;
};

// -EINVAL with "line 12: …", which never quotes a value that could be a secret; -EFBIG beyond the
// limits.
int wg_quick_parse(const char *data, size_t len, struct wg_quick **ret, struct err *err);
void wg_quick_free(struct wg_quick *q);
CLEAN_FUNC(struct wg_quick, wg_quick_free)
