#include "probe/prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/text.h"

#include "probe/prober_inside.h"

enum { SLACK_PART = 40, SLACK_LINK_US = 50, CHANGES_MAX = 65536 };

// ---- changes of state, from the thread to the loop ----

bool gate_is_external(const struct gate *gate)
{
	return gate->kind == GATE_ICMP || gate->kind == GATE_UDP;
}

void prober_ride(const struct prober *p, const struct member *m)
{
	if (m->rider)
		p->rider.judged(p->rider.context, m->rider, &m->link.judge, m->name,
				prober_now_us());
}

void prober_note(struct prober *p, struct member *m, enum judge_state before)
{
	m->since_ms = clock_wall_ms();
	prober_ride(p, m);
	if (m->rider && !gate_is_external(&p->gates[m->gate].gate))
		return;
	if (p->changes_len == p->changes_cap) {
		const size_t cap = p->changes_cap ? p->changes_cap * 2 : 16;
		struct prober_change *changes =
			cap > CHANGES_MAX ? NULL : reallocarray(p->changes, cap, sizeof *changes);
		if (!changes)
			return; // the observed state tells it anyway, a moment later
		p->changes = changes;
		p->changes_cap = cap;
	}
	struct prober_change *change = &p->changes[p->changes_len++];
	*change = (struct prober_change){ .before = before, .state = m->link.judge.state };
	(void)snprintf(change->key, sizeof change->key, "%s", m->key);
	judge_sentence(m->name, m->link.judge.state, &m->link.judge.cause, change->sentence,
		       sizeof change->sentence);
	(void)uv_async_send(&p->async);
}

void prober_due(struct prober *p, const struct member *m)
{
	p->dues[m->place] = p->gates[m->gate].gate.index ? link_due_us(&m->link) : INT64_MAX;
}

static void on_changes(uv_async_t *async)
{
	struct prober *p = async->data;
	(void)pthread_mutex_lock(&p->mutex);
	struct prober_change *changes = take_ptr(&p->changes);
	const size_t count = p->changes_len;
	p->changes_len = 0;
	p->changes_cap = 0;
	(void)pthread_mutex_unlock(&p->mutex);
	for (size_t i = 0; i < count; i++)
		p->change(p->context, &changes[i]);
	free(changes);
}

// ---- which links there are ----

static int member_order(const void *x, const void *y)
{
	const struct member *a = *(struct member *const *)x, *b = *(struct member *const *)y;
	if (a->gate != b->gate)
		return a->gate < b->gate ? -1 : 1;
	return gate_address_order(&a->peer, &b->peer);
}

static void member_free(struct member *m)
{
	if (!m)
		return;
	link_done(&m->link);
	explicit_bzero(m->secret, sizeof m->secret);
	free(m);
}

// An external link's target knows none.
static bool has_secret(const struct prober_target *target)
{
	return target->own || !target->peer;
}

static int member_new(const struct prober_target *target, struct member **ret, struct err *err)
{
	struct link_seed seed;
	struct member *m = calloc(1, sizeof *m);
	if (!m)
		return err_set(err, -ENOMEM, "out of memory");
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed ||
	    getrandom(m->secret, sizeof m->secret, 0) != sizeof m->secret) {
		free(m);
		return err_set(err, -EIO, "no random numbers");
	}
	seed.session |= 1;
	(void)snprintf(m->key, sizeof m->key, "%s", target->key);
	if (has_secret(target))
		memcpy(m->secret, target->secret, sizeof m->secret);
	m->since_ms = clock_wall_ms();
	link_init(&m->link, m->secret, &seed, &target->judge, prober_now_us());
	history_init(&m->history, prober_now_us());
	*ret = m;
	return 0;
}

// The next state of the prober while it is made; nothing of the present one is touched before all
// stands.
struct plan {
	struct wicket *gates;
	size_t gates_len;
	struct member **members;
	bool *is_new;
	size_t *gate_of;
	union gate_address *peers;
	int64_t *dues;
	size_t len;
};

static void plan_done(struct plan *plan)
{
	for (size_t i = 0; plan->is_new && plan->members && i < plan->len; i++)
		if (plan->is_new[i])
			member_free(plan->members[i]);
	free(plan->gates);
	free(plan->members);
	free(plan->is_new);
	free(plan->gate_of);
	free(plan->peers);
	free(plan->dues);
}

