// What was answered, and what the kernel's sets are to say of it: by hand, and by many random
// answers, failures and changes of lists against a table that forgets nothing.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/learn_addresses.h"
#include "dns/learned.h"

enum { MINUTE = 60000, NAMES = 24, ADDRESSES = 12, LISTS = 4 };

static struct learned *new_table(size_t addresses)
{
	const struct learned_config config = { addresses, 4 * addresses, 77 };
	struct learned *learned = learned_new(&config);
	assert_non_null(learned);
	return learned;
}

static struct decide_set set_of(unsigned bits)
{
	struct decide_set set = { { bits } };
	return set;
}

static struct address address_of(unsigned n)
{
	struct address address = { .family = n % 3 ? 4 : 6, .bytes = { 10, 0, 0, (uint8_t)n } };
	address.bytes[1] = (uint8_t)(n >> 8);
	return address;
}

static struct name name_of(unsigned n)
{
	char text[32];
	struct name name;
	(void)snprintf(text, sizeof(text), "n%u.example", n);
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static int add(struct learned *learned, unsigned n, unsigned lists, unsigned address,
	       int64_t now_ms)
{
	const struct name name = name_of(n);
	const struct decide_set set = set_of(lists);
	const struct address at = address_of(address);
	const struct learned_fact fact = { &name, &set, &at, MINUTE };
	return learned_add(learned, &fact, now_ms);
}

// What a transaction makes of the kernel's sets.
struct kernel {
	unsigned lists[ADDRESSES + 1];
	bool known[ADDRESSES + 1];
	int64_t end_ms[ADDRESSES + 1];
};

static unsigned number_of(const struct address *address)
{
	return (unsigned)address->bytes[1] << 8 | address->bytes[3];
}

static void put_in_force(struct kernel *kernel, const struct learned_write *write, int64_t now_ms)
{
	unsigned n = number_of(&write->address);
	kernel->lists[n] |= (unsigned)write->put.bits[0];
	kernel->lists[n] &= ~(unsigned)write->drop.bits[0];
	assert_false(write->puts_known && write->drops_known);
	assert_false(decide_set_meets(&write->put, &write->drop));
	if (write->puts_known || write->drops_known)
		kernel->known[n] = write->puts_known;
	kernel->end_ms[n] = now_ms + write->timeout_ms;
}

static void write_all(struct learned *learned, struct kernel *kernel, int64_t now_ms)
{
	struct learned_write write;
	while (learned_take(learned, now_ms, &write)) {
		put_in_force(kernel, &write, now_ms);
		learned_done(learned, &write.address, true, now_ms);
	}
	assert_int_equal(learned_counts(learned).waiting, 0);
}

static void drain(struct learned *learned, int64_t now_ms)
{
	struct learned_write write;
	while (learned_take(learned, now_ms, &write))
		learned_done(learned, &write.address, true, now_ms);
}

static void an_address_is_written_once(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(100);
	struct kernel kernel = { 0 };
	struct address address = address_of(1);
	(void)state;
	assert_int_equal(add(learned, 1, 1, 1, 0), LEARNED_BESIDE);
	assert_false(learned_is_written(learned, &address));
	write_all(learned, &kernel, 0);
	assert_true(learned_is_written(learned, &address));
	assert_int_equal(kernel.lists[1], 1);
	assert_true(kernel.known[1]);
	assert_int_equal(kernel.end_ms[1], 2 * MINUTE);
	// For half of the grace nothing is written again, whatever is asked.
	assert_int_equal(add(learned, 1, 1, 1, MINUTE / 2), LEARNED_FRESH);
	assert_int_equal(add(learned, 1, 1, 1, MINUTE / 2 + 1), LEARNED_BESIDE);
	write_all(learned, &kernel, MINUTE / 2 + 1);
	assert_int_equal(kernel.end_ms[1], 2 * MINUTE + MINUTE / 2 + 1);
}

static void a_shared_address_is_not_known(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(100);
	struct kernel kernel = { 0 };
	(void)state;
	assert_int_equal(add(learned, 1, 1, 1, 0), LEARNED_BESIDE);
	assert_int_equal(add(learned, 2, 1, 1, 0), LEARNED_BESIDE); // in the same list
	write_all(learned, &kernel, 0);
	assert_true(kernel.known[1]);
	uint64_t before = learned_generation(learned);
	assert_int_equal(add(learned, 3, 0, 1, 1000), LEARNED_FIRST); // in none
	assert_int_not_equal(learned_generation(learned), before);
	assert_int_equal(add(learned, 3, 0, 1, 1000), LEARNED_FIRST); // still under way
	write_all(learned, &kernel, 1000);
	assert_false(kernel.known[1]);
	assert_int_equal(kernel.lists[1], 1);
	assert_int_equal(learned_counts(learned).shared, 1);
	// The first two are over: it is the third one's alone.
	assert_int_equal(add(learned, 3, 0, 1, 2 * MINUTE - 1), LEARNED_BESIDE);
	for (int i = 0; i < 12; i++)
		learned_tick(learned, 2 * MINUTE + 1);
	write_all(learned, &kernel, 2 * MINUTE + 1);
	assert_true(kernel.known[1]);
	assert_int_equal(kernel.lists[1], 0);
	assert_int_equal(learned_counts(learned).shared, 0);
	// And what is over goes without a word to the kernel, which has its own clock.
	for (int i = 0; i < 12; i++)
		learned_tick(learned, 5 * MINUTE);
	assert_int_equal(learned_counts(learned).waiting, 0);
	assert_int_equal(learned_counts(learned).addresses, 0);
	assert_int_equal(learned_counts(learned).names, 0);
}

static void failures_are_tried_alone_and_later(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(100);
	struct kernel kernel = { 0 };
	struct learned_write write;
	struct address one = address_of(1), two = address_of(2);
	(void)state;
	(void)add(learned, 1, 1, 1, 0);
	(void)add(learned, 2, 2, 2, 0);
	assert_true(learned_take(learned, 0, &write) && !write.is_alone);
	assert_true(learned_take(learned, 0, &write) && !write.is_alone);
	assert_false(learned_take(learned, 0, &write));
	learned_done(learned, &one, false, 0);
	learned_done(learned, &two, false, 0);
	assert_true(learned_take(learned, 0, &write) && write.is_alone);
	assert_true(address_equal(&write.address, &one));
	learned_done(learned, &one, false, 0);
	assert_true(learned_take(learned, 0, &write) && write.is_alone);
	put_in_force(&kernel, &write, 0);
	learned_done(learned, &two, true, 0);
	assert_true(learned_is_written(learned, &two));
	assert_false(learned_take(learned, 199, &write));
	assert_int_equal(learned_counts(learned).waiting, 1);
	write_all(learned, &kernel, 200);
	assert_true(learned_is_written(learned, &one));
	assert_int_equal(kernel.lists[1], 1);
}

// However many others come up meanwhile, of which each transaction takes some.
static void one_that_goes_alone_has_its_turn(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(100);
	struct learned_write write;
	struct address one = address_of(1), former = address_of(2);
	(void)state;
	(void)add(learned, 1, 1, 1, 0);
	assert_true(learned_take(learned, 0, &write));
	(void)add(learned, 2, 1, 2, 0);
	learned_done(learned, &one, false, 0);
	(void)add(learned, 3, 1, 3, 0);
	assert_true(learned_take(learned, 0, &write) && !write.is_alone);
	for (unsigned i = 4; i < 8; i++) {
		assert_true(learned_take(learned, 0, &write));
		if (!write.is_alone)
			fail_msg("address %u is before it", number_of(&write.address));
		learned_put_back(learned, &one);
		(void)add(learned, i, 1, i, 0);
	}
	learned_done(learned, &former, true, 0);
	assert_true(learned_take(learned, 0, &write) && write.is_alone);
}

static void what_was_there_before_counts(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(100);
	struct kernel kernel = { .lists = { 0, 1, 1 }, .known = { 0, true, false } };
	struct address one = address_of(1), two = address_of(2);
	(void)state;
	assert_int_equal(learned_seed(learned, &one, 0, MINUTE, 0), 0);
	assert_int_equal(learned_seed(learned, &two, 0, MINUTE, 0), 0);
	assert_int_equal(learned_seed(learned, &one, LEARNED_GONE, MINUTE, 0), 0);
	assert_int_equal(learned_counts(learned).waiting, 0);
	assert_true(learned_is_written(learned, &one));
	// The second was shared: by whom, nobody knows any more.
	assert_true(learned_get(learned, &two, 0).is_shared);
	assert_int_equal(add(learned, 1, 1, 2, 0), LEARNED_BESIDE);
	write_all(learned, &kernel, 0);
	assert_false(kernel.known[2]);
	for (int i = 0; i < 12; i++)
		learned_tick(learned, MINUTE + 1);
	write_all(learned, &kernel, MINUTE + 1);
	assert_true(kernel.known[2]);
	// A name in no list at an address of a list.
	assert_int_equal(learned_seed(learned, &one, 0, MINUTE, MINUTE + 2), 0);
	assert_int_equal(learned_seed(learned, &one, LEARNED_GONE, MINUTE, MINUTE + 2), 0);
	assert_int_equal(add(learned, 2, 0, 1, MINUTE + 2), LEARNED_FIRST);
}

static void memory_is_bounded(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(10);
	struct learned_write write;
	unsigned dropped = 0;
	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		(void)add(learned, i, 1, i % 250, i);
		if (learned_take(learned, i, &write)) {
			dropped += !decide_set_is_empty(&write.drop);
			learned_done(learned, &write.address, true, i);
		}
		assert_true(learned_counts(learned).addresses <= 13);
		assert_true(learned_counts(learned).names <= 40);
	}
	assert_true(dropped > 500); // what is forgotten leaves the sets, too
	// Nothing gets written: then nothing can go, and nothing new comes.
	int r = 0;
	for (unsigned i = 0; i < 40 && r >= 0; i++)
		r = add(learned, 5000 + i, 1, 300 + i, 3000);
	assert_int_equal(r, -ENOBUFS);
	// Many names of one address: some are forgotten, what they say of it is not.
	CLEAN(learned_free_ptr) struct learned *many = new_table(100);
	for (unsigned i = 0; i < 100; i++)
		(void)add(many, i, i == 7 ? 2 : 1, 1, i);
	struct address address = address_of(1);
	assert_true(learned_get(many, &address, 100).is_shared);
	assert_true(learned_counts(many).names <= 32);
	for (unsigned i = 0; i < 50; i++)
		(void)add(many, i + 200, 1 + i, 1, 200);
	assert_true(learned_get(many, &address, 200).is_shared);
}

