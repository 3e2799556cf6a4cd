// Addresses, prefixes, endpoints, durations and names: parse, format, compare. IPv4 and IPv6 alike,
// no sockets.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ADDRESS_TEXT_SIZE  46 // longest IPv6 text and NUL
#define PREFIX_TEXT_SIZE   50
#define NAME_MAX_LEN       63
#define HOST_MAX_LEN       253                // of a DNS name
#define ENDPOINT_TEXT_SIZE (HOST_MAX_LEN + 9) // [host]:65535 and NUL
#define DURATION_TEXT_SIZE 24

struct address {
	uint8_t family;    // 4 or 6; 0 = unset
	uint8_t bytes[16]; // network order; IPv4 in the first four, the rest zero
};

struct prefix {
	struct address address;
	uint8_t length;
};

// Every parse function returns -EINVAL with a sentence that quotes the text and leaves its output
// untouched.

int address_parse(const char *text, struct address *ret, struct err *err);
const char *address_format(const struct address *a, char buf[ADDRESS_TEXT_SIZE]); // returns buf
bool address_equal(const struct address *a, const struct address *b);
int address_compare(const struct address *a,
		    const struct address *b);  // IPv4 before IPv6, then by value
uint8_t address_bits(const struct address *a); // 32 or 128
// Neither nothing nor many: not 0.0.0.0/8, ::, multicast, 255.255.255.255.
bool address_is_unicast(const struct address *a);
// One that an interface on a LAN can have: not unspecified, loopback, link-local, multicast or
// broadcast.
bool address_is_usable(const struct address *a);

// "10.1.0.0/16", "fd00:1::/48": refuses host bits and names the prefix that was probably meant.
int prefix_parse(const char *text, struct prefix *ret, struct err *err);
// The same, but host bits are kept ("10.88.0.1/24" of an interface), and a bare address gets its
// full length.
int prefix_parse_host(const char *text, struct prefix *ret, struct err *err);
const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_SIZE]); // returns buf
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *p, const struct address *a);
bool prefix_covers(const struct prefix *outer,
		   const struct prefix *inner); // all of inner is in outer
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
struct prefix prefix_of(const struct address *a, uint8_t length); // with the host bits cleared
// The address `n` above the network's own. False when it lies beyond the prefix.
bool prefix_nth(const struct prefix *p, uint64_t n, struct address *ret);
// The inverse of prefix_nth. False when `a` is outside or farther than 64 bits tell.
bool prefix_index(const struct prefix *p, const struct address *a, uint64_t *ret_n);
// How many addresses it holds; UINT64_MAX stands for 2^64 and more.
uint64_t prefix_size(const struct prefix *p);
// The n-th prefix of `length` inside `p`. False when there is none.
bool prefix_subnet(const struct prefix *p, uint8_t length, uint64_t n, struct prefix *ret);

// Resource names: 1-63 of a-z 0-9 -, neither first nor last a -.
int name_check(const char *name, struct err *err);
// DNS host names: labels of 1-63 letters, digits, - and _, at most 253 in all; a final dot is
// refused.
int host_check(const char *host, struct err *err);

struct endpoint {
	char host[HOST_MAX_LEN +
		  1]; // a DNS name, or an address in its shortest form without brackets
	bool is_address;
	struct address address; // when is_address
	uint16_t port;          // 0 = none given
};

// "host", "host:port", "192.0.2.1:500", "2001:db8::1", "[2001:db8::1]:500".
int endpoint_parse(const char *text, struct endpoint *ret, struct err *err);
// With brackets where an IPv6 address has a port. Returns buf.
const char *endpoint_format(const struct endpoint *e, char buf[ENDPOINT_TEXT_SIZE]);

// A whole number and ms, s, m, h or d: "200ms", "30s", "5m", "24h", "7d"; several may follow each
// other: "1h30m". At most 100 years. Result in milliseconds.
int duration_parse(const char *text, int64_t *ret_ms, struct err *err);
// The shortest exact form: 90000 -> "90s", 60000 -> "1m", 0 -> "0s". `ms` is not negative. Returns
// buf.
const char *duration_format(int64_t ms, char buf[DURATION_TEXT_SIZE]);

// "2027-01-31T12:00:00Z" or with an offset "+01:00" (RFC 3339), to milliseconds since 1970, and
// back (UTC, whole seconds unless there are milliseconds).
#define TIME_TEXT_SIZE 32
int time_parse(const char *text, int64_t *ret_ms, struct err *err);
const char *time_format(int64_t ms, char buf[TIME_TEXT_SIZE]);
