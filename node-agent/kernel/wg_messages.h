// WireGuard's two languages, as pure functions: generic netlink (linux/wireguard.h) and the text of
// the UAPI socket.
#pragma once

#include <linux/netlink.h>

#include "base/text.h"

#include "kernel/kernel.h"

// --- generic netlink

// Asks the number of the family "wireguard". The parser returns 0 or -ENOMSG.
struct nlmsghdr *genl_family_build(void *buf, const char *family);
int genl_family_parse(const struct nlmsghdr *nlh, uint16_t *ret_id);

struct nlmsghdr *wg_get_build(void *buf, uint16_t family, const char *device);

// Adds what one message of a dump says; a peer or its allowed IPs may go on in the next one. 0,
// -EBADMSG or -ENOMEM.
int wg_get_parse(const struct nlmsghdr *nlh, struct kernel_wg *wg);

// Where the next message of one change begins; zero-initialised for the first.
struct wg_set_cursor {
	bool started;
	size_t peer;
	size_t allowed;
};

// The next message of `c` (at most `limit` bytes of `buf`), or NULL when all was said.
struct nlmsghdr *wg_set_build(void *buf, size_t limit, uint16_t family, const char *device,
			      const struct kernel_wg_change *c, struct wg_set_cursor *cursor);

// --- UAPI text (https://www.wireguard.com/xplatform/)

// Writes a "set=1" request. It may hold a private key.
void uapi_set_format(struct text *out, const struct kernel_wg_change *c);

// Parses the answer to "get=1" (lines key=value; it ends at an empty line and is altered).
// `wg->device` is left alone. -EBADMSG, -ENOMEM, or the negative errno the answer ends with.
int uapi_get_parse(char *answer, struct kernel_wg *wg);

// The errno of an answer to "set=1", negative or 0.
int uapi_set_parse(const char *answer);
