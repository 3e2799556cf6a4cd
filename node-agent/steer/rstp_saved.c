// The machine over a restart of its program: as bytes, and when they have to be written.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/rstp_inside.h"

#define SAVE_VERSION 2
// More BPDUs than are sent between two savings.
#define NUMBERS_AHEAD (UINT64_C(1) << 32)
#define FNV_BASIS     UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME     UINT64_C(0x100000001b3)

struct saved {
	uint32_t version, size;
	uint64_t sum;
	struct rstp machine;
};

static uint64_t add(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * FNV_PRIME;
	return sum;
}

// Quick, for it is done whenever a port moves; only a file that is not whole must not pass.
static uint64_t sum_of(const struct rstp *machine)
{
	static_assert(sizeof *machine % sizeof(uint64_t) == 0, "summed by words");
	uint64_t sum = FNV_BASIS, word;

	for (size_t at = 0; at < sizeof *machine; at += sizeof word) {
		memcpy(&word, (const uint8_t *)machine + at, sizeof word);
		sum = (sum ^ word) * FNV_PRIME;
	}
	return sum;
}

static uint64_t add_vector(uint64_t sum, const struct bpdu_vector *v)
{
	sum = add(sum, &v->root, sizeof v->root);
	sum = add(sum, &v->cost, sizeof v->cost);
	sum = add(sum, &v->bridge, sizeof v->bridge);
	return add(sum, &v->port, sizeof v->port);
}

static uint64_t add_port(uint64_t sum, const struct rstp_port *p)
{
	const uint64_t small[] = { p->is_used,        p->is_up, p->role,    p->learn,
				   p->forward,        p->info,  p->peer,    p->send_rstp,
				   p->is_subordinate, p->since, p->session, p->heard.session };

	sum = add(sum, small, sizeof small);
	sum = add_vector(sum, &p->priority);
	return add_vector(sum, &p->low);
}

// What the invariant of rstp_promise.c rests on.
static uint64_t digest(const struct rstp *b)
{
	uint64_t sum = FNV_BASIS;

	for (unsigned i = 0; i < RSTP_PORTS_MAX; i++)
		if (b->ports[i].is_used)
			sum = add_port(sum + i, &b->ports[i]);
	return sum;
}

bool rstp_wants_saving(const struct rstp *b)
{
	return digest(b) != b->saved;
}

size_t rstp_save_size(void)
{
	return sizeof(struct saved);
}

void rstp_save(struct rstp *b, void *ret)
{
	struct saved s = { .version = SAVE_VERSION, .size = sizeof s };

	b->saved = digest(b);
	// The padding too: it is summed.
	memcpy(&s.machine, b, sizeof *b);
	s.sum = sum_of(&s.machine);
	memcpy(ret, &s, sizeof s);
}

static void resume(struct rstp_port *p, int64_t now)
{
	p->sent += NUMBERS_AHEAD;
	p->hello_when = now;
	// The other end gets the time that it takes to be heard again.
	p->answered_when = p->heard_when = now;
	if (p->info == INFO_RECEIVED && p->rcvd_info_while < now + 2 * p->times.hello)
		p->rcvd_info_while = now + 2 * p->times.hello;
}

int rstp_load(const void *data, size_t size, int64_t now_us, struct rstp **ret, struct err *err)
{
	struct saved s;
	struct rstp_port *p;

	if (size != sizeof s)
		return err_set(err, -EBADMSG, "the saved spanning tree has another size");
	memcpy(&s, data, sizeof s);
	if (s.version != SAVE_VERSION || s.size != sizeof s || s.sum != sum_of(&s.machine))
		return err_set(err, -EBADMSG, "the saved spanning tree is not whole");
	struct rstp *b = malloc(sizeof *b);
	if (!b)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(b, &s.machine, sizeof *b);
	b->next_session += NUMBERS_AHEAD;
	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		resume(p, now_us);
	// The next program has to begin beyond the numbers that this one uses.
	b->saved = digest(b) + 1;
	*ret = b;
	return 0;
}
