// The first bytes of flows: TLS, HTTP, QUIC datagrams as they come, and frames inside Initials that
// are sealed here, since chance does not find a seal. The first byte says which.
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What more bytes may change and what not: a reader that wants more says how much, and one that has
// decided stays with it.
typedef enum sniff_result sniff_fn(const uint8_t *data, size_t len, struct sniff *ret);

static void try_stream(sniff_fn *sniff, const uint8_t *data, size_t size)
{
	struct sniff half, whole;
	enum sniff_result early = sniff(data, size / 2, &half), late = sniff(data, size, &whole);
	if (early == SNIFF_MORE && half.wants <= size / 2)
		abort();
	if (late == SNIFF_MORE && whole.wants <= size)
		abort();
	if (early == SNIFF_NAME && late != SNIFF_NAME)
		abort();
	if (late == SNIFF_NAME && whole.name.n_labels == 0)
		abort();
}

static void try_datagrams(const uint8_t *data, size_t size)
{
	struct quic_flow *flow = quic_flow_new();
	struct sniff sniff;
	if (!flow)
		abort();
	while (size > 1) {
		size_t len = data[0] < size - 1 ? data[0] : size - 1;
		(void)quic_flow_take(flow, data + 1, len, &sniff);
		data += 1 + len;
		size -= 1 + len;
	}
	quic_flow_free(flow);
}

static void try_frames(const uint8_t *data, size_t size)
{
	static const uint8_t id[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct quic_flow *flow = quic_flow_new();
	struct sniff sniff;
	if (!flow)
		abort();
	size = size < 1400 ? size : 1400;
	for (uint32_t number = 0; number < 2; number++) {
		const struct initial_form form = { .version = size % 2 ? QUIC_V1 : QUIC_V2,
						   .id = id,
						   .id_len = sizeof(id),
						   .number = number };
		uint8_t packet[1600];
		size_t half = number == 0 ? size / 2 : size - size / 2;
		size_t len =
			initial_seal(&form, number == 0 ? data : data + size / 2, half, packet);
		(void)quic_flow_take(flow, packet, len, &sniff);
	}
	quic_flow_free(flow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	CLEAN(free_ptr) uint8_t *copy = malloc(size); // so that its end is watched
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		try_stream(sniff_tls, copy, size - 1);
		break;
	case 1:
		try_stream(sniff_http, copy, size - 1);
		break;
	case 2:
		try_stream(sniff_handshake, copy, size - 1);
		break;
	case 3:
		try_datagrams(copy, size - 1);
		break;
	default:
		try_frames(copy, size - 1);
		break;
	}
	return 0;
}