// Somebody's own zone fills the table with addresses that are in no list.
static void what_a_list_covers_is_not_driven_out(void **state)
{
	CLEAN(learned_free_ptr) struct learned *learned = new_table(64);
	struct kernel kernel = { 0 };
	(void)state;
	assert_int_equal(add(learned, 1, 1, 1, 0), LEARNED_BESIDE);
	write_all(learned, &kernel, 0);
	for (unsigned i = 0; i < 1000; i++) {
		(void)add(learned, 10 + i, 0, 10 + i % 240, 1 + i);
		if (i % 40 == 0)
			drain(learned, 1 + i);
	}
	struct address address = address_of(1);
	assert_int_equal(learned_get(learned, &address, 1001).lists.bits[0], 1);
	assert_true(learned_is_written(learned, &address));
	// Nor while nothing gets written, and then there is room for more of it.
	for (unsigned i = 0; i < 200; i++)
		(void)add(learned, 2000 + i, 0, 300 + i, 1001);
	assert_int_equal(add(learned, 1500, 1, 2, 1001), LEARNED_BESIDE);
	assert_int_equal(learned_get(learned, &address, 1001).lists.bits[0], 1);
	// One in a list drives out what no list covers, as long as there is any of that.
	drain(learned, 1001);
	for (unsigned i = 0; i < 40; i++) {
		assert_true(add(learned, 3000 + i, 1, 600 + i, 1002) >= 0);
		drain(learned, 1002);
	}
	assert_int_equal(learned_get(learned, &address, 1002).lists.bits[0], 1);
}

