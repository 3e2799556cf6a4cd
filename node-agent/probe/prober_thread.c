// The prober's thread: in each pass it reads what came, sends what is due, and lets the judges
// look.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"

#include "probe/external.h"
#include "probe/prober_inside.h"
#include "probe/wire_frame.h"

enum {
	LOOK_US = 1000000,   // between two looks at the devices
	CLOCK_US = 16000000, // and at how good the clock is
	READS_MAX = 64,      // batches of one socket in one pass
	NICE = -10,          // a busy host is no lost link
};

static int64_t wall_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t prober_now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static struct sender_time time_at(const struct prober *p, int64_t age_ns)
{
	return (struct sender_time){ prober_now_us() - age_ns / 1000,
				     stamp_time(wall_ns() - age_ns), p->clock_error };
}

// ---- looking after the gates ----

static void sever_all(struct prober *p, const struct wicket *w, int64_t now_us)
{
	for (size_t i = w->first; i < w->first + w->count; i++) {
		struct member *m = p->members[i];
		const enum judge_state before = m->link.judge.state;
		if (judge_sever(&m->link.judge, now_us))
			prober_note(p, m, before);
		prober_due(p, m);
	}
}

static void look_at_gates(struct prober *p, int64_t now_us)
{
	for (size_t i = 0; i < p->gates_len; i++) {
		struct wicket *w = &p->gates[i];
		struct err err = { 0 };
		if (gate_is_whole(&w->gate)) {
			// Nothing comes through it, and nobody needs three probes to see that.
			if (!gate_has_carrier(&w->gate))
				sever_all(p, w, now_us);
			continue;
		}
		if (w->gate.index)
			log_info("probe: device %s is another or gone", w->gate.device);
		const int r = gate_open(&w->gate, &err);
		if (r < 0 && err.code != w->trouble.code)
			log_warn("probe: %s", err.text);
		w->trouble = err;
		if (r < 0)
			sever_all(p, w, now_us);
		for (size_t k = w->first; r == 0 && k < w->first + w->count; k++)
			prober_due(p, p->members[k]);
	}
}

// ---- sending ----

struct outbox {
	int fd;
	size_t count;
	struct gate_packet packets[GATE_BATCH];
};

static void flush(struct prober *p, struct outbox *out)
{
	gate_send(out->fd, out->packets, out->count);
	for (size_t i = 0; i < out->count; i++) {
		struct member *m = out->packets[i].context;
		if (!m || out->packets[i].error == 0)
			continue;
		// Not sent is lost, without waiting for a reply.
		const enum judge_state before = m->link.judge.state;
		if (judge_miss(&m->link.judge, m->link.sender.next - 1, prober_now_us()))
			prober_note(p, m, before);
		prober_due(p, m);
	}
	out->count = 0;
}

static struct gate_packet *place(struct prober *p, struct outbox *out, int fd)
{
	if (out->count == GATE_BATCH || (out->count && out->fd != fd))
		flush(p, out);
	out->fd = fd;
	return &out->packets[out->count];
}

// ---- what travels with the packets ----

// Puts the rider's note behind a packet; returns the length of both.
static size_t add_note(const struct prober *p, const struct member *m, uint8_t *packet)
{
	uint8_t note[STAMP_NOTE_MAX];
	const size_t len = m->rider ? p->rider.note(p->rider.context, m->rider, note) : 0;
	return stamp_note_put(&m->link.key, packet, note, len);
}

static void hear_note(const struct prober *p, const struct member *m,
		      const struct gate_packet *packet)
{
	const uint8_t *note;
	const size_t len = stamp_note_get(&m->link.key, packet->data, packet->len, &note);
	if (m->rider && len)
		p->rider.heard(p->rider.context, m->rider, note, len, prober_now_us());
}

// Lets the riders do what is due; returns when there will be more.
static int64_t let_ride(struct prober *p, int64_t now_us)
{
	uint64_t link;
	if (!p->rider.tick)
		return INT64_MAX;
	const int64_t due = p->rider.tick(p->rider.context, now_us);
	while (p->rider.hurry(p->rider.context, &link))
		for (size_t i = 0; i < p->members_len; i++)
			if (p->members[i]->rider == link) {
				p->members[i]->link.next_us = now_us;
				prober_due(p, p->members[i]);
			}
	return due;
}

static enum external_way way_of(const struct gate *gate)
{
	if (gate->kind == GATE_UDP)
		return EXTERNAL_UDP;
	return gate->own.any.sa_family == AF_INET ? EXTERNAL_ICMP4 : EXTERNAL_ICMP6;
}

// The length of the packet that was due, 0: none is.
static size_t make_request(const struct prober *p, struct member *m, uint8_t *packet,
			   bool *ret_changed)
{
	const struct gate *gate = &p->gates[m->gate].gate;
	const struct sender_time now = time_at(p, 0);
	if (gate_is_external(gate))
		return external_send(&m->link, way_of(gate), &now, packet, ret_changed);
	if (gate->kind == GATE_WIRE) {
		wire_frame_put(gate->mac, false, packet);
		return link_send(&m->link, &now, packet + WIRE_FRAME_HEADER, ret_changed)
			       ? WIRE_FRAME_HEADER + STAMP_SIZE
			       : 0;
	}
	return link_send(&m->link, &now, packet, ret_changed) ? add_note(p, m, packet) : 0;
}