static int plan_init(struct plan *plan, size_t count, struct err *err)
{
	plan->gates = calloc(count + 1, sizeof *plan->gates);
	plan->members = calloc(count + 1, sizeof *plan->members);
	plan->is_new = calloc(count + 1, sizeof *plan->is_new);
	plan->gate_of = calloc(count + 1, sizeof *plan->gate_of);
	plan->peers = calloc(count + 1, sizeof *plan->peers);
	plan->dues = calloc(count + 1, sizeof *plan->dues);
	if (plan->gates && plan->members && plan->is_new && plan->gate_of && plan->peers &&
	    plan->dues)
		return 0;
	return err_set(err, -ENOMEM, "out of memory");
}

static bool gate_is_that(const struct gate *gate, const struct gate *that)
{
	return gate->kind == that->kind && strcmp(gate->device, that->device) == 0 &&
	       gate_address_equal(&gate->own, &that->own);
}

static size_t plan_gate(struct plan *plan, const struct gate *wanted)
{
	for (size_t i = 0; i < plan->gates_len; i++)
		if (gate_is_that(&plan->gates[i].gate, wanted))
			return i;
	plan->gates[plan->gates_len].gate = *wanted;
	return plan->gates_len++;
}

// By which socket a target is probed, and the address it is known by there.
static bool find_way(const struct prober_target *target, struct gate *ret_gate,
		     union gate_address *ret_peer)
{
	if (!target->peer) {
		*ret_gate = (struct gate){ .kind = GATE_WIRE, .ask_fd = -1, .answer_fd = -1 };
		ret_gate->own.any.sa_family = AF_PACKET;
		*ret_peer = ret_gate->own;
		(void)snprintf(ret_gate->device, sizeof ret_gate->device, "%s", target->device);
		return true;
	}
	const bool is_v6 = strchr(target->peer, ':') != NULL;
	const char *own = target->own ? target->own : is_v6 ? "::" : "0.0.0.0";
	*ret_gate = (struct gate){ .kind = target->own    ? GATE_STAMP
					   : target->port ? GATE_UDP
							  : GATE_ICMP,
				   .ask_fd = -1,
				   .answer_fd = -1 };
	(void)snprintf(ret_gate->device, sizeof ret_gate->device, "%s", target->device);
	return gate_address_set(&ret_gate->own, own, target->own ? target->port : 0) &&
	       gate_address_set(ret_peer, target->peer, target->port) &&
	       ret_gate->own.any.sa_family == ret_peer->any.sa_family;
}

// Whether the member has to start anew to be what is wanted.
static bool is_other(const struct prober *p, const struct member *m,
		     const struct prober_target *target, const struct plan *plan)
{
	const struct gate *now = &p->gates[m->gate].gate;
	const struct gate *then = &plan->gates[plan->gate_of[plan->len]].gate;
	return !gate_is_that(now, then) || !gate_address_equal(&m->peer, &plan->peers[plan->len]) ||
	       (has_secret(target) && memcmp(m->secret, target->secret, sizeof m->secret) != 0);
}

static int plan_add(struct prober *p, struct plan *plan, const struct prober_target *target,
		    struct err *err)
{
	struct gate gate;
	if (!find_way(target, &gate, &plan->peers[plan->len]))
		return err_set(err, -EINVAL, "link %s: %s and %s are no two addresses of one kind",
			       target->key, target->own ? target->own : "any",
			       target->peer ? target->peer : "none");
	plan->gate_of[plan->len] = plan_gate(plan, &gate);
	struct member *m = map_get(p->by_key, target->key);
	if (m && !is_other(p, m, target, plan)) {
		plan->members[plan->len++] = m;
		return 0;
	}
	int r = member_new(target, &plan->members[plan->len], err);
	if (r == 0)
		plan->is_new[plan->len++] = true;
	return r;
}

// Links look after themselves often enough for the shortest interval, but not more often than
// their number asks for.
static int64_t slack_of(const struct prober *p)
{
	int64_t slack = (int64_t)p->members_len * SLACK_LINK_US;
	for (size_t i = 0; i < p->members_len; i++) {
		const int64_t most = p->members[i]->link.judge.config.interval_us / SLACK_PART;
		slack = slack < most ? slack : most;
	}
	return slack;
}

