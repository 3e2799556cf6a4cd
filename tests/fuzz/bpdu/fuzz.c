// Spanning tree frames off the wire: what is understood is written and understood again as the
// same, and the machine takes any row of them on any port. Input: rows of (port, time in 10 ms,
// length in 2 bytes, frame).
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "steer/rstp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORTS = 3, ROW = 4, ACTIONS_MAX = 100000 };

static void require(int holds)
{
	if (!holds)
		abort();
}

static int try_frame(const uint8_t *frame, size_t size, struct bpdu *ret)
{
	uint8_t bytes[BPDU_SIZE_MAX], again[BPDU_SIZE_MAX];
	struct bpdu second;

	if (bpdu_frame_decode(frame, size, ret, NULL) < 0)
		return -1;
	const size_t len = bpdu_encode(ret, bytes);
	require(len <= sizeof bytes && bpdu_decode(bytes, len, &second, NULL) == 0);
	require(bpdu_encode(&second, again) == len && memcmp(bytes, again, len) == 0);
	return 0;
}

static void empty(struct rstp *b)
{
	struct rstp_action a;
	unsigned n = 0;

	while (rstp_take(b, &a))
		require(++n < ACTIONS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rstp_config config = { .id.bytes = { 0x80, 0, 2, 0, 0, 0, 0, 5 },
					    .hello_us = 1000000,
					    .max_age_us = 10000000,
					    .forward_delay_us = 6000000 };
	struct rstp *b = NULL;
	int64_t now = 0;

	require(rstp_new(&config, &b, NULL) == 0);
	for (unsigned port = 0; port < PORTS; port++) {
		rstp_port_set(b, port, &(struct rstp_port_config){ (uint16_t)(port + 1), 100 }, 0);
		rstp_port_up(b, port, true, 0);
	}
	while (size >= ROW) {
		const size_t said = (size_t)data[2] << 8 | data[3];
		const size_t len = said < size - ROW ? said : size - ROW;
		struct bpdu bpdu;

		now += data[1] * INT64_C(10000);
		if (data[0] & 0x80)
			rstp_port_up(b, data[0] % PORTS, data[0] & 0x40, now);
		if (try_frame(data + ROW, len, &bpdu) == 0)
			rstp_receive(b, data[0] % PORTS, &bpdu, now);
		rstp_tick(b, now);
		empty(b);
		require(rstp_due(b) > now);
		data += ROW + len;
		size -= ROW + len;
	}
	rstp_free(b);
	return 0;
}
