// What weft-sets takes from the programs that it serves, and what it says to the kernel.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"

#include "kernel/policy_sets_messages.h"
#include "sets/client.h"

static struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(text, &address, NULL), 0);
	return address;
}

static struct sets_record good(uint32_t list, const char *text)
{
	struct address address = address_of(text);
	struct sets_record record = list ? sets_of_list(list, &address) : sets_of_known(&address);
	sets_put(&record, 60000);
	return record;
}

static struct sets_record flow_of(const char *from, const char *to)
{
	struct sets_flow flow = { address_of(from), address_of(to), 50000, 443, 0x12340001 };
	struct sets_record record = sets_of_flow(&flow);
	sets_put(&record, 30000);
	return record;
}

struct message {
	struct sets_head head;
	struct sets_record records[3];
};

static bool is_taken(const struct sets_record *record)
{
	const struct message message = { { 1, SETS_CHANGE, 1 }, { *record } };
	return sets_message_is_good(&message, sizeof(message.head) + sizeof(*record));
}

static void a_message_is_whole_or_none(void **state)
{
	struct message message = { { 1, SETS_CHANGE, 2 },
				   { good(7, "192.0.2.1"), good(0, "2001:db8::1") } };
	const size_t len = sizeof(message.head) + 2 * sizeof(struct sets_record);
	(void)state;
	assert_true(sets_message_is_good(&message, len));
	assert_false(sets_message_is_good(&message, len - 1));
	assert_false(sets_message_is_good(&message, sizeof(message)));
	assert_false(sets_message_is_good(&message, 3));
	message.head.what = SETS_DUMP;
	assert_false(sets_message_is_good(&message, len));
	message.head.count = 0;
	assert_true(sets_message_is_good(&message, sizeof(message.head)));
	message.head.what = 9;
	assert_false(sets_message_is_good(&message, sizeof(message.head)));
	message.head.what = SETS_CHANGE;
	assert_false(sets_message_is_good(&message, sizeof(message.head)));
}

static void a_record_is_for_a_set_of_weft(void **state)
{
	struct sets_record list = good(7, "192.0.2.1"), known = good(0, "2001:db8::1");
	struct sets_record flow = flow_of("10.0.0.1", "192.0.2.1"), bad;
	(void)state;
	assert_true(is_taken(&list) && is_taken(&known) && is_taken(&flow));
#define REFUSED(of, change)                                                                        \
	bad = of;                                                                                  \
	bad.change;                                                                                \
	assert_false(is_taken(&bad))
	REFUSED(list, list = 0);
	REFUSED(list, action = 3);
	REFUSED(list, kind = 4);
	REFUSED(list, kind = 0);
	REFUSED(list, family = 5);
	REFUSED(list, zero = 1);
	REFUSED(list, timeout_ms = 0);
	REFUSED(list, timeout_ms = UINT32_MAX);
	REFUSED(list, mark = 1);
	REFUSED(list, to[4] = 1);
	REFUSED(list, from[0] = 1);
	REFUSED(list, to_port = 1);
	REFUSED(known, list = 7);
	REFUSED(flow, mark = 0);
	REFUSED(flow, from_port = 0);
	REFUSED(flow, to_port = 0);
	REFUSED(flow, from[4] = 1);
	REFUSED(flow, list = 1);
#undef REFUSED
	sets_drop(&list);
	sets_drop(&flow);
	assert_true(is_taken(&list) && is_taken(&flow));
	list.timeout_ms = 1000;
	assert_false(is_taken(&list));
}

static void names_of_sets_lead_back(void **state)
{
	static const char *const foreign[] = { "",       "known",         "known_5", "l_4",
					       "l0_4",   "l07_4",         "l7_44",   "l7_",
					       "quic_4", "reserved",      "l7_4 ",   "L7_4",
					       "l-7_4",  "l99999999999_4" };
	struct sets_record record = good(4294967295u, "2001:db8::1"), again;
	char name[SETS_NAME_SIZE];
	(void)state;
	sets_name(&record, name);
	assert_string_equal(name, "l4294967295_6");
	assert_true(sets_name_read(name, &again));
	assert_int_equal(again.list, record.list);
	assert_int_equal(again.family, 6);
	assert_int_equal(again.kind, SETS_LIST);
	assert_true(sets_name_read("known_4", &again));
	assert_int_equal(again.kind, SETS_KNOWN);
	record = flow_of("10.0.0.1", "192.0.2.1");
	sets_name(&record, name);
	assert_string_equal(name, "quic_4");
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		assert_false(sets_name_read(foreign[i], &again));
}

