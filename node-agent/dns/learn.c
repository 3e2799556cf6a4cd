#include "dns/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "dns/learn_addresses.h"
#include "sets/client.h"

enum {
	TICK_MS = 100,
	EXPIRY_MS = 1000,  // between two looks for what is over; also at the kernel's table
	SILENCE_MS = 6000, // then weft-sets is taken for dead
	HOLD_MS = 2000,    // then a covered name is answered with SERVFAIL
	HELD_MAX = 8192,   // at a time; more are answered so at once
	// Fewer than the kernel's sets have room for (131,072), so that no put fails for that.
	ADDRESSES_MAX = 65536,
	NAMES_MAX = 131072,
	MS_PER_S = 1000,
};

enum under_way { NOTHING, CHANGE, DUMP, TABLE };

struct dns_learn {
	struct dns_server *server;
	struct learned *table;
	char *path; // of weft-sets' socket, NULL: nothing is learned
	uv_prepare_t prepare;
	uv_timer_t timer;
	unsigned handles;
	uv_poll_t *poll; // NULL: not connected
	int fd;
	bool is_seeded; // what the kernel had is known
	bool is_renewing;
	bool was_lost; // told already
	uint32_t number;
	enum under_way under_way;
	int64_t asked_ms, looked_ms;
	uint64_t kernel_table; // its number, 0: not known
	uint64_t writes, failures;
	struct address sent[SETS_RECORDS_MAX];
	size_t n_sent;
	struct dns_held *first, **last;
	size_t n_held;
	struct sets_record records[SETS_RECORDS_MAX];
};

int64_t dns_learn_now(const struct dns_learn *learn)
{
	return (int64_t)uv_now(learn->server->loop);
}

// ---- answers that wait ----

static void held_free(struct dns_held *held)
{
	free(held->addresses);
	free(held);
}

static bool is_in_force(const struct dns_learn *learn, const struct dns_held *held)
{
	for (size_t i = 0; i < held->n_addresses; i++)
		if (!learned_is_written(learn->table, &held->addresses[i]))
			return false;
	return true;
}

// Lets go of what waits no more. A name that no list covers does not wait for weft-sets to be back.
static void release(struct dns_learn *learn)
{
	int64_t now_ms = dns_learn_now(learn);
	struct dns_held **at = &learn->first;
	while (*at) {
		struct dns_held *held = *at;
		bool is_good = is_in_force(learn, held);
		bool is_late = held->end_ms <= now_ms || (!held->is_covered && !learn->poll);
		if (!is_good && !is_late) {
			at = &held->next;
			continue;
		}
		*at = held->next;
		learn->n_held--;
		if (!*at)
			learn->last = at;
		dns_serve_held(learn->server, held, is_good || !held->is_covered);
		held_free(held);
	}
}

static void release_all(struct dns_learn *learn, bool is_good)
{
	while (learn->first) {
		struct dns_held *held = learn->first;
		learn->first = held->next;
		learn->n_held--;
		dns_serve_held(learn->server, held, is_good);
		held_free(held);
	}
	learn->last = &learn->first;
}

bool dns_learn_hold(struct dns_learn *learn, struct dns_held *held, const uint8_t *message,
		    size_t len)
{
	struct dns_addresses addresses;
	uint32_t ttl_s;
	// An address takes at least four bytes of a message.
	held->addresses =
		learn->n_held < HELD_MAX ? calloc(len / 4 + 1, sizeof(*held->addresses)) : NULL;
	if (!held->addresses)
		return false;
	held->n_addresses = 0;
	if (dns_addresses_init(&addresses, message, len))
		while (dns_addresses_next(&addresses, &held->addresses[held->n_addresses], &ttl_s))
			held->n_addresses++;
	held->end_ms = dns_learn_now(learn) + HOLD_MS;
	held->next = NULL;
	learn->n_held++;
	*learn->last = held;
	learn->last = &held->next;
	return true;
}

