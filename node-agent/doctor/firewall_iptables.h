// What iptables-save prints, as rules that firewall_walk() understands. Pure.
//
// nft lists rules that iptables made too, but is silent on the conditions of its extensions
// (conntrack, addrtype, multiport), on which everything hangs there.
#pragma once

#include <jansson.h>

// Adds the base chains and rules of all tables to the array `objects`; `family` is "ip" or "ip6".
void firewall_add_iptables(json_t *objects, const char *family, const char *text);
