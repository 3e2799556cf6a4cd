// How many questions a second each client may ask, in a fixed amount of memory. Pure: time is
// passed in. Addresses of IPv6 count by their /64.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"
#include "model/net.h"

struct dns_rate;

// NULL when out of memory.
struct dns_rate *dns_rate_new(uint32_t per_second, uint64_t seed);
void dns_rate_free(struct dns_rate *rate);

// Whether `client` may ask one more; up to a second's questions may come at once.
bool dns_rate_take(struct dns_rate *rate, const struct address *client, int64_t now_ms);
