// Cables, addresses, NATs and routes between the boxes, by ip(8) and nft(8).
#pragma once

#include <sys/types.h>

#include "base/err.h"

#include "sites.h"

// Index of the controller on the lab's Internet; nodes take 1..LAB_NODES_MAX.
enum { LAB_CONTROLLER_INDEX = 250 };

// Makes the box `internet` a router, with an empty list of cut links.
int wiring_internet(pid_t internet, struct err *err);

// Hangs `box` on the Internet as up<index>.
int wiring_attach(pid_t internet, pid_t box, const struct lab_node *node, struct err *err);

// Puts a NAT between the Internet and `box`: `nat` is attached, `box` gets 192.168.1.2 behind it,
// IPv4 only.
int wiring_nat(pid_t internet, pid_t nat, pid_t box, const struct lab_node *node, struct err *err);

// A LAN host in box `lan` behind `box`, with the second address of each of the node's LAN prefixes;
// lan0 of the node has the first.
int wiring_lan(pid_t box, pid_t lan, const struct lab_node *node, struct err *err);

// Gives the box that hangs on the Internet as `node` its next address; `moves` counts from 1.
int wiring_move(pid_t internet, pid_t box, const struct lab_node *node, unsigned moves,
		struct err *err);

// Drops, or passes again, everything between two hosts on the Internet (b = 0: between `a` and
// all).
int wiring_cut(pid_t internet, unsigned a, unsigned b, bool is_cut, struct err *err);
