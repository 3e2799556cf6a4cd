#include "steer/bpdu.h"

#include <errno.h>
#include <string.h>

#include "base/octets.h"

enum {
	SIZE_TCN = 4,
	SIZE_CONFIG = 35,
	SIZE_RST = 36,
	SIZE_EXTENSION = 38, // without the path
	ETHERNET = 14,
	LLC = 3,
	VERSION_STP = 0,
	VERSION_RSTP = 2,
	TYPE_CONFIG = 0x00,
	TYPE_RST = 0x02,
	TYPE_TCN = 0x80,
	FLAG_TC = 0x01,
	FLAG_PROPOSAL = 0x02,
	FLAG_ROLE_SHIFT = 2,
	FLAG_LEARNING = 0x10,
	FLAG_FORWARDING = 0x20,
	FLAG_AGREEMENT = 0x40,
	FLAG_TC_ACK = 0x80,
};

#define SECOND INT64_C(1000000)

static const uint8_t group_address[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 };
static const uint8_t llc_header[LLC] = { 0x42, 0x42, 0x03 };
static const uint8_t extension_magic[5] = { 'W', 'e', 'f', 't', 1 };

int bpdu_vector_compare(const struct bpdu_vector *a, const struct bpdu_vector *b)
{
	int order = memcmp(&a->root, &b->root, sizeof a->root);

	if (order == 0 && a->cost != b->cost)
		order = a->cost < b->cost ? -1 : 1;
	if (order == 0)
		order = memcmp(&a->bridge, &b->bridge, sizeof a->bridge);
	return order ? order : (int)a->port - (int)b->port;
}

bool bpdu_times_equal(const struct bpdu_times *a, const struct bpdu_times *b)
{
	return a->message_age == b->message_age && a->max_age == b->max_age &&
	       a->hello == b->hello && a->forward_delay == b->forward_delay;
}

// --- to bytes

