// The sizes both ends of the protocol weft.v1 hold each other to.
#pragma once

// The websocket's subprotocol. A program of a later major offers this one too, as its second
// choice: only past the upgrade can the other end say in a bye why it will not talk.
#define WIRE_PROTOCOL       "weft.v1"
#define WIRE_PROTOCOL_MAJOR 1
#define WIRE_PROTOCOL_MINOR 0
#define WIRE_PATH           "/agent"

#define WIRE_FRAME_MAX   262144 // bytes of one message
#define WIRE_KEY_MAX     200    // bytes of an entry's key
#define WIRE_BODY_MAX    16384  // bytes of an entry's body
#define WIRE_ENTRIES_MAX 4096   // entries, hashes or errors in one message
#define WIRE_DEPTH_MAX   16     // nesting of objects and arrays
#define WIRE_NAME_MAX    128    // versions, names, verbs, kinds
#define WIRE_URL_MAX     300    // an address of a controller
#define WIRE_HUBS_MAX    16     // of them in a welcome
#define WIRE_TEXT_MAX    1024   // sentences
#define WIRE_LEASE_MAX   1024   // an HA group's lease message, in digits
#define WIRE_PEM_MAX     32768  // a certificate or request, with its chain
