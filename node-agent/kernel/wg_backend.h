// The two makers of WireGuard devices behind one struct of functions: the kernel's module and
// wireguard-go.
#pragma once

#include "kernel/kernel.h"
#include "kernel/netlink.h"

struct wg_host {
	struct netlink *route;   // for device making
	struct netlink *generic; // for the module's own language
	uint16_t family;         // of "wireguard" in generic netlink; 0: this kernel has none
	const char *program;     // wireguard-go
};

struct wg_backend {
	const char *name; // as shown to people
	const char *kind; // of the link, as the kernel names it
	int (*create)(struct wg_host *host, const char *device, struct err *err);
	int (*destroy)(struct wg_host *host, const char *device, struct err *err);
	int (*read)(struct wg_host *host, const char *device, struct kernel_wg *ret,
		    struct err *err);
	int (*change)(struct wg_host *host, const char *device, const struct kernel_wg_change *c,
		      struct err *err);
	// True from the beginning of create() until change(): a device without an alias is then our
	// own, left by an agent that was killed. NULL: the device itself bears the mark from its
	// first moment.
	bool (*is_unfinished)(const char *device);
};

extern const struct wg_backend wg_backend_kernel;
extern const struct wg_backend wg_backend_go;

// Looks up the family; loads the module where there is one. 0 is left in host->family when there is
// none.
void wg_host_find_family(struct wg_host *host);