// What the kernel is told for each record: types of messages between begin and end of a batch.
static size_t types_of(const void *batch, size_t len, uint16_t ret[16])
{
	size_t count = 0;
	for (size_t at = 0; at < len;) {
		const struct nlmsghdr *nlh = (const void *)((const char *)batch + at);
		assert_true(nlh->nlmsg_len >= sizeof(*nlh) && nlh->nlmsg_len <= len - at);
		assert_true(count < 16);
		ret[count++] = nlh->nlmsg_type & 0xff;
		at += (nlh->nlmsg_len + 3u) & ~3u;
	}
	return count;
}

static void a_refresh_is_add_delete_add(void **state)
{
	static _Alignas(8) char batch[POLICY_SETS_BATCH_SIZE];
	struct sets_record records[] = { good(7, "192.0.2.1"), good(0, "192.0.2.2") };
	uint16_t types[16];
	(void)state;
	sets_drop(&records[1]);
	size_t len = policy_sets_build(batch, records, 2);
	assert_int_equal(types_of(batch, len, types), 7);
	static const uint16_t wanted[] = { NFNL_MSG_BATCH_BEGIN, NFT_MSG_NEWSETELEM,
					   NFT_MSG_DELSETELEM,   NFT_MSG_NEWSETELEM,
					   NFT_MSG_NEWSETELEM,   NFT_MSG_DELSETELEM,
					   NFNL_MSG_BATCH_END };
	assert_memory_equal(types, wanted, sizeof(wanted));
}

static void the_largest_message_fits(void **state)
{
	static _Alignas(8) char batch[POLICY_SETS_BATCH_SIZE];
	static struct sets_record records[SETS_RECORDS_MAX];
	(void)state;
	for (size_t i = 0; i < SETS_RECORDS_MAX; i++)
		records[i] = flow_of("2001:db8::1", "2001:db8::2");
	size_t len = policy_sets_build(batch, records, SETS_RECORDS_MAX);
	assert_true(len <= sizeof(batch));
	assert_true(sizeof(struct sets_head) + sizeof(records) <= SETS_MESSAGE_SIZE);
}

static void what_is_sent_arrives(void **state)
{
	static struct sets_record got[SETS_RECORDS_MAX];
	struct sets_record record = good(7, "192.0.2.1");
	struct sets_answer answer = { .number = 5, .status = -ENOENT };
	struct message message;
	int ends[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(sets_receive(ends[0], &answer, got), -EAGAIN);
	assert_int_equal(sets_send_change(ends[0], 5, &record, 1), 0);
	ssize_t n = recv(ends[1], &message, sizeof(message), 0);
	assert_true(n > 0 && sets_message_is_good(&message, (size_t)n));
	assert_int_equal(message.head.number, 5);
	assert_int_equal(send(ends[1], &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(sets_receive(ends[0], &answer, got), 0);
	assert_int_equal(answer.status, -ENOENT);
	answer.count = 2; // and none behind it
	assert_int_equal(send(ends[1], &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(sets_receive(ends[0], &answer, got), -EBADMSG);
	(void)close(ends[1]);
	assert_int_equal(sets_receive(ends[0], &answer, got), -ECONNRESET);
	assert_int_equal(sets_send(ends[0], 6, SETS_TABLE), -EPIPE);
	(void)close(ends[0]);
	assert_int_equal(sets_connect("/nowhere/at/all"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_whole_or_none),
		cmocka_unit_test(a_record_is_for_a_set_of_weft),
		cmocka_unit_test(names_of_sets_lead_back),
		cmocka_unit_test(a_refresh_is_add_delete_add),
		cmocka_unit_test(the_largest_message_fits),
		cmocka_unit_test(what_is_sent_arrives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
