#include "proxy/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "proxy/dial.h"
#include "proxy/flow.h"
#include "proxy/verdict.h"

enum {
	EVENTS = 256,
	FILES_SPARE = 200, // of a process, for what is no flow
	FILES_A_FLOW = 2,
	ADDRESS_MS = 2500, // weft-dns may take
	FIRST_MS = 100,    // until the first byte, once the connection is accepted
	HELLO_MS = 3000,   // until the first words are complete
	PAUSE_MS = 50,
	SILENT_MS = 60000, // is long for a connection to be silent
	ROOM_TRIES = 16,
	ROWS_MAX = 1000,
};

// The low bits of an event's data say what it is of; flows lie at multiples of 8.
enum { TAG_CLIENT, TAG_SERVER, TAG_LISTENER, TAG_BOX, TAG_MASK = 3 };

// ---- flows ----

static bool grow(struct proxy_worker *worker)
{
	struct flow_chunk *chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return false;
	chunk->next = worker->chunks;
	worker->chunks = chunk;
	for (size_t i = 0; i < FLOWS_CHUNK; i++) {
		chunk->flows[i].state = FLOW_ENDED;
		chunk->flows[i].again = worker->spare;
		worker->spare = &chunk->flows[i];
	}
	return true;
}

struct flow *flow_new(struct proxy_worker *worker)
{
	if (!worker->spare && !grow(worker))
		return NULL;
	struct flow *flow = worker->spare;
	worker->spare = flow->again;
	*flow = (struct flow){ .fds = { -1, -1 },
			       .serial = ++worker->last_serial,
			       .began_ms = worker->now_ms,
			       .used_ms = worker->now_ms,
			       .wait = WAITS };
	worker->n_flows++;
	count_add(&worker->counts, COUNT_CONNECTIONS, 1);
	count_add(&worker->counts, COUNT_ACTIVE, 1);
	return flow;
}

static void leave_queue(struct proxy_worker *worker, struct flow *flow)
{
	if (flow->wait == WAITS)
		return;
	struct flow_queue *queue = &worker->queues[flow->wait];
	*(flow->prev ? &flow->prev->next : &queue->first) = flow->next;
	*(flow->next ? &flow->next->prev : &queue->last) = flow->prev;
	flow->wait = WAITS;
}

void flow_wait(struct proxy_worker *worker, struct flow *flow, enum flow_wait wait)
{
	struct flow_queue *queue = &worker->queues[wait];
	leave_queue(worker, flow);
	flow->wait = (uint8_t)wait;
	flow->since_ms = worker->now_ms;
	flow->next = NULL;
	flow->prev = queue->last;
	*(queue->last ? &queue->last->next : &queue->first) = flow;
	queue->last = flow;
}

// It was not silent as long as it has waited: the wait began later.
static void wait_from(struct proxy_worker *worker, struct flow *flow, uint32_t since_ms)
{
	flow_wait(worker, flow, WAIT_BYTES);
	flow->since_ms = since_ms;
}

bool flow_watch(struct proxy_worker *worker, struct flow *flow, unsigned side)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
				     .data.u64 = (uintptr_t)flow | side };
	// A client's socket has room from the start, and mostly later: to be told so would only
	// wake this thread once more.
	if (side == FLOW_SERVER)
		event.events |= EPOLLOUT;
	flow->is_watched = flow->is_watched || side == FLOW_CLIENT;
	return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, flow->fds[side], &event) == 0;
}

bool flow_watch_room(struct proxy_worker *worker, struct flow *flow)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				     .data.u64 = (uintptr_t)flow | FLOW_CLIENT };
	flow->is_room_watched = true;
	return epoll_ctl(worker->epoll, EPOLL_CTL_MOD, flow->fds[FLOW_CLIENT], &event) == 0;
}

static void watch_listeners(struct proxy_worker *worker, bool is_wanted)
{
	for (size_t i = 0; i < worker->n_listeners; i++) {
		struct epoll_event event = { .events = is_wanted ? EPOLLIN : 0,
					     .data.u64 = i << 2 | TAG_LISTENER };
		(void)epoll_ctl(worker->epoll, EPOLL_CTL_MOD, worker->listeners[i], &event);
	}
	worker->is_paused = !is_wanted;
}

void worker_pause(struct proxy_worker *worker)
{
	worker->paused_ms = worker->now_ms;
	watch_listeners(worker, false);
}

