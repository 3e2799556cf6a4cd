#include <stdlib.h>
#include <string.h>

#include "failover_promises.h"

enum message_kind { PROBE, REPLY, NOTE };

struct message {
	uint8_t kind, from, to, path;
	uint32_t sequence;
	uint32_t life;   // of the sender's process
	uint32_t echoed; // in a reply: the life of the prober
	int64_t sent_us; // by the prober's clock
	struct path_note note;
};

unsigned fleet_via(const struct fleet *f, unsigned a, unsigned b, uint8_t number)
{
	unsigned via = 0;

	(void)f;
	if (number == 0)
		return a;
	for (uint8_t left = number; via == a || via == b || --left > 0;)
		via++;
	return via;
}

static int64_t clock_of(const struct fleet *f, unsigned node)
{
	return sim_clock(f->sim, node);
}

// ---- one node ----

// From a node that is the sender or forwards for it.
static void post(struct fleet *f, unsigned node, const struct message *m)
{
	unsigned via = fleet_via(f, m->from, m->to, m->path);
	unsigned hop = via == m->from || via == node ? m->to : via;

	sim_send(f->sim, node, f->link[node][hop], m, sizeof(*m));
}

static void obey(struct fleet *f, unsigned node, unsigned peer, const struct path_orders *orders)
{
	struct fleet_end *e = &f->ends[node][peer];
	bool is_telling = false;

	for (unsigned i = 0; i < orders->count; i++) {
		const struct path_order *o = &orders->list[i];

		is_telling |= o->what == PATH_TELL;
		if (o->what == PATH_SWITCH) {
			enum path_reason why = e->set.cause.reason;

			e->kept = o->path;
			e->liked += why == PATH_BETTER || why == PATH_LIKED;
			promise_switched(f, node, peer);
		}
	}
	for (uint8_t p = 0; is_telling && p < f->nodes - 1; p++) {
		struct message m = { .kind = NOTE,
				     .from = (uint8_t)node,
				     .to = (uint8_t)peer,
				     .path = p,
				     .life = f->life[node],
				     .note = path_note(&e->set) };

		post(f, node, &m);
	}
}

static void judged(struct fleet *f, unsigned node, unsigned peer, uint8_t path)
{
	struct fleet_end *e = &f->ends[node][peer];
	struct path_orders orders = { 0 };

	if (e->judges[path].state == JUDGE_DOWN && e->set.paths[path].state != JUDGE_DOWN)
		promise_no_false_down(f, node, peer, path);
	promise_look_at(f, node, peer, path);
	if (e->judges[path].value[JUDGE_LATENCY] != JUDGE_UNMEASURED)
		f->rtt_us[node][peer][path] = e->judges[path].value[JUDGE_LATENCY];
	path_judged(&e->set, path, &e->judges[path], clock_of(f, node), &orders);
	obey(f, node, peer, &orders);
}

static void probe(struct fleet *f, unsigned node, unsigned peer, uint8_t path)
{
	struct fleet_end *e = &f->ends[node][peer];
	int64_t now = clock_of(f, node);
	struct message m = { .kind = PROBE,
			     .from = (uint8_t)node,
			     .to = (uint8_t)peer,
			     .path = path,
			     .sequence = e->sequence[path]++,
			     .life = f->life[node],
			     .sent_us = now,
			     .note = path_note(&e->set) };

	e->probe_us[path] += f->judge.interval_us;
	if (e->probe_us[path] <= now) // it was stopped: no burst to catch up
		e->probe_us[path] = now + f->judge.interval_us;
	if (judge_sent(&e->judges[path], m.sequence, now))
		judged(f, node, peer, path);
	post(f, node, &m);
}

static void sooner(int64_t *due_us, int64_t at_us)
{
	if (at_us < *due_us)
		*due_us = at_us;
}

static void set_alarm(struct fleet *f, unsigned node)
{
	int64_t due = INT64_MAX;

	for (unsigned peer = 0; peer < f->nodes; peer++) {
		const struct fleet_end *e = &f->ends[node][peer];

		if (peer == node)
			continue;
		sooner(&due, path_due_us(&e->set));
		for (uint8_t p = 0; p < f->nodes - 1; p++) {
			sooner(&due, e->probe_us[p]);
			sooner(&due, judge_due_us(&e->judges[p]));
		}
	}
	sim_set_timer(f->sim, node, 0, due);
}

static void timer(void *user, unsigned node, unsigned which)
{
	struct fleet *f = user;
	int64_t now = clock_of(f, node);

	(void)which;
	for (unsigned peer = 0; peer < f->nodes; peer++) {
		struct fleet_end *e = &f->ends[node][peer];
		struct path_orders orders = { 0 };

		for (uint8_t p = 0; peer != node && p < f->nodes - 1; p++) {
			if (e->probe_us[p] <= now)
				probe(f, node, peer, p);
			if (judge_due_us(&e->judges[p]) <= now && judge_tick(&e->judges[p], now))
				judged(f, node, peer, p);
			if (judge_due_us(&e->judges[p]) <= now)
				fleet_broken(f, "judge %u-%u/%u has nothing to do when it said",
					     node, peer, p);
		}
		if (peer == node || path_due_us(&e->set) > now)
			continue;
		path_tick(&e->set, now, &orders);
		obey(f, node, peer, &orders);
		if (path_due_us(&e->set) <= now)
			fleet_broken(f, "path %u-%u has nothing to do when it said", node, peer);
	}
	set_alarm(f, node);
}

