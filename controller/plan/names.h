// Names that the planner derives from resource ids, so that a rename changes none of them. Pure.
#pragma once

#include <stdint.h>

#define DEVICE_NAME_SIZE 16
#define MAC_TEXT_SIZE    18

// "wg" and 8 characters of base32, from "networks/5"; "wb" from "segments/6"; "wv" from
// "segments/6/12".
void name_wireguard(char name[DEVICE_NAME_SIZE], int64_t network_id);
void name_bridge(char name[DEVICE_NAME_SIZE], int64_t segment_id);
void name_wire(char name[DEVICE_NAME_SIZE], int64_t segment_id, int64_t peer_id);

// The wire of a gateway, the same name at both ends: "wv" from "gateways/7/12".
void name_gateway_wire(char name[DEVICE_NAME_SIZE], int64_t gateway_id, int64_t ingress_id);

// The locally administered address of a node's bridge. Ids grow, and of equal priorities the
// spanning tree takes the lowest address as its root: a node that comes later never takes the tree
// over.
void name_mac(char mac[MAC_TEXT_SIZE], int64_t segment_id, int64_t node_id);