bool worker_has_room(struct proxy_worker *worker)
{
	for (unsigned tries = 0; tries < ROOM_TRIES && worker->n_flows >= worker->limit; tries++) {
		struct flow *flow = worker->queues[WAIT_BYTES].first;
		if (!flow || worker->now_ms - flow->since_ms < SILENT_MS)
			break;
		if (worker->now_ms - flow->used_ms >= SILENT_MS)
			flow_end(worker, flow, END_RESET);
		else
			wait_from(worker, flow, flow->used_ms);
	}
	return worker->n_flows < worker->limit;
}

static void end_socket(const struct proxy_worker *worker, int fd, enum flow_end end)
{
	const struct linger reset = { .l_onoff = 1 };
	if (fd < 0)
		return;
	if (end == END_SILENT)
		dial_mute(fd, &worker->config->decide->marks);
	if (end != END_CLOSE)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(fd);
}

void flow_end(struct proxy_worker *worker, struct flow *flow, enum flow_end end)
{
	if (flow->state == FLOW_ENDED)
		return;
	flow_count_hello(worker, flow, 0);
	leave_queue(worker, flow);
	flow->state = FLOW_ENDED;
	for (unsigned i = 0; i < 2; i++) {
		end_socket(worker, flow->fds[i], end);
		relay_done(&worker->tools, &flow->ways[i]);
	}
	free(take_ptr(&flow->name));
	worker->n_flows--;
	count_add(&worker->counts, COUNT_ACTIVE, (uint64_t)-1);
	if (flow->is_turn_cut)
		return; // its next turn finds it ended
	flow->again = worker->ended;
	worker->ended = flow;
}

// Events at hand may still speak of them: they are used anew only after those.
static void reuse_ended(struct proxy_worker *worker)
{
	while (worker->ended) {
		struct flow *flow = worker->ended;
		worker->ended = flow->again;
		flow->again = worker->spare;
		worker->spare = flow;
	}
	if (worker->is_paused && worker->now_ms - worker->paused_ms >= PAUSE_MS)
		watch_listeners(worker, true);
}

// ---- time ----

static uint32_t wait_ms(const struct proxy_worker *worker, enum flow_wait wait)
{
	const struct proxy_settings *settings = &worker->config->settings;
	const uint32_t times[WAITS] = { [WAIT_FIRST] = FIRST_MS,
					[WAIT_HELLO] = HELLO_MS,
					[WAIT_ADDRESS] = ADDRESS_MS,
					[WAIT_SERVER] = settings->connect_ms,
					[WAIT_BYTES] = settings->idle_ms };
	return times[wait];
}

static void expire(struct proxy_worker *worker, struct flow *flow)
{
	if (flow->wait == WAIT_FIRST) {
		flow_late(worker, flow);
		return;
	}
	if (flow->wait != WAIT_BYTES)
		count_add(&worker->counts, COUNT_FAILED, 1);
	flow_end(worker, flow, END_RESET);
}

// Ends what has waited too long; returns in how many milliseconds the next one will have, -1: none
// waits.
static int expire_all(struct proxy_worker *worker)
{
	int soonest = -1;
	for (unsigned wait = 0; wait < WAITS; wait++) {
		const uint32_t limit = wait_ms(worker, wait);
		struct flow *flow;
		while ((flow = worker->queues[wait].first)) {
			uint32_t waited = worker->now_ms - flow->since_ms;
			if (waited < limit) {
				int left = (int)(limit - waited);
				soonest = soonest < 0 || left < soonest ? left : soonest;
				break;
			}
			if (wait == WAIT_BYTES && worker->now_ms - flow->used_ms < limit) {
				wait_from(worker, flow, flow->used_ms);
				continue;
			}
			expire(worker, flow);
		}
	}
	return soonest;
}

// ---- letters ----

static const char *state_name(const struct flow *flow)
{
	static const char *const names[] = { [FLOW_SNIFFED] = "reading",
					     [FLOW_ASKED] = "asking",
					     [FLOW_CONNECTING] = "connecting",
					     [FLOW_CARRIED] = "connected",
					     [FLOW_ENDED] = "ended" };
	return names[flow->state];
}

static json_t *row_of(const struct proxy_worker *worker, const struct flow *flow)
{
	char client[ADDRESS_TEXT_SIZE], to[ADDRESS_TEXT_SIZE];
	json_t *row = json_pack(
		"{s:s, s:i, s:s, s:i, s:s, s:I, s:I, s:I, s:I}", "client",
		address_format(&flow->client.address, client), "client_port", flow->client.port,
		"to", address_format(&flow->to.address, to), "port", flow->to.port, "state",
		state_name(flow), "age_ms", (json_int_t)(worker->now_ms - flow->began_ms),
		"bytes_up", (json_int_t)flow->ways[FLOW_UP].bytes, "bytes_down",
		(json_int_t)flow->ways[FLOW_DOWN].bytes, "mark", (json_int_t)flow->mark);
	if (row && flow->name)
		(void)json_object_set_new(row, "name", json_string(flow->name));
	return row;
}

