// What the control socket answers about policies and what was learned. Private to it.
#pragma once

#include <jansson.h>

#include "dns/server.h"

// {"do":"learned","address":…}: by which names it is in which sets.
json_t *dns_control_learned(struct dns_server *server, const json_t *request, struct err *err);

// {"do":"saw","name":…,"client":…,"address":…}: a flow of the client named it. It is asked for in
// the client's view like any question, and what is answered is learned; the address that was seen
// only says which family to ask for.
json_t *dns_control_saw(struct dns_server *server, const json_t *request, struct err *err);

// Adds to a look-up's answer which rule decides, by which way it would be asked for, and the
// addresses that the cache has.
void dns_control_decide(struct dns_server *server, const struct address *client,
			const struct name *name, json_t *answer);

// The client and the name that a request is about.
int dns_control_subject(const json_t *request, struct address *ret_client, struct name *ret_name,
			struct err *err);