// ---- the connection ----

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void disconnect(struct dns_learn *learn)
{
	if (!learn->poll)
		return;
	(void)uv_poll_stop(learn->poll);
	uv_close((uv_handle_t *)take_ptr(&learn->poll), free_handle);
	(void)close(learn->fd);
	for (size_t i = 0; i < learn->n_sent; i++)
		learned_put_back(learn->table, &learn->sent[i]);
	learn->n_sent = 0;
	learn->under_way = NOTHING;
	if (!learn->was_lost)
		log_warn("sets: weft-sets is gone; names in lists of policies are not answered");
	learn->was_lost = true;
	release(learn);
}

static void note_sent(struct dns_learn *learn, enum under_way what, int r)
{
	if (r < 0) {
		disconnect(learn);
		return;
	}
	learn->under_way = what;
	learn->asked_ms = dns_learn_now(learn);
}

static void ask(struct dns_learn *learn, enum under_way what)
{
	note_sent(learn, what,
		  sets_send(learn->fd, ++learn->number, what == DUMP ? SETS_DUMP : SETS_TABLE));
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void connect_to_sets(struct dns_learn *learn)
{
	int fd = sets_connect(learn->path);
	uv_poll_t *poll = fd >= 0 ? calloc(1, sizeof(*poll)) : NULL;
	if (!poll || uv_poll_init(learn->server->loop, poll, fd) < 0) {
		if (fd >= 0)
			(void)close(fd);
		free(poll);
		return;
	}
	poll->data = learn;
	learn->poll = poll;
	learn->fd = fd;
	(void)uv_poll_start(poll, UV_READABLE | UV_DISCONNECT, on_readable);
	if (learn->was_lost)
		log_info("sets: weft-sets is there");
	learn->was_lost = false;
	ask(learn, learn->is_seeded ? TABLE : DUMP);
}

// ---- writing ----

static void add_record(struct dns_learn *learn, size_t *count, struct sets_record record,
		       uint32_t timeout_ms)
{
	if (timeout_ms > 0)
		sets_put(&record, timeout_ms);
	else
		sets_drop(&record);
	learn->records[(*count)++] = record;
}

static size_t count_of(const struct decide_set *set)
{
	int count = 0;
	for (size_t i = 0; i < ARRAY_LEN(set->bits); i++)
		count += __builtin_popcountll(set->bits[i]);
	return (size_t)count;
}

static void add_records(struct dns_learn *learn, const struct learned_write *write, size_t *count)
{
	const struct decide *decide = learn->server->config->rules.decide;
	for (size_t i = 0; decide && i < decide->n_lists; i++) {
		struct sets_record record = sets_of_list(decide->lists[i].id, &write->address);
		if (decide_set_has(&write->drop, i))
			add_record(learn, count, record, 0);
		if (decide_set_has(&write->put, i))
			add_record(learn, count, record, write->timeout_ms);
	}
	if (write->puts_known || write->drops_known)
		add_record(learn, count, sets_of_known(&write->address),
			   write->puts_known ? write->timeout_ms : 0);
}

// One transaction of what is waiting.
static void write_some(struct dns_learn *learn)
{
	struct learned_write write;
	size_t count = 0;
	int64_t now_ms = dns_learn_now(learn);
	learn->n_sent = 0;
	while (learned_take(learn->table, now_ms, &write)) {
		size_t more = count_of(&write.put) + count_of(&write.drop) + 1;
		if (count > 0 && (write.is_alone || count + more > SETS_RECORDS_MAX)) {
			learned_put_back(learn->table, &write.address);
			break;
		}
		learn->sent[learn->n_sent++] = write.address;
		add_records(learn, &write, &count);
		if (write.is_alone)
			break;
	}
	if (count > 0) {
		learn->writes++;
		note_sent(learn, CHANGE,
			  sets_send_change(learn->fd, ++learn->number, learn->records, count));
		return;
	}
	// Only what no list has a set for any more.
	for (size_t i = 0; i < learn->n_sent; i++)
		learned_done(learn->table, &learn->sent[i], true, now_ms);
	learn->n_sent = 0;
}

static void flush(struct dns_learn *learn)
{
	if (learn->poll && learn->is_seeded && learn->under_way == NOTHING &&
	    learned_counts(learn->table).waiting > 0)
		write_some(learn);
}

// ---- what weft-sets says ----

static void take_dump(struct dns_learn *learn, const struct sets_answer *answer)
{
	const struct decide *decide = learn->server->config->rules.decide;
	size_t place = 0;
	for (size_t i = 0; decide && i < answer->count; i++) {
		const struct sets_record *record = &learn->records[i];
		struct address address = sets_address(record);
		if (place == decide->n_lists || decide->lists[place].id != record->list)
			for (place = 0;
			     place < decide->n_lists && decide->lists[place].id != record->list;)
				place++;
		// The set of a list that is in no policy any more will go by itself.
		if (record->kind == SETS_LIST && place == decide->n_lists)
			continue;
		(void)learned_seed(learn->table, &address,
				   record->kind == SETS_LIST ? (int)place : LEARNED_GONE,
				   record->timeout_ms, dns_learn_now(learn));
	}
}

static void take_change(struct dns_learn *learn, const struct sets_answer *answer)
{
	for (size_t i = 0; i < learn->n_sent; i++)
		learned_done(learn->table, &learn->sent[i], answer->status == 0,
			     dns_learn_now(learn));
	learn->n_sent = 0;
	learn->failures += answer->status < 0;
}

static void take_answer(struct dns_learn *learn, const struct sets_answer *answer)
{
	if (learn->under_way == CHANGE)
		take_change(learn, answer);
	if (learn->under_way == DUMP && answer->status == 0)
		take_dump(learn, answer);
	if (learn->under_way == DUMP && !answer->is_more)
		learn->is_seeded = answer->status == 0;
	// What stood in a table that was taken away is to be written again.
	if (learn->under_way == TABLE && answer->status == 0 &&
	    answer->table != learn->kernel_table)
		learned_lost(learn->table, dns_learn_now(learn));
	if (learn->under_way != CHANGE && answer->status == 0)
		learn->kernel_table = answer->table;
	if (!answer->is_more)
		learn->under_way = NOTHING;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct dns_learn *learn = poll->data;
	struct sets_answer answer;
	int r = status < 0 ? status : 0;
	(void)events;
	while (r == 0 && learn->poll == poll) {
		r = sets_receive(learn->fd, &answer, learn->records);
		if (r == 0 && (learn->under_way == NOTHING || answer.number != learn->number))
			r = -EBADMSG;
		if (r == 0)
			take_answer(learn, &answer);
	}
	if (r < 0 && r != -EAGAIN && learn->poll == poll)
		disconnect(learn);
	release(learn);
}

// ---- the loop ----

static void list_names(void *context, const struct name *name, struct decide_set *ret)
{
	const struct dns_learn *learn = context;
	const struct decide *decide = learn->server->config->rules.decide;
	*ret = (struct decide_set){ 0 };
	if (decide) // not by the memo, which is for what is asked
		decide_lists_of(decide, name, ret);
}

static void on_prepare(uv_prepare_t *prepare)
{
	flush(prepare->data);
}

static void on_tick(uv_timer_t *timer)
{
	struct dns_learn *learn = timer->data;
	int64_t now_ms = dns_learn_now(learn);
	if (!learn->path)
		return;
	if (learn->poll && learn->under_way != NOTHING && now_ms - learn->asked_ms > SILENCE_MS)
		disconnect(learn);
	if (!learn->poll)
		connect_to_sets(learn);
	release(learn);
	if (learn->is_renewing)
		learn->is_renewing = learned_renew(learn->table, list_names, learn, now_ms);
	if (now_ms - learn->looked_ms >= EXPIRY_MS) {
		learn->looked_ms = now_ms;
		learned_tick(learn->table, now_ms);
		if (learn->poll && learn->under_way == NOTHING)
			ask(learn, learn->is_seeded ? TABLE : DUMP);
	}
	// Names are gone through in small steps, and there may be many.
	(void)uv_timer_start(timer, on_tick, learn->is_renewing ? 1 : TICK_MS, 0);
}

static void on_closed(uv_handle_t *handle)
{
	struct dns_learn *learn = handle->data;
	if (--learn->handles > 0)
		return;
	learned_free(learn->table);
	free(learn->path);
	free(learn);
}

struct dns_learn *dns_learn_new(struct dns_server *server)
{
	struct learned_config config = { .addresses = ADDRESSES_MAX, .names = NAMES_MAX };
	struct dns_learn *learn = calloc(1, sizeof(*learn));
	if (!learn)
		return NULL;
	exchange_random(&config.seed, sizeof(config.seed));
	learn->table = learned_new(&config);
	if (!learn->table) {
		free(learn);
		return NULL;
	}
	learn->server = server;
	learn->last = &learn->first;
	learn->prepare.data = learn->timer.data = learn;
	learn->handles = 2;
	(void)uv_prepare_init(server->loop, &learn->prepare);
	(void)uv_timer_init(server->loop, &learn->timer);
	return learn;
}

void dns_learn_free(struct dns_learn *learn)
{
	if (!learn)
		return;
	release_all(learn, false);
	learn->was_lost = true; // it is left, not lost
	disconnect(learn);
	uv_close((uv_handle_t *)&learn->prepare, on_closed);
	uv_close((uv_handle_t *)&learn->timer, on_closed);
}

// ---- other lists ----

// Where the lists of one configuration are in another; false: all where they were.
static bool map_lists(const struct decide *from, const struct decide *to,
		      int16_t ret[DECIDE_LISTS_MAX])
{
	for (size_t i = 0; i < DECIDE_LISTS_MAX; i++)
		ret[i] = LEARNED_GONE;
	bool differs = false;
	for (size_t i = 0; from && to && i < from->n_lists; i++)
		for (size_t j = 0; j < to->n_lists; j++)
			if (from->lists[i].id == to->lists[j].id)
				ret[i] = (int16_t)j;
	for (size_t i = 0; from && i < from->n_lists; i++)
		differs = differs || ret[i] != (int16_t)i;
	return differs;
}

void dns_learn_configure(struct dns_learn *learn, const struct dns_config *former)
{
	const struct dns_config *config = learn->server->config;
	const char *path = config->settings.sets;
	int16_t map[DECIDE_LISTS_MAX];
	if (learn->path && (!path || strcmp(path, learn->path) != 0)) {
		learn->was_lost = true;
		disconnect(learn);
		free(take_ptr(&learn->path));
	}
	if (path && !learn->path)
		learn->path = strdup(path);
	learned_set_grace(learn->table, config->settings.grace_ms);
	if (former) {
		if (map_lists(former->rules.decide, config->rules.decide, map))
			learned_move(learn->table, map);
		learned_outdate(learn->table);
		learn->is_renewing = true;
		(void)uv_timer_start(&learn->timer, on_tick, 0, 0);
	}
	if (!learn->path) {
		// No policy is by name any more.
		release_all(learn, true);
		(void)uv_prepare_stop(&learn->prepare);
		(void)uv_timer_stop(&learn->timer);
		return;
	}
	(void)uv_prepare_start(&learn->prepare, on_prepare);
	(void)uv_timer_start(&learn->timer, on_tick, 0, 0);
}

bool dns_learn_is_on(const struct dns_learn *learn)
{
	return learn->path;
}

// ---- learning ----

bool dns_learn_answer(struct dns_learn *learn, const struct name *name,
		      const struct decide_set *lists, const uint8_t *message, size_t len)
{
	struct dns_addresses addresses;
	struct address address;
	uint32_t ttl_s;
	bool is_covered = !decide_set_is_empty(lists), must_wait = false;
	int64_t now_ms = dns_learn_now(learn);
	if (!dns_addresses_init(&addresses, message, len))
		return false;
	while (dns_addresses_next(&addresses, &address, &ttl_s)) {
		const struct learned_fact fact = { name, lists, &address,
						   (int64_t)ttl_s * MS_PER_S };
		int state = learned_add(learn->table, &fact, now_ms);
		// There is no room, or no memory: as if it could not be written.
		if (state == LEARNED_FRESH)
			continue;
		must_wait = must_wait || is_covered || (state == LEARNED_FIRST && learn->poll);
	}
	return must_wait;
}

uint64_t dns_learn_generation(const struct dns_learn *learn)
{
	return learned_generation(learn->table) + 1;
}

struct dns_learn_counts dns_learn_counts(const struct dns_learn *learn)
{
	return (struct dns_learn_counts){ learned_counts(learn->table), learn->writes,
					  learn->failures, learn->poll != NULL };
}

struct learned *dns_learn_table(struct dns_learn *learn)
{
	return learn->table;
}
