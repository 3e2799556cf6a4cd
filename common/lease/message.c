#include "lease/message.h"

#include <errno.h>
#include <string.h>

#include "base/hex.h"
#include "base/octets.h"

enum { VERSION = 1, FLAGS_KNOWN = LEASE_FLAG_TRIAL | LEASE_FLAG_WANTS };

void lease_message_encode(const struct lease_message *m, uint8_t ret[LEASE_MESSAGE_SIZE])
{
	memset(ret, 0, LEASE_MESSAGE_SIZE);
	ret[0] = 'W';
	ret[1] = 'L';
	ret[2] = VERSION;
	ret[3] = (uint8_t)m->type;
	octets_put(ret + 4, m->group, 4);
	octets_put(ret + 8, m->generation, 4);
	octets_put(ret + 12, m->node, 4);
	octets_put(ret + 16, m->epoch, 8);
	octets_put(ret + 24, m->seq, 8);
	octets_put(ret + 32, (uint64_t)m->span_us, 4);
	ret[36] = (uint8_t)m->verdict;
	ret[37] = (uint8_t)m->flags;
	octets_put(ret + 40, m->highest, 8);
}

int lease_message_decode(const uint8_t *data, size_t len, struct lease_message *ret,
			 struct err *err)
{
	if (len < LEASE_MESSAGE_SIZE || len > LEASE_MESSAGE_MAX || data[0] != 'W' || data[1] != 'L')
		return err_set(err, -EINVAL, "%zu bytes are no lease message", len);
	if (data[2] != VERSION)
		return err_set(err, -EINVAL, "a lease message of version %u, known is %d", data[2],
			       VERSION);
	if (data[3] < LEASE_ASK || data[3] > LEASE_RELEASE)
		return err_set(err, -EINVAL, "a lease message of the unknown type %u", data[3]);
	if (data[36] > LEASE_STALE)
		return err_set(err, -EINVAL, "a lease message with the unknown verdict %u",
			       data[36]);
	struct lease_message m = {
		.type = (enum lease_type)data[3],
		.group = (uint32_t)octets_get(data + 4, 4),
		.generation = (uint32_t)octets_get(data + 8, 4),
		.node = (uint32_t)octets_get(data + 12, 4),
		.epoch = octets_get(data + 16, 8),
		.seq = octets_get(data + 24, 8),
		.span_us = (int64_t)octets_get(data + 32, 4),
		.verdict = (enum lease_verdict)data[36],
		.flags = data[37] & FLAGS_KNOWN,
		.highest = octets_get(data + 40, 8),
	};
	if (m.span_us > LEASE_LONGEST_US)
		return err_set(err, -EINVAL, "a lease message with a span of %lld ms, at most %d",
			       (long long)m.span_us / 1000, LEASE_LONGEST_US / 1000);
	// An epoch is counted up from what others say: the highest would be the last.
	if (m.epoch > UINT64_MAX / 2 || m.highest > UINT64_MAX / 2)
		return err_set(err, -EINVAL, "a lease message with an epoch beyond counting");
	*ret = m;
	return 0;
}

void lease_message_format(const struct lease_message *m, char ret[LEASE_TEXT_SIZE])
{
	uint8_t data[LEASE_MESSAGE_SIZE];

	lease_message_encode(m, data);
	hex_write(data, sizeof data, ret);
}

int lease_message_parse(const char *text, struct lease_message *ret, struct err *err)
{
	uint8_t data[LEASE_MESSAGE_MAX];
	const size_t len = strnlen(text, 2 * sizeof data);

	if (!hex_read(text, len, data))
		return err_set(err, -EINVAL,
			       "a lease message has to be pairs of hexadecimal digits");
	return lease_message_decode(data, len / 2, ret, err);
}