static void list_flows(struct proxy_worker *worker, struct letter *letter)
{
	letter->kind = LETTER_ROWS;
	letter->rows = json_array();
	for (unsigned wait = 0; wait < WAITS; wait++) {
		const struct flow *flow = worker->queues[wait].first;
		for (; flow && json_array_size(letter->rows) < ROWS_MAX; flow = flow->next)
			if (letter->address.family == 0 ||
			    address_equal(&letter->address, &flow->client.address))
				(void)json_array_append_new(letter->rows, row_of(worker, flow));
	}
	mailbox_post(worker->desk, letter);
}

static void leave(struct proxy_worker *worker)
{
	for (size_t i = 0; i < worker->n_listeners; i++) {
		// Another process has them open by now: closing does not end their events.
		(void)epoll_ctl(worker->epoll, EPOLL_CTL_DEL, worker->listeners[i], NULL);
		(void)close(worker->listeners[i]);
	}
	worker->n_listeners = 0;
	worker->is_leaving = true;
}

static void set_limit(struct proxy_worker *worker)
{
	const size_t wanted = worker->config->settings.connections;
	struct rlimit files = { .rlim_cur = 1024 };
	(void)getrlimit(RLIMIT_NOFILE, &files);
	size_t possible = files.rlim_cur > 2 * FILES_SPARE
				  ? (files.rlim_cur - FILES_SPARE) / FILES_A_FLOW
				  : FILES_SPARE / FILES_A_FLOW;
	worker->limit = ((wanted < possible ? wanted : possible) + worker->n_workers - 1) /
			worker->n_workers;
}

// What leaves by a group that is gone would stay until it is idle: its client connects anew.
static void end_strays(struct proxy_worker *worker)
{
	static const enum flow_wait decided[] = { WAIT_SERVER, WAIT_BYTES };
	const struct decide *decide = worker->config->decide;
	uint32_t good = decide->marks.direct; // most have the same
	for (size_t i = 0; i < ARRAY_LEN(decided); i++)
		for (struct flow *flow = worker->queues[decided[i]].first, *next; flow;
		     flow = next) {
			next = flow->next;
			if (flow->mark == good)
				continue;
			if (verdict_stands(decide, flow->mark))
				good = flow->mark;
			else
				flow_end(worker, flow, END_RESET);
		}
}

static void read_letter(struct proxy_worker *worker, struct letter *letter)
{
	CLEAN(letter_free_ptr) struct letter *owned = letter;
	if (letter->kind == LETTER_CONFIG) {
		proxy_config_release(worker->config);
		worker->config = take_ptr(&letter->config);
		set_limit(worker);
		end_strays(worker);
	} else if (letter->kind == LETTER_LEARNED) {
		flow_learned(worker, letter);
	} else if (letter->kind == LETTER_LIST) {
		list_flows(worker, take_ptr(&owned));
	} else if (letter->kind == LETTER_LEAVE) {
		leave(worker);
	} else if (letter->kind == LETTER_STOP) {
		worker->is_stopping = true;
	}
}

static void read_letters(struct proxy_worker *worker)
{
	for (struct letter *letter = mailbox_take(&worker->box), *next; letter; letter = next) {
		next = letter->next;
		read_letter(worker, letter);
	}
}

// Once it has left, and nothing is left with it.
static void tell_gone(struct proxy_worker *worker)
{
	if (!worker->is_leaving || worker->is_gone || worker->n_flows > 0)
		return;
	struct letter *letter = letter_new(LETTER_GONE);
	if (letter)
		mailbox_post(worker->desk, letter);
	worker->is_gone = letter;
}

// ---- the loop ----

static void take_event(struct proxy_worker *worker, const struct epoll_event *event)
{
	const unsigned tag = event->data.u64 & TAG_MASK;
	struct flow *flow = (struct flow *)(uintptr_t)(event->data.u64 & ~(uint64_t)TAG_MASK);
	if (tag == TAG_BOX)
		read_letters(worker);
	else if (tag == TAG_LISTENER && (event->data.u64 >> 2) < worker->n_listeners)
		flow_accept(worker, worker->listeners[event->data.u64 >> 2]);
	else if (tag == TAG_LISTENER || flow->state == FLOW_ENDED)
		return;
	else if (flow->state == FLOW_CARRIED)
		flow_carry(worker, flow, tag, event->events);
	else if (flow->state == FLOW_CONNECTING && tag == TAG_SERVER)
		flow_connected(worker, flow, event->events);
	else if (event->events & (EPOLLERR | EPOLLHUP))
		flow_end(worker, flow, END_RESET);
	else if (flow->state == FLOW_SNIFFED)
		flow_hear(worker, flow);
	else if (flow->state == FLOW_CONNECTING)
		(void)flow_speaks_late(worker, flow);
}

