// Ways out that gateway-groups choose among: entry gateway/<name>.
#pragma once

#include "reconcile/kind.h"

// False, and nothing but the key and a why: there is no such entry, or it could not be read.
bool gateway_find(const struct reconcile *r, const char *key, struct reconcile_gateway *ret);

// Whether a gateway of this node leads by the wire with that device.
bool gateway_is_by(const struct entry *e, const char **ret_device);
