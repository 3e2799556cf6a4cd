// What a link was like over the last hour (slots of 10 s) and the last day (slots of 5 min), for
// charts. Pure: time is passed in, microseconds of one monotonic clock; the memory is fixed, about
// 9 kB a link. A slot keeps its lowest, mean and highest round trip, so that a spike is not
// averaged away. It lives as long as the link is probed: who starts anew begins anew.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_HOUR_SLOTS = 360, HISTORY_DAY_SLOTS = 288, HISTORY_SLOTS_MAX = 360 };

#define HISTORY_UNKNOWN INT64_MIN

enum history_span { HISTORY_HOUR, HISTORY_DAY, HISTORY_SPANS };

enum history_measure {
	HISTORY_RTT_MIN, // us
	HISTORY_RTT_AVG,
	HISTORY_RTT_MAX,
	HISTORY_JITTER, // us, the highest
	HISTORY_LOSS,   // millionths of the probes whose fate was known in the slot
	HISTORY_RX,     // bits a second
	HISTORY_TX,
	HISTORY_MEASURES
};

// What was measured in a slot that is over, each as a history_code.
struct history_slot {
	uint16_t code[HISTORY_MEASURES];
};

// The slot that time is in now.
struct history_open {
	int64_t number; // time / the slot's length
	int64_t rtt_min_us, rtt_max_us, rtt_sum_us, rtt_count;
	int64_t jitter_us; // HISTORY_UNKNOWN: none yet
	uint64_t returned, lost;
	uint64_t rx_bytes, tx_bytes;
	int64_t traffic_us; // that the bytes took
};

struct history {
	struct history_open open[HISTORY_SPANS];
	struct history_slot hour[HISTORY_HOUR_SLOTS]; // slot N at N modulo the size
	struct history_slot day[HISTORY_DAY_SLOTS];
	uint64_t returned, lost; // as told last
	uint64_t rx_bytes, tx_bytes;
	int64_t traffic_us; // when these were told, HISTORY_UNKNOWN: never
};

void history_init(struct history *h, int64_t now_us);

// A probe has come back; jitter_us: HISTORY_UNKNOWN when it is not known yet.
void history_reply(struct history *h, int64_t now_us, int64_t rtt_us, int64_t jitter_us);
// The probes whose fate is known, counted from the beginning.
void history_outcomes(struct history *h, int64_t now_us, uint64_t returned, uint64_t lost);
// The bytes that the link has carried, counted from some beginning: lower than before, it was
// another.
void history_traffic(struct history *h, int64_t now_us, uint64_t rx_bytes, uint64_t tx_bytes);

// Columns, oldest first; the last slot is the one that is not over. Values are HISTORY_UNKNOWN
// where nothing is known.
struct history_view {
	int64_t step_us;
	int64_t age_us; // how long ago the last slot began
	size_t count;
	int64_t value[HISTORY_MEASURES][HISTORY_SLOTS_MAX];
};
void history_read(struct history *h, enum history_span span, int64_t now_us,
		  struct history_view *ret);

// A value in 16 bits, at most 1/4096 off; negative or HISTORY_UNKNOWN: unknown.
uint16_t history_code(int64_t value);
int64_t history_value(uint16_t code);
