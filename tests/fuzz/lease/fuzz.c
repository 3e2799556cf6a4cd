// What a voter of an HA group may be sent: one datagram for the parser, and a row of them, with
// time passing in between, for the machine behind it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "lease/message.h"
#include "steer/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_message(const uint8_t *data, size_t size)
{
	struct lease_message m, back;
	struct err err = { 0 };
	uint8_t bytes[LEASE_MESSAGE_SIZE];
	if (lease_message_decode(data, size, &m, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	lease_message_encode(&m, bytes);
	if (lease_message_decode(bytes, sizeof bytes, &back, &err) < 0 ||
	    memcmp(&m, &back, sizeof m) != 0)
		abort();
}

// Whatever others say, a member is active only for as long as a lease lasts.
static void obey(const struct lease *l, int64_t now, const struct lease_out *out,
		 uint64_t *ret_save)
{
	if (out->n == LEASE_ACTIONS_MAX)
		abort();
	for (size_t i = 0; i < out->n; i++) {
		if (out->items[i].order == LEASE_SAVE)
			*ret_save = out->items[i].token;
		if (out->items[i].order == LEASE_ACTIVE &&
		    out->items[i].until_us > now + l->config.lease_us)
			abort();
	}
}

static void try_machine(const uint8_t *data, size_t size)
{
	static const struct lease_boot boot = { .seed = 1 };
	struct lease_config config;
	struct lease l;
	struct lease_out out = { .n = 0 };
	uint64_t save = 0;
	int64_t now = 0;
	lease_config_init(&config);
	config.self = 2;
	config.n_members = 2;
	config.n_voters = 3;
	memcpy(config.voters, (uint32_t[]){ 1, 2, 3 }, 3 * sizeof(uint32_t));
	if (lease_config_check(&config, NULL) < 0)
		abort();
	lease_init(&l, &config, &boot, now);
	lease_set_fit(&l, now, true, &out);
	// Each step: who sends and how long after the one before, then the message.
	for (; size >= 2 + LEASE_MESSAGE_SIZE; size -= 2 + LEASE_MESSAGE_SIZE) {
		struct lease_message m;
		now += data[1] * 4000;
		out.n = 0;
		lease_tick(&l, now, &out);
		obey(&l, now, &out, &save);
		out.n = 0;
		if (lease_message_decode(data + 2, LEASE_MESSAGE_SIZE, &m, NULL) == 0)
			lease_receive(&l, now, data[0] % 5, &m, &out);
		obey(&l, now, &out, &save);
		out.n = 0;
		lease_saved(&l, now, save, data[0] < 250, &out);
		obey(&l, now, &out, &save);
		data += 2 + LEASE_MESSAGE_SIZE;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_message(data, size);
	try_machine(data, size);
	return 0;
}
