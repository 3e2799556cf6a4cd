// What the control socket answers.
//
//   {"do":"status"}  {"do":"log","client":…,"since":…,"limit":…}  {"do":"flush","name":…,"below":…}
//   {"do":"lookup","client":…,"name":…,"type":…}  {"do":"reload"}
//   {"do":"cache","name":…,"below":…,"limit":…}
//   {"do":"learned","address":…}  {"do":"saw","name":…,"client":…,"address":…}
#pragma once

#include <jansson.h>

#include "dns/server.h"

// New reference; {"error": sentence} for what cannot be done, also for `request` NULL. NULL when
// out of memory. Who is no `owner` may ask for `learned` and tell what he `saw`, and nothing else.
json_t *dns_control_answer(struct dns_server *server, const json_t *request, bool is_owner);