// ---- at random ----

struct model {
	unsigned lists[NAMES];
	int64_t end_ms[NAMES][ADDRESSES];
};

static void lists_of(void *context, const struct name *name, struct decide_set *ret)
{
	const struct model *model = context;
	char text[NAME_TEXT_SIZE];
	name_text(name, text);
	*ret = set_of(model->lists[strtoul(text + 1, NULL, 10)]);
}

// Everything that the table says was answered is in the sets as the model has it.
static void compare(const struct model *model, const struct kernel *kernel, int64_t now_ms)
{
	for (unsigned a = 0; a < ADDRESSES; a++) {
		unsigned lists = 0, first = 0;
		bool any = false, is_shared = false;
		for (unsigned n = 0; n < NAMES; n++) {
			if (model->end_ms[n][a] <= now_ms)
				continue;
			is_shared = is_shared || (any && model->lists[n] != first);
			first = model->lists[n];
			lists |= first;
			any = true;
		}
		if (!any)
			continue;
		assert_true(kernel->end_ms[a] > now_ms);
		assert_int_equal(kernel->lists[a], lists);
		assert_int_equal(kernel->known[a], !is_shared);
	}
}

// A transaction under way while other things happen.
struct flight {
	struct learned_write writes[4];
	size_t n;
	bool is_there; // in the kernel already
};