// Sockets of before go on.
static void keep_gates(struct prober *p, struct plan *plan)
{
	for (size_t i = 0; i < p->gates_len; i++) {
		struct wicket *old = &p->gates[i];
		size_t k = 0;
		while (k < plan->gates_len && !gate_is_that(&plan->gates[k].gate, &old->gate))
			k++;
		if (k == plan->gates_len) {
			gate_close(&old->gate);
			continue;
		}
		plan->gates[k].gate = old->gate;
		plan->gates[k].trouble = old->trouble;
	}
	free(p->gates);
	p->gates = take_ptr(&plan->gates);
	p->gates_len = plan->gates_len;
}

static void settle_members(struct prober *p, struct plan *plan, const struct prober_target *targets)
{
	const int64_t now = prober_now_us();
	for (size_t i = 0; i < p->members_len; i++)
		p->members[i]->is_wanted = false;
	for (size_t i = 0; i < plan->len; i++) {
		struct member *m = plan->members[i];
		m->is_wanted = true;
		m->gate = plan->gate_of[i];
		m->peer = plan->peers[i];
		m->rider = targets[i].rider;
		(void)snprintf(m->name, sizeof m->name, "%s-%s", targets[i].own_name,
			       targets[i].peer_name);
		link_configure(&m->link, &targets[i].judge, now);
	}
	for (size_t i = 0; i < p->members_len; i++)
		if (!p->members[i]->is_wanted)
			member_free(p->members[i]);
	free(p->members);
	free(p->peers);
	free(p->dues);
	p->members = take_ptr(&plan->members);
	p->peers = take_ptr(&plan->peers);
	p->dues = take_ptr(&plan->dues);
	p->generation++;
	p->members_len = plan->len;
	qsort(p->members, p->members_len, sizeof *p->members, member_order);
	for (size_t i = p->members_len; i-- > 0;) {
		struct wicket *w = &p->gates[p->members[i]->gate];
		w->first = i;
		w->count++;
		p->peers[i] = p->members[i]->peer;
		p->members[i]->place = i;
		prober_due(p, p->members[i]);
	}
}

static struct map *index_of(const struct plan *plan)
{
	struct map *by_key = map_new(NULL);
	for (size_t i = 0; by_key && i < plan->len; i++) {
		if (map_set(by_key, plan->members[i]->key, plan->members[i]) == 0)
			continue;
		map_free(by_key);
		return NULL;
	}
	return by_key;
}