static void answer(struct fleet *f, unsigned node, const struct message *m)
{
	struct message reply = *m;

	reply.kind = REPLY;
	reply.from = m->to;
	reply.to = m->from;
	reply.echoed = m->life;
	reply.life = f->life[node];
	reply.note = path_note(&f->ends[node][m->from].set);
	post(f, node, &reply);
}

static void take(struct fleet *f, unsigned node, const struct message *m)
{
	struct fleet_end *e = &f->ends[node][m->from];
	struct judge *j = &e->judges[m->path];
	struct path_orders orders = { 0 };
	int64_t now = clock_of(f, node);

	if (m->life < e->peer_life) // of a session that was replaced: the reflector's window
		return;
	e->peer_life = m->life;
	path_heard(&e->set, &m->note, now, &orders);
	obey(f, node, m->from, &orders);
	if (m->kind == PROBE)
		answer(f, node, m);
	if (m->kind == REPLY && m->echoed == f->life[node]) {
		const struct judge_reply reply = { now - m->sent_us, JUDGE_UNMEASURED,
						   JUDGE_UNMEASURED };

		(void)judge_reply(j, m->sequence, &reply, now);
		judged(f, node, m->from, m->path);
	}
}

static void receive(void *user, unsigned node, unsigned link, const void *bytes, size_t len)
{
	struct fleet *f = user;
	struct message m;

	(void)link;
	if (len != sizeof(m))
		return;
	memcpy(&m, bytes, sizeof(m));
	if (m.to == node) {
		take(f, node, &m);
		set_alarm(f, node);
	} else if (fleet_via(f, m.from, m.to, m.path) == node) {
		post(f, node, &m);
	}
}

static void start(void *user, unsigned node)
{
	struct fleet *f = user;
	int64_t now = clock_of(f, node);

	f->life[node]++;
	for (unsigned peer = 0; peer < f->nodes; peer++) {
		struct fleet_end *e = &f->ends[node][peer];
		struct path_orders orders = { 0 };
		uint8_t adopt = f->is_adopting ? e->kept : PATH_NONE;
		unsigned liked = e->liked, downs[FLEET_PATHS];

		if (peer == node)
			continue;
		memcpy(downs, e->downs, sizeof(downs));
		memset(e, 0, sizeof(*e));
		memcpy(e->downs, downs, sizeof(downs));
		e->liked = liked;
		e->set = path_set_make(&f->path, node, peer, adopt, now);
		for (uint8_t p = 0; p < f->nodes - 1; p++) {
			judge_init(&e->judges[p], &f->judge, now);
			e->sequence[p] = (uint32_t)sim_random(sim_dice(f->sim));
			e->probe_us[p] =
				now + sim_between(sim_dice(f->sim), 0, f->judge.interval_us);
			path_put(&e->set, p, false, now, &orders);
		}
		e->kept = e->set.current;
		obey(f, node, peer, &orders);
	}
	set_alarm(f, node);
}

// ---- making ----

static void add_links(struct fleet *f)
{
	for (unsigned a = 0; a < f->nodes; a++) {
		for (unsigned b = a + 1; b < f->nodes; b++) {
			struct sim_line line = { .delay_us =
							 sim_between(sim_dice(f->sim), 500, 60000),
						 .jitter_us = 200 };

			f->link[a][b] = f->link[b][a] = sim_add_link(f->sim, a, b, &line);
			f->normal[a][b] = f->normal[b][a] = line;
			f->differ_us[a][b] = INT64_MAX;
			for (int p = 0; p < FLEET_PATHS; p++)
				f->truth[a][b][p] =
					(struct fleet_truth){ INT64_MAX, INT64_MAX, INT64_MAX };
		}
	}
}

struct fleet *fleet_new(uint64_t seed, unsigned nodes, const struct judge_config *judge,
			const struct path_config *path)
{
	static const struct sim_hooks hooks = { receive, timer, start, promise_check };
	struct fleet *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->sim = sim_new(seed, &hooks, f);
	if (!f->sim) {
		free(f);
		return NULL;
	}
	f->nodes = nodes;
	f->judge = *judge;
	f->path = *path;
	for (unsigned n = 0; n < nodes; n++) {
		(void)sim_add_node(f->sim);
		f->running_us[n] = INT64_MAX;
		for (unsigned peer = 0; peer < nodes; peer++)
			f->ends[n][peer].kept = PATH_NONE;
		sim_set_clock(f->sim, n, sim_between(sim_dice(f->sim), 0, INT64_C(1) << 40), 0);
	}
	add_links(f);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (f)
		sim_free(f->sim);
	free(f);
}
