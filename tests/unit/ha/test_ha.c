// What the doer of HA groups sends, keeps and hands to the kernel: packets, records, announcements,
// batches. cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "ha/announce.h"
#include "ha/packet.h"
#include "ha/record.h"
#include "kernel/netlink.h"
#include "kernel/vip_messages.h"

static const uint8_t key[HA_KEY_SIZE] = { 1, 2, 3 };
static const struct lease_message asked = {
	.type = LEASE_ASK, .group = 5, .generation = 2, .epoch = 7, .seq = 9, .span_us = 650000
};

static struct kernel_ip ip(const char *text)
{
	struct kernel_ip ret;

	assert_int_equal(kernel_ip_parse(text, &ret, NULL), 0);
	return ret;
}

// ---- packets ----

static void a_packet_is_its_senders_for_its_receiver_alone(void **state)
{
	static const uint8_t other_key[HA_KEY_SIZE] = { 1, 2, 4 };
	uint8_t packet[HA_PACKET_SIZE];
	struct lease_message got;
	uint32_t group;

	(void)state;
	ha_packet_encode(key, 11, 12, &asked, packet);
	assert_true(ha_packet_group(packet, sizeof packet, &group));
	assert_int_equal(group, 5);
	assert_true(ha_packet_decode(key, 11, 12, packet, sizeof packet, &got));
	assert_int_equal(got.epoch, 7);
	assert_int_equal(got.span_us, 650000);
	// Another sender, another receiver, sent back, another key, cut, longer.
	assert_false(ha_packet_decode(key, 13, 12, packet, sizeof packet, &got));
	assert_false(ha_packet_decode(key, 11, 13, packet, sizeof packet, &got));
	assert_false(ha_packet_decode(key, 12, 11, packet, sizeof packet, &got));
	assert_false(ha_packet_decode(other_key, 11, 12, packet, sizeof packet, &got));
	assert_false(ha_packet_decode(key, 11, 12, packet, sizeof packet - 1, &got));
	for (size_t i = 0; i < sizeof packet; i++) {
		packet[i] ^= 1;
		assert_false(ha_packet_decode(key, 11, 12, packet, sizeof packet, &got));
		packet[i] ^= 1;
	}
}

static void a_message_goes_through_text_unchanged(void **state)
{
	char text[LEASE_TEXT_SIZE];
	struct lease_message got;
	struct err err;

	(void)state;
	lease_message_format(&asked, text);
	assert_int_equal(lease_message_parse(text, &got, &err), 0);
	assert_int_equal(got.seq, asked.seq);
	text[3] = 'x';
	assert_int_equal(lease_message_parse(text, &got, &err), -EINVAL);
	assert_string_equal(err.text, "a lease message has to be pairs of hexadecimal digits");
	text[3] = '\0';
	assert_int_equal(lease_message_parse(text, &got, &err), -EINVAL);
	assert_int_equal(lease_message_parse("", &got, &err), -EINVAL);
}

// ---- records ----