static uint8_t *put(uint8_t *at, uint64_t value, size_t bytes)
{
	octets_put(at, value, bytes);
	return at + bytes;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_time(uint8_t *at, int64_t us)
{
	const int64_t units = (us * 256 + SECOND / 2) / SECOND;

	return put(at, units < 0 ? 0 : units > UINT16_MAX ? UINT16_MAX : (uint64_t)units, 2);
}

static uint8_t flags_of(const struct bpdu *b)
{
	unsigned flags =
		(b->topology_change ? FLAG_TC : 0u) | (b->topology_change_ack ? FLAG_TC_ACK : 0u);

	if (b->type == BPDU_RST)
		flags |= (b->proposal ? FLAG_PROPOSAL : 0u) | (b->agreement ? FLAG_AGREEMENT : 0u) |
			 (b->learning ? FLAG_LEARNING : 0u) |
			 (b->forwarding ? FLAG_FORWARDING : 0u) |
			 (unsigned)b->role << FLAG_ROLE_SHIFT;
	return (uint8_t)flags;
}

static uint8_t *put_extension(uint8_t *at, const struct bpdu_extension *x)
{
	const uint8_t len = x->path_len > BPDU_PATH_MAX ? BPDU_PATH_MAX : x->path_len;

	at = put_bytes(at, extension_magic, sizeof extension_magic);
	at = put(at, x->mark.session, 8);
	at = put(at, x->mark.number, 8);
	at = put(at, x->echo.session, 8);
	at = put(at, x->echo.number, 8);
	at = put(at, len, 1);
	return put_bytes(at, x->path, (size_t)len * 6);
}

size_t bpdu_encode(const struct bpdu *b, uint8_t ret[BPDU_SIZE_MAX])
{
	static const uint8_t types[] = {
		[BPDU_CONFIG] = TYPE_CONFIG, [BPDU_TCN] = TYPE_TCN, [BPDU_RST] = TYPE_RST
	};
	uint8_t *at = put(ret, 0, 2);

	at = put(at, b->type == BPDU_RST ? VERSION_RSTP : VERSION_STP, 1);
	at = put(at, types[b->type], 1);
	if (b->type == BPDU_TCN)
		return SIZE_TCN;
	at = put(at, flags_of(b), 1);
	at = put_bytes(at, b->vector.root.bytes, 8);
	at = put(at, b->vector.cost, 4);
	at = put_bytes(at, b->vector.bridge.bytes, 8);
	at = put(at, b->vector.port, 2);
	at = put_time(at, b->times.message_age);
	at = put_time(at, b->times.max_age);
	at = put_time(at, b->times.hello);
	at = put_time(at, b->times.forward_delay);
	if (b->type == BPDU_RST)
		at = put(at, 0, 1); // length of the version 1 information: there is none
	if (b->type == BPDU_RST && b->has_extension)
		at = put_extension(at, &b->extension);
	return (size_t)(at - ret);
}

// --- from bytes

static int64_t get_time(const uint8_t *at, int64_t min, int64_t max)
{
	const int64_t us = (int64_t)octets_get(at, 2) * SECOND / 256;

	return us < min ? min : us > max ? max : us;
}

static bool get_extension(const uint8_t *at, size_t size, struct bpdu_extension *x)
{
	if (size < SIZE_EXTENSION || memcmp(at, extension_magic, sizeof extension_magic) != 0)
		return false;
	at += sizeof extension_magic;
	x->mark = (struct bpdu_mark){ octets_get(at, 8), octets_get(at + 8, 8) };
	x->echo = (struct bpdu_mark){ octets_get(at + 16, 8), octets_get(at + 24, 8) };
	x->path_len = at[32];
	if (x->path_len > BPDU_PATH_MAX || size < SIZE_EXTENSION + (size_t)x->path_len * 6)
		return false;
	memcpy(x->path, at + 33, (size_t)x->path_len * 6);
	return x->mark.session != 0;
}

static void get_flags(uint8_t flags, struct bpdu *b)
{
	b->topology_change = flags & FLAG_TC;
	b->topology_change_ack = flags & FLAG_TC_ACK;
	b->role = BPDU_DESIGNATED; // only that one sends a Configuration BPDU
	if (b->type != BPDU_RST)
		return;
	b->proposal = flags & FLAG_PROPOSAL;
	b->agreement = flags & FLAG_AGREEMENT;
	b->learning = flags & FLAG_LEARNING;
	b->forwarding = flags & FLAG_FORWARDING;
	b->role = (enum bpdu_role)(flags >> FLAG_ROLE_SHIFT & 3);
}

static int get_body(const uint8_t *data, struct bpdu *b, struct err *err)
{
	get_flags(data[4], b);
	memcpy(b->vector.root.bytes, data + 5, 8);
	b->vector.cost = (uint32_t)octets_get(data + 13, 4);
	memcpy(b->vector.bridge.bytes, data + 17, 8);
	b->vector.port = (uint16_t)octets_get(data + 25, 2);
	b->times.message_age = get_time(data + 27, 0, 255 * SECOND);
	b->times.max_age = get_time(data + 29, 0, 40 * SECOND);
	if (b->times.message_age >= b->times.max_age)
		return err_set(err, -EBADMSG, "the BPDU is older than its own maximum age");
	if (b->times.max_age < 6 * SECOND)
		b->times.max_age = 6 * SECOND;
	b->times.hello = get_time(data + 31, SECOND / 10, 10 * SECOND);
	b->times.forward_delay = get_time(data + 33, 2 * SECOND, 30 * SECOND);
	if (b->type == BPDU_RST && b->role == BPDU_UNKNOWN)
		return err_set(err, -EBADMSG, "an RST BPDU of a port without a role");
	return 0;
}

int bpdu_decode(const uint8_t *data, size_t size, struct bpdu *ret, struct err *err)
{
	struct bpdu b = { 0 };

	if (size < SIZE_TCN || octets_get(data, 2) != 0)
		return err_set(err, -EBADMSG, "no BPDU of the spanning tree protocol");
	if (data[3] == TYPE_TCN) {
		*ret = (struct bpdu){ .type = BPDU_TCN };
		return 0;
	}
	if (data[3] == TYPE_CONFIG)
		b.type = BPDU_CONFIG;
	else if (data[3] == TYPE_RST && data[2] >= VERSION_RSTP)
		b.type = BPDU_RST;
	else
		return err_set(err, -EBADMSG, "a BPDU of version %u and unknown type 0x%02x",
			       data[2], data[3]);
	if (size < (b.type == BPDU_RST ? SIZE_RST : SIZE_CONFIG))
		return err_set(err, -EBADMSG, "a BPDU of %zu bytes", size);
	int rc = get_body(data, &b, err);
	if (rc < 0)
		return rc;
	if (b.type == BPDU_RST)
		b.has_extension = get_extension(data + SIZE_RST, size - SIZE_RST, &b.extension);
	if (!b.has_extension)
		b.extension = (struct bpdu_extension){ 0 };
	*ret = b;
	return 0;
}

// --- frames

size_t bpdu_frame_encode(const struct bpdu *bpdu, const uint8_t source[6],
			 uint8_t ret[BPDU_FRAME_MAX])
{
	const size_t len = bpdu_encode(bpdu, ret + ETHERNET + LLC);
	size_t size = ETHERNET + LLC + len;

	memcpy(ret, group_address, 6);
	memcpy(ret + 6, source, 6);
	(void)put(ret + 12, LLC + len, 2);
	memcpy(ret + ETHERNET, llc_header, LLC);
	if (size < BPDU_FRAME_MIN)
		memset(ret + size, 0, BPDU_FRAME_MIN - size);
	return size < BPDU_FRAME_MIN ? BPDU_FRAME_MIN : size;
}

int bpdu_frame_decode(const uint8_t *frame, size_t size, struct bpdu *ret, struct err *err)
{
	if (size < ETHERNET + LLC || memcmp(frame, group_address, 6) != 0 ||
	    memcmp(frame + ETHERNET, llc_header, LLC) != 0)
		return err_set(err, -ENOMSG, "no frame of the spanning tree protocol");
	const size_t len = (size_t)octets_get(frame + 12, 2);
	if (len < LLC || len > size - ETHERNET)
		return err_set(err, -EBADMSG, "a frame of %zu bytes that says it has %zu",
			       size - ETHERNET, len);
	return bpdu_decode(frame + ETHERNET + LLC, len - LLC, ret, err);
}
