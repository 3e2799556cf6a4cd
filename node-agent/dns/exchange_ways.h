// The ways an exchange can go. Private to exchanges.
#pragma once

#include "dns/exchange.h"

int exchange_udp_start(struct exchange *exchange);
void exchange_udp_stop(struct exchange *exchange);

int exchange_stream_start(struct exchange *exchange);
void exchange_stream_stop(struct exchange *exchange);
void exchange_stream_time_out(struct exchange *exchange);
void exchange_stream_tidy(struct exchange_place *place, bool now);

int exchange_https_start(struct exchange *exchange);
void exchange_https_stop(struct exchange *exchange);
void exchange_https_time_out(struct exchange *exchange);
// Its connections are used for nothing new.
void exchange_https_leave(struct exchange_place *place);

// Whether `message` answers the exchange's question, the case of its letters apart.
bool exchange_is_answer(const struct exchange *exchange, const uint8_t *message, size_t len);

// Gives a socket the place's mark, before it sends anything. A negative errno: it must not be used.
int exchange_mark(int fd, uint32_t mark);

// Fills `ret` with the place's address; returns its length.
socklen_t exchange_sockaddr(const struct exchange_place *place, struct sockaddr_storage *ret);