// Of wires there are no charts.
static bool is_remembered(const struct prober *p, const struct member *m)
{
	return p->gates[m->gate].gate.kind != GATE_WIRE;
}

static void look_after(struct prober *p, struct outbox *out, struct member *m, int64_t now_us)
{
	const enum judge_state before = m->link.judge.state;
	bool changed = judge_tick(&m->link.judge, now_us);
	bool changed_too = false;
	if (now_us >= m->link.next_us) {
		struct gate_packet *packet = place(p, out, p->gates[m->gate].gate.ask_fd);
		packet->len = make_request(p, m, packet->data, &changed_too);
		if (packet->len) {
			packet->peer = m->peer;
			packet->context = m;
			out->count++;
		}
	}
	if (changed || changed_too)
		prober_note(p, m, before);
	if (is_remembered(p, m))
		history_outcomes(&m->history, now_us, m->link.judge.counts.returned,
				 m->link.judge.counts.lost);
	prober_due(p, m);
}

// ---- receiving ----

static struct member *member_of(const struct prober *p, const struct wicket *w,
				const union gate_address *peer)
{
	size_t low = w->first, high = w->first + w->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = gate_address_order(peer, &p->peers[middle]);
		if (order == 0)
			return p->members[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int64_t jitter_of(const struct member *m)
{
	const int64_t jitter_us = m->link.judge.value[JUDGE_JITTER];
	return jitter_us == JUDGE_UNMEASURED ? HISTORY_UNKNOWN : jitter_us;
}

static bool measure(const struct prober *p, struct member *m, const struct gate_packet *packet,
		    int64_t now)
{
	const struct gate *gate = &p->gates[m->gate].gate;
	const struct sender_time arrived = time_at(p, packet->age_ns);
	if (gate_is_external(gate))
		return external_take(&m->link, way_of(gate), packet->data, packet->len, &arrived,
				     now);
	return link_take(&m->link, packet->data, packet->len, &arrived, now);
}

static void take_reply(struct prober *p, struct member *m, const struct gate_packet *packet)
{
	const enum judge_state before = m->link.judge.state;
	const uint64_t returned = m->link.judge.counts.returned;
	const int64_t now = prober_now_us();
	const bool changed = measure(p, m, packet, now);
	const bool is_measured = m->link.judge.counts.returned != returned;
	if (is_measured) {
		if (m->rider && !gate_is_external(&p->gates[m->gate].gate))
			hear_note(p, m, packet);
		if (is_remembered(p, m))
			history_reply(&m->history, now, m->link.rtt_us, jitter_of(m));
	}
	if (changed)
		prober_note(p, m, before);
	else if (is_measured)
		prober_ride(p, m);
	prober_due(p, m);
}

static void take_request(struct prober *p, struct outbox *out, struct member *m,
			 const struct gate_packet *packet)
{
	struct gate_packet *reply = place(p, out, p->gates[m->gate].gate.answer_fd);
	const struct sender_time times[] = { time_at(p, packet->age_ns), time_at(p, 0) };
	const uint64_t fresh = m->link.reflector.counts.fresh;
	if (!link_answer(&m->link, &p->challenges, packet->data, packet->len, times, reply->data))
		return;
	if (m->link.reflector.counts.fresh != fresh)
		hear_note(p, m, packet);
	reply->len = add_note(p, m, reply->data);
	reply->peer = packet->peer;
	reply->context = NULL;
	out->count++;
}

// A frame on a wire: a request, or the reply to one.
static void take_frame(struct prober *p, struct outbox *out, struct wicket *w,
		       const struct gate_packet *frame)
{
	struct member *m = w->count ? p->members[w->first] : NULL;
	struct gate_packet packet = { .age_ns = frame->age_ns };
	bool is_reply;
	const uint8_t *data = wire_frame_get(frame->data, frame->len, &is_reply, &packet.len);
	if (!m || !data)
		return;
	memcpy(packet.data, data, packet.len);
	if (is_reply) {
		take_reply(p, m, &packet);
		return;
	}
	struct gate_packet *reply = place(p, out, w->gate.ask_fd);
	const struct sender_time times[] = { time_at(p, packet.age_ns), time_at(p, 0) };
	wire_frame_put(w->gate.mac, true, reply->data);
	if (!link_answer(&m->link, &p->challenges, packet.data, packet.len, times,
			 reply->data + WIRE_FRAME_HEADER))
		return;
	reply->len = WIRE_FRAME_HEADER + STAMP_SIZE;
	reply->peer = m->peer;
	reply->context = NULL;
	out->count++;
}

static void receive_all(struct prober *p, struct outbox *out, struct wicket *w, bool is_reply)
{
	static struct gate_packet packets[GATE_BATCH]; // of the one thread
	const int fd = is_reply ? w->gate.ask_fd : w->gate.answer_fd;
	int count = GATE_BATCH;
	for (int reads = 0; fd >= 0 && count == GATE_BATCH && reads < READS_MAX; reads++) {
		count = gate_receive(fd, packets, wall_ns());
		for (int i = 0; i < count; i++) {
			if (w->gate.kind == GATE_WIRE) {
				take_frame(p, out, w, &packets[i]);
				continue;
			}
			struct member *m = member_of(p, w, &packets[i].peer);
			if (m && is_reply)
				take_reply(p, m, &packets[i]);
			else if (m)
				take_request(p, out, m, &packets[i]);
		}
	}
}

// ---- passes ----

// `polls` tells which sockets have something to read, two of each gate; NULL: it is not known.
static void one_pass(struct prober *p, const struct pollfd *polls)
{
	static struct outbox out; // of the one thread
	// What came in time must be read before anybody says that it did not come.
	for (size_t i = 0; i < p->gates_len; i++) {
		if (!polls || polls[2 * i].revents)
			receive_all(p, &out, &p->gates[i], true);
		if (!polls || polls[2 * i + 1].revents)
			receive_all(p, &out, &p->gates[i], false);
	}
	if (out.count)
		flush(p, &out);
	const int64_t now = prober_now_us();
	for (size_t i = 0; i < p->members_len; i++)
		if (p->dues[i] <= now)
			look_after(p, &out, p->members[i], now);
	if (out.count)
		flush(p, &out);
}

static int64_t next_due(const struct prober *p)
{
	int64_t due = INT64_MAX;
	for (size_t i = 0; i < p->members_len; i++)
		due = p->dues[i] < due ? p->dues[i] : due;
	return due;
}

static uint16_t clock_error(void)
{
	struct timex t = { 0 };
	const int state = adjtimex(&t);
	return stamp_error(state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC),
			   t.maxerror);
}

// What is waited for: the first is to be woken by, then two of each gate.
struct waiting {
	struct pollfd *polls;
	size_t len, cap;
	unsigned generation; // of the gates they are of
};

static bool list_polls(const struct prober *p, struct waiting *w)
{
	const size_t need = p->gates_len * 2 + 1;
	if (need > w->cap) {
		struct pollfd *polls = reallocarray(w->polls, need, sizeof *polls);
		if (!polls)
			return false;
		w->polls = polls;
		w->cap = need;
	}
	w->generation = p->generation;
	w->len = 0;
	w->polls[w->len++] = (struct pollfd){ .fd = p->wake_fd, .events = POLLIN };
	for (size_t i = 0; i < p->gates_len; i++) {
		// One that is not open has -1, which poll leaves out.
		w->polls[w->len++] =
			(struct pollfd){ .fd = p->gates[i].gate.ask_fd, .events = POLLIN };
		w->polls[w->len++] =
			(struct pollfd){ .fd = p->gates[i].gate.answer_fd, .events = POLLIN };
	}
	return true;
}

static struct timespec timespec_of(int64_t us)
{
	return (struct timespec){ us / 1000000, us % 1000000 * 1000 };
}

// Packets that come meanwhile are read together; when they came, the kernel remembers.
static void wait_for_work(const struct prober *p, struct waiting *w, int64_t until_us,
			  int64_t slack_us)
{
	uint64_t wakes;
	const int64_t now = prober_now_us();
	struct timespec slack = timespec_of(slack_us);
	struct timespec rest =
		timespec_of(until_us > now + slack_us ? until_us - now - slack_us : 0);
	(void)nanosleep(&slack, NULL);
	(void)ppoll(w->polls, w->len, &rest, NULL);
	if (w->polls && w->polls[0].revents)
		(void)!read(p->wake_fd, &wakes, sizeof wakes);
}

void *prober_run(void *argument)
{
	struct prober *p = argument;
	struct waiting waiting = { 0 };
	const struct pollfd *polls = NULL;
	int64_t clock_us = 0;
	(void)setpriority(PRIO_PROCESS, 0, NICE); // of this thread alone
	(void)pthread_mutex_lock(&p->mutex);
	while (!p->is_stopping) {
		const int64_t now = prober_now_us();
		if (now >= clock_us) {
			p->clock_error = clock_error();
			clock_us = now + CLOCK_US;
		}
		if (now >= p->look_us) {
			look_at_gates(p, now);
			p->look_us = now + LOOK_US;
		}
		one_pass(p, polls);
		const int64_t riders = let_ride(p, prober_now_us());
		int64_t until = next_due(p);
		until = until < p->look_us ? until : p->look_us;
		until = until < riders ? until : riders;
		const int64_t slack = p->slack_us;
		// Out of memory: only the wait is worse.
		const bool is_known = list_polls(p, &waiting);
		if (!is_known)
			until = now;
		(void)pthread_mutex_unlock(&p->mutex);
		wait_for_work(p, &waiting, until, slack);
		(void)pthread_mutex_lock(&p->mutex);
		polls = is_known && waiting.generation == p->generation ? waiting.polls + 1 : NULL;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	free(waiting.polls);
	return NULL;
}