static int set_locked(struct prober *p, const struct prober_target *targets, size_t count,
		      struct err *err)
{
	CLEAN(plan_done) struct plan plan = { 0 };
	int r = plan_init(&plan, count, err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = plan_add(p, &plan, &targets[i], err);
	struct map *by_key = r == 0 ? index_of(&plan) : NULL;
	if (r == 0 && !by_key)
		r = err_set(err, -ENOMEM, "out of memory");
	if (r < 0)
		return r;
	keep_gates(p, &plan);
	settle_members(p, &plan, targets);
	map_free(p->by_key);
	p->by_key = by_key;
	p->slack_us = slack_of(p);
	p->look_us = 0;
	return 0;
}

void prober_wake(const struct prober *p)
{
	const uint64_t one = 1;
	(void)!write(p->wake_fd, &one, sizeof one);
}

int prober_set(struct prober *p, const struct prober_target *targets, size_t count, struct err *err)
{
	(void)pthread_mutex_lock(&p->mutex);
	const int r = set_locked(p, targets, count, err);
	(void)pthread_mutex_unlock(&p->mutex);
	prober_wake(p);
	return r;
}

void prober_tell(struct prober *p, const char *key)
{
	(void)pthread_mutex_lock(&p->mutex);
	const struct member *m = map_get(p->by_key, key);
	if (m)
		prober_ride(p, m);
	(void)pthread_mutex_unlock(&p->mutex);
}

void prober_look(struct prober *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	p->look_us = 0;
	(void)pthread_mutex_unlock(&p->mutex);
	prober_wake(p);
}

// ---- questions ----

static void read_member(const struct member *m, struct prober_reading *ret)
{
	const struct link *l = &m->link;
	*ret = (struct prober_reading){ .config = l->judge.config,
					.state = l->judge.state,
					.since_ms = m->since_ms,
					.counts = l->judge.counts,
					.rtt_us = l->rtt_us,
					.forward_us = l->forward_us,
					.back_us = l->back_us,
					.sender = l->sender.counts,
					.reflector = l->reflector.counts,
					.garbage = l->garbage,
					.histogram = l->histogram,
					.forward = l->forward,
					.back = l->back };
	memcpy(ret->value, l->judge.value, sizeof ret->value);
	judge_sentence(m->name, l->judge.state, &l->judge.cause, ret->sentence,
		       sizeof ret->sentence);
}

bool prober_read(struct prober *p, const char *key, struct prober_reading *ret_reading)
{
	(void)pthread_mutex_lock(&p->mutex);
	const struct member *m = map_get(p->by_key, key);
	if (m)
		read_member(m, ret_reading);
	(void)pthread_mutex_unlock(&p->mutex);
	return m != NULL;
}

bool prober_history(struct prober *p, const char *key, enum history_span span,
		    struct prober_history *ret)
{
	(void)pthread_mutex_lock(&p->mutex);
	struct member *m = map_get(p->by_key, key);
	if (m) {
		history_read(&m->history, span, prober_now_us(), &ret->view);
		for (int i = 0; i < JUDGE_MEASURES; i++)
			ret->limit[i] = judge_limit(&m->link.judge, (enum judge_measure)i);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return m != NULL;
}

void prober_traffic(struct prober *p, const char *key, uint64_t rx_bytes, uint64_t tx_bytes)
{
	(void)pthread_mutex_lock(&p->mutex);
	struct member *m = map_get(p->by_key, key);
	if (m)
		history_traffic(&m->history, prober_now_us(), rx_bytes, tx_bytes);
	(void)pthread_mutex_unlock(&p->mutex);
}

bool prober_trouble(struct prober *p, const char *key, struct err *ret_trouble)
{
	(void)pthread_mutex_lock(&p->mutex);
	const struct member *m = map_get(p->by_key, key);
	const bool is_troubled = m && p->gates[m->gate].trouble.code != 0;
	if (is_troubled)
		*ret_trouble = p->gates[m->gate].trouble;
	(void)pthread_mutex_unlock(&p->mutex);
	return is_troubled;
}

// ---- beginning and end ----

static void prober_free(struct prober *p)
{
	for (size_t i = 0; i < p->members_len; i++)
		member_free(p->members[i]);
	for (size_t i = 0; i < p->gates_len; i++)
		gate_close(&p->gates[i].gate);
	free(p->members);
	free(p->peers);
	free(p->dues);
	free(p->gates);
	free(p->changes);
	map_free(p->by_key);
	if (p->wake_fd >= 0)
		(void)close(p->wake_fd);
	hmac_key_done(&p->challenges);
	(void)pthread_mutex_destroy(&p->mutex);
	free(p);
}

static int prepare(struct prober *p, struct err *err)
{
	uint8_t key[LINK_KEY_SIZE];
	p->by_key = map_new(NULL);
	if (!p->by_key)
		return err_set(err, -ENOMEM, "out of memory");
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake_fd < 0 || getrandom(key, sizeof key, 0) != sizeof key)
		return err_set(err, -errno, "cannot start probing: %s", strerror(errno));
	hmac_key_init(&p->challenges, key, sizeof key);
	explicit_bzero(key, sizeof key);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	prober_free(handle->data);
}

int prober_new(uv_loop_t *loop, prober_change_fn change, void *context, struct prober **ret_prober,
	       struct err *err)
{
	struct prober *p = calloc(1, sizeof *p);
	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	p->change = change;
	p->context = context;
	p->wake_fd = -1;
	(void)pthread_mutex_init(&p->mutex, NULL);
	int r = prepare(p, err);
	if (r == 0 && uv_async_init(loop, &p->async, on_changes) < 0)
		r = err_set(err, -ENOMEM, "cannot start probing: no handle");
	if (r < 0) {
		prober_free(p);
		return r;
	}
	p->async.data = p;
	r = pthread_create(&p->thread, NULL, prober_run, p);
	if (r != 0) {
		uv_close((uv_handle_t *)&p->async, on_closed);
		return err_set(err, -r, "cannot start probing: %s", strerror(r));
	}
	*ret_prober = p;
	return 0;
}

void prober_take_rider(struct prober *p, const struct prober_rider *rider)
{
	(void)pthread_mutex_lock(&p->mutex);
	p->rider = *rider;
	(void)pthread_mutex_unlock(&p->mutex);
}

void prober_close(struct prober *p)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&p->mutex);
	p->is_stopping = true;
	(void)pthread_mutex_unlock(&p->mutex);
	prober_wake(p);
	(void)pthread_join(p->thread, NULL);
	// At once: the next one may want the ports.
	for (size_t i = 0; i < p->gates_len; i++)
		gate_close(&p->gates[i].gate);
	uv_close((uv_handle_t *)&p->async, on_closed);
}