static void take_off(struct learned *learned, struct flight *flight, int64_t now_ms)
{
	size_t want = 1 + (size_t)rand() % ARRAY_LEN(flight->writes);
	flight->is_there = false;
	for (flight->n = 0; flight->n < want; flight->n++) {
		struct learned_write *write = &flight->writes[flight->n];
		if (!learned_take(learned, now_ms, write))
			return;
		if (flight->n > 0 && write->is_alone) {
			learned_put_back(learned, &write->address);
			return;
		}
	}
}

static void reach_kernel(struct flight *flight, struct kernel *kernel, int64_t now_ms)
{
	for (size_t i = 0; i < flight->n && !flight->is_there; i++)
		put_in_force(kernel, &flight->writes[i], now_ms);
	flight->is_there = true;
}

// Of one that failed nobody knows whether it was done.
static void land(struct learned *learned, struct flight *flight, struct kernel *kernel,
		 int64_t now_ms)
{
	bool is_good = rand() % 3 > 0;
	if (is_good)
		reach_kernel(flight, kernel, now_ms);
	for (size_t i = 0; i < flight->n; i++) {
		if (!is_good && rand() % 2)
			learned_put_back(learned, &flight->writes[i].address);
		else
			learned_done(learned, &flight->writes[i].address, is_good, now_ms);
	}
	flight->n = 0;
}

static void transaction(struct learned *learned, struct flight *flight, struct kernel *kernel,
			int64_t now_ms)
{
	if (flight->n == 0)
		take_off(learned, flight, now_ms);
	else if (rand() % 2)
		reach_kernel(flight, kernel, now_ms);
	else
		land(learned, flight, kernel, now_ms);
}

static unsigned swap(unsigned lists)
{
	return (lists & 5) << 1 | (lists & 10) >> 1;
}

static void change_lists(struct learned *learned, struct model *model, struct flight *flight,
			 struct kernel *kernel, int64_t now_ms)
{
	int16_t map[DECIDE_LISTS_MAX] = { 0 };
	// Two lists change their places, with their sets.
	for (int16_t i = 0; i < DECIDE_LISTS_MAX; i++)
		map[i] = i < LISTS ? (int16_t)(i ^ 1) : LEARNED_GONE;
	for (unsigned a = 0; a < ADDRESSES; a++)
		kernel->lists[a] = swap(kernel->lists[a]);
	for (size_t i = 0; i < flight->n; i++) {
		flight->writes[i].put = set_of(swap((unsigned)flight->writes[i].put.bits[0]));
		flight->writes[i].drop = set_of(swap((unsigned)flight->writes[i].drop.bits[0]));
	}
	for (unsigned n = 0; n < NAMES; n++) {
		model->lists[n] = swap(model->lists[n]);
		if (rand() % 8 == 0)
			model->lists[n] = (unsigned)rand() % (1 << LISTS);
	}
	learned_move(learned, map);
	learned_outdate(learned);
	// So few are gone through at once: until then the kernel has no addresses of other lists.
	assert_false(learned_renew(learned, lists_of, model, now_ms));
}