static void go_on(struct proxy_worker *worker)
{
	struct flow *list = take_ptr(&worker->again);
	while (list) {
		struct flow *flow = list;
		list = flow->again;
		flow->is_turn_cut = false;
		if (flow->state == FLOW_ENDED) {
			flow->again = worker->ended;
			worker->ended = flow;
		} else {
			flow_go_on(worker, flow);
		}
	}
}

static void *run(void *arg)
{
	struct proxy_worker *worker = arg;
	struct epoll_event events[EVENTS];
	sigset_t all;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!worker->is_stopping) {
		int left_ms = expire_all(worker);
		reuse_ended(worker);
		tell_gone(worker);
		if (worker->is_paused && (left_ms < 0 || left_ms > PAUSE_MS))
			left_ms = PAUSE_MS;
		int n = epoll_wait(worker->epoll, events, EVENTS, worker->again ? 0 : left_ms);
		worker->now_ms = (uint32_t)clock_mono_ms();
		for (int i = 0; i < n; i++)
			take_event(worker, &events[i]);
		go_on(worker);
	}
	return NULL;
}

// ---- beginning and end ----

static int watch_all(struct proxy_worker *worker, const struct proxy_worker_form *form)
{
	struct epoll_event box = { .events = EPOLLIN, .data.u64 = TAG_BOX };
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->box.event, &box) < 0)
		return -errno;
	for (size_t i = 0; i < form->n_listeners; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u64 = i << 2 | TAG_LISTENER };
		if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, form->listeners[i], &event) < 0)
			return -errno;
		worker->listeners[worker->n_listeners++] = form->listeners[i];
	}
	return 0;
}

struct proxy_worker *proxy_worker_new(const struct proxy_worker_form *form, struct err *err)
{
	struct proxy_worker *worker = calloc(1, sizeof(*worker));
	if (!worker || form->n_listeners > WORKER_LISTENERS) {
		free(worker);
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	worker->desk = form->desk;
	worker->config = proxy_config_keep(form->config);
	worker->n_workers = form->n_workers;
	worker->now_ms = (uint32_t)clock_mono_ms();
	set_limit(worker);
	int r = mailbox_init(&worker->box);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r == 0)
		r = worker->epoll < 0 ? -errno : watch_all(worker, form);
	if (r < 0) {
		(void)err_set(err, r, "cannot wait for connections: %s", strerror(-r));
		worker->n_listeners = 0;
		proxy_worker_free(worker);
		return NULL;
	}
	return worker;
}

int proxy_worker_start(struct proxy_worker *worker, struct err *err)
{
	int r = pthread_create(&worker->thread, NULL, run, worker);
	worker->is_started = r == 0;
	return r == 0 ? 0 : err_set(err, -r, "no thread: %s", strerror(r));
}

void proxy_worker_free(struct proxy_worker *worker)
{
	struct letter *stop = worker && worker->is_started ? letter_new(LETTER_STOP) : NULL;
	if (!worker)
		return;
	if (stop) {
		mailbox_post(&worker->box, stop);
		(void)pthread_join(worker->thread, NULL);
	}
	for (unsigned wait = 0; wait < WAITS; wait++)
		while (worker->queues[wait].first)
			flow_end(worker, worker->queues[wait].first, END_CLOSE);
	leave(worker);
	while (worker->chunks) {
		struct flow_chunk *chunk = worker->chunks;
		worker->chunks = chunk->next;
		free(chunk);
	}
	pipe_pool_done(&worker->tools.pipes);
	mailbox_done(&worker->box);
	if (worker->epoll >= 0)
		(void)close(worker->epoll);
	proxy_config_release(worker->config);
	free(worker);
}

struct mailbox *proxy_worker_box(struct proxy_worker *worker)
{
	return &worker->box;
}

const struct counts *proxy_worker_counts(const struct proxy_worker *worker)
{
	return &worker->counts;
}

const int *proxy_worker_listeners(const struct proxy_worker *worker, size_t *ret_count)
{
	*ret_count = worker->n_listeners;
	return worker->listeners;
}
