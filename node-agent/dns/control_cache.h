// What the control socket answers about the cache. Private to it.
#pragma once

#include <jansson.h>

#include "dns/server.h"

// {"do":"cache","name":…,"below":…,"limit":…}: the answers that are kept, what was asked for last
// first; without a name all.
json_t *dns_control_cache(struct dns_server *server, const json_t *request, struct err *err);

// {"do":"flush","name":…,"below":…}
json_t *dns_control_flush(struct dns_server *server, const json_t *request, struct err *err);

// "A", "TYPE65280"
void dns_control_type_text(uint16_t type, char ret[16]);