static void a_record_outlives_the_program(void **state)
{
	char dir[] = "/tmp/weft-ha-XXXXXX";
	const struct lease_record record = { .epoch = 1234567890123,
					     .holder = 7,
					     .longest_us = 650000 };
	struct lease_record got;
	struct err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	CLEAN(free_ptr) char *path = record_path(dir, 5);
	CLEAN(free_ptr) char *sub = text_format("%s/ha", dir);
	assert_int_equal(file_make_dirs(sub, 0700, &err), 0);
	assert_false(record_load(path, &got, &err));
	assert_int_equal(record_save(path, &record, &err), 0);
	assert_true(record_load(path, &got, &err));
	assert_int_equal(got.epoch, record.epoch);
	assert_int_equal(got.holder, 7);
	// One that is cut short must not be taken for none: its promises may be in force.
	assert_int_equal(file_replace(path, "1 12 7 6500", 11, 0600, &err), 0);
	err = (struct err){ 0 };
	assert_true(record_load(path, &got, &err));
	assert_int_equal(got.longest_us, LEASE_LONGEST_US);
	assert_int_equal(got.holder, LEASE_NOBODY);
	assert_non_null(strstr(err.text, "is damaged"));
	assert_int_equal(record_delete_all(dir, &err), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(record_delete_all(dir, &err), 0);
}

// ---- announcements ----

static uint16_t sum_of(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void a_lan_is_told_in_both_families(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	const struct kernel_ip v4 = ip("10.1.0.1"), v6 = ip("fd00:1::1");
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	(void)state;
	assert_int_equal(announce_arp(mac, &v4, false, frame), 42);
	assert_memory_equal(frame, "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x07\x08\x06", 14);
	assert_memory_equal(frame + 28, "\x0a\x01\0\x01", 4); // sender and target are the address
	assert_memory_equal(frame + 38, "\x0a\x01\0\x01", 4);
	assert_int_equal(announce_neighbour(mac, &v6, frame), 86);
	assert_int_equal(frame[54], 136);
	assert_memory_equal(frame + 62, v6.bytes, 16);
	assert_memory_equal(frame + 80, mac, 6);
	// Right when the sum over everything, the sum itself included, is all ones.
	assert_int_equal(sum_of(frame + 54, 32, (uint32_t)sum_of(frame + 22, 32, 32 + 58)), 0xffff);
}

// ---- the kernel's tables ----

static void only_what_is_written_for_a_family_is_made(void **state)
{
	struct vip_set set = { .group = 5, .interface = "eth1", .ips = { ip("10.1.0.1") }, .n = 1 };
	CLEAN(text_free) struct text rules = { 0 };
	char one[VIP_DIGEST_SIZE], other[VIP_DIGEST_SIZE];

	(void)state;
	vip_rules_render(&rules, &set);
	assert_non_null(strstr(rules.data, "table inet weft_ha_5 {"));
	assert_non_null(strstr(rules.data, "table netdev weft_ha_5 {"));
	assert_non_null(strstr(rules.data, "hook egress device \"eth1\""));
	assert_non_null(strstr(rules.data, "arp saddr ip { 10.1.0.1 } jump arp4"));
	assert_null(strstr(rules.data, "ipv6_addr"));
	vip_rules_digest(&set, one);
	assert_non_null(strstr(rules.data, one));
	set.ips[set.n++] = ip("fd00:1::1");
	vip_rules_digest(&set, other);
	assert_string_not_equal(one, other);
}

static void each_part_of_a_group_has_tables_of_its_own(void **state)
{
	const struct vip_set sets[] = { { .group = 5 },
					{ .group = 4294967295, .part = 4294967294 } };
	char name[VIP_TABLE_SIZE], listing[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct vip_set read = { .part = 9 };

		vip_table_name(name, &sets[i]);
		assert_true(strlen(name) < sizeof name - 1);
		(void)snprintf(listing, sizeof listing, "%s { # handle 7", name);
		vip_table_read(listing, &read);
		assert_true(vip_set_equal(&read, &sets[i]));
	}
	assert_string_equal(name, "weft_ha_4294967295_4294967294");
}

// Answers of the kernel, right and broken: the batches that it is sent are of the same form.
static void elements_are_read_and_garbage_is_not(void **state)
{
	const struct vip_set set = {
		.group = 5, .interface = "eth1", .ips = { ip("10.1.0.1") }, .n = 1
	};
	_Alignas(8) char batch[NETLINK_REQUEST_SIZE];
	size_t count = 0, len;
	int64_t ms = INT64_MAX;

	(void)state;
	len = vip_pledge_build(batch, &set, VIP_A, 600);
	assert_true(len > 0 && len < sizeof batch);
	for (size_t at = 0; at < len;) {
		struct nlmsghdr *nlh = (void *)(batch + at);

		(void)vip_read_parse(nlh, &count, &ms);
		for (uint32_t cut = sizeof *nlh; cut < nlh->nlmsg_len; cut++) {
			_Alignas(8) char copy[512];
			struct nlmsghdr *broken = (void *)copy;
			size_t ignored = 0;

			assert_true(nlh->nlmsg_len <= sizeof copy);
			memcpy(copy, nlh, cut);
			broken->nlmsg_len = cut;
			(void)vip_read_parse(broken, &ignored, &ms);
		}
		at += (nlh->nlmsg_len + 3u) & ~3u;
	}
	// One address in each of two tables; what a request says of spans is no time that is left.
	assert_int_equal(count, 2);
	assert_true(ms == INT64_MAX);
	assert_true(vip_use_build(batch, &set, VIP_NONE) > vip_use_build(batch, &set, VIP_A) / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_is_its_senders_for_its_receiver_alone),
		cmocka_unit_test(a_message_goes_through_text_unchanged),
		cmocka_unit_test(a_record_outlives_the_program),
		cmocka_unit_test(a_lan_is_told_in_both_families),
		cmocka_unit_test(only_what_is_written_for_a_family_is_made),
		cmocka_unit_test(each_part_of_a_group_has_tables_of_its_own),
		cmocka_unit_test(elements_are_read_and_garbage_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