static void one_step(struct learned *learned, struct model *model, struct flight *flight,
		     struct kernel *kernel, int64_t now_ms)
{
	unsigned n = (unsigned)rand() % NAMES, a = (unsigned)rand() % ADDRESSES;
	switch (rand() % 16) {
	case 0:
		learned_tick(learned, now_ms);
		break;
	case 1:
		if (rand() % 8 == 0)
			change_lists(learned, model, flight, kernel, now_ms);
		break;
	case 2:
		if (rand() % 16 == 0) {
			memset(kernel, 0, sizeof(*kernel));
			learned_lost(learned, now_ms);
		}
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		transaction(learned, flight, kernel, now_ms);
		break;
	default:
		assert_true(add(learned, n, model->lists[n], a, now_ms) >= 0);
		if (model->end_ms[n][a] < now_ms + MINUTE + MINUTE / 2)
			model->end_ms[n][a] = now_ms + 2 * MINUTE;
	}
}

static void whatever_happens_the_sets_are_right(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		CLEAN(learned_free_ptr) struct learned *learned = new_table(100);
		struct model model = { 0 };
		struct kernel kernel = { 0 };
		struct flight flight = { 0 };
		int64_t now_ms = 1000;
		srand(seed);
		for (unsigned n = 0; n < NAMES; n++)
			model.lists[n] = rand() % 2 ? (unsigned)rand() % (1 << LISTS) : 0;
		for (unsigned step = 0; step < 3000; step++) {
			now_ms += rand() % 200;
			one_step(learned, &model, &flight, &kernel, now_ms);
			if (step % 50)
				continue;
			for (int i = 0; i < 12; i++)
				learned_tick(learned, now_ms);
			land(learned, &flight, &kernel, now_ms);
			write_all(learned, &kernel, now_ms + 2000);
			compare(&model, &kernel, now_ms + 2000);
			now_ms += 2000;
		}
	}
}

// ---- answers ----

static void addresses_of_an_answer(void **state)
{
	// www.x CNAME a.x; a.x A, A; a.x HTTPS with hints of both families; an A in the authority.
	static const uint8_t message[] = "\0\1\x81\x80\0\1\0\5\0\1\0\0"
					 "\3www\1x\0\0\1\0\1"
					 "\xc0\x0c\0\5\0\1\0\0\1\0\0\4\1a\xc0\x10"
					 "\xc0\x23\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
					 "\xc0\x23\0\1\0\1\0\0\0\x3c\0\4\0\0\0\0"
					 "\xc0\x23\0\x41\0\1\0\0\0\x1e\0\x2a\0\1\0"
					 "\0\1\0\3\2h2\0\4\0\x08\xc0\0\2\2\xc0\0\2\3\0\6\0\x10\x20"
					 "\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
					 "\xc0\x23\0\x41\0\1\0\0\0\x1e\0\3\0\1\0"
					 "\xc0\x23\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x63";
	static const char *const wanted[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
					      "2001:db8::1" };
	struct dns_addresses addresses;
	struct address address;
	char text[ADDRESS_TEXT_SIZE];
	uint32_t ttl_s;
	(void)state;
	assert_true(dns_addresses_init(&addresses, message, sizeof(message) - 1));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_true(dns_addresses_next(&addresses, &address, &ttl_s));
		assert_string_equal(address_format(&address, text), wanted[i]);
		assert_int_equal(ttl_s, i == 0 ? 60 : 30);
	}
	assert_false(dns_addresses_next(&addresses, &address, &ttl_s));
	// Cut anywhere it ends, and reads nothing beyond.
	for (size_t len = 0; len < sizeof(message); len++) {
		uint8_t *cut = malloc(len + 1);
		assert_non_null(cut);
		memcpy(cut, message, len);
		for (bool more = dns_addresses_init(&addresses, cut, len); more;)
			more = dns_addresses_next(&addresses, &address, &ttl_s);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_written_once),
		cmocka_unit_test(a_shared_address_is_not_known),
		cmocka_unit_test(failures_are_tried_alone_and_later),
		cmocka_unit_test(one_that_goes_alone_has_its_turn),
		cmocka_unit_test(what_was_there_before_counts),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(what_a_list_covers_is_not_driven_out),
		cmocka_unit_test(whatever_happens_the_sets_are_right),
		cmocka_unit_test(addresses_of_an_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
