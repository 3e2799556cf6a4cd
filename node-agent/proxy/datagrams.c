#include "proxy/datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "proxy/counts.h"
#include "proxy/dial.h"
#include "proxy/quic_table.h"
#include "proxy/seen.h"
#include "proxy/unreachable.h"
#include "sets/client.h"

enum {
	SOCKETS_MAX = 8,
	EVENTS = 16,
	DATAGRAMS = 64, // of a socket at a time
	DATAGRAM_MAX = 65536,
	TICK_MS = 100, // while there are flows
	UDP = 17,
	HEARD_MS = 3000,
	ASKED_MS = 2500,
	WRITTEN_MS =
		300, // without the set-writer's word this thread carries what comes of the flow
	DECIDED_MS = 30000, // as long as the kernel's element
};

enum { TAG_BOX = SOCKETS_MAX, TAG_SETS };

struct proxy_quic {
	struct mailbox box;
	struct mailbox *desk;
	struct proxy_config *config;
	pthread_t thread;
	bool is_started, is_stopping;
	int epoll;
	int sockets[SOCKETS_MAX];
	size_t n_sockets;
	int refusals[2]; // raw sockets of IPv4 and IPv6, -1: this host has none
	int sets;        // to the set-writer, -1: none
	struct quic_table *table;
	int64_t now_ms;
	struct counts counts;
	struct seen seen;
	struct sets_answer answer;
	struct sets_record records[SETS_RECORDS_MAX]; // room for an answer
	uint8_t datagram[DATAGRAM_MAX];
};

static void drop(struct proxy_quic *quic, struct quic_entry *entry)
{
	quic_table_drop(quic->table, entry);
}

// ---- on their way ----

static struct dial_form way_of(const struct quic_entry *entry)
{
	return (struct dial_form){ .client = entry->client, .to = entry->to, .mark = entry->mark };
}

static void send_one(struct proxy_quic *quic, int fd, const struct quic_entry *entry,
		     const uint8_t *bytes, size_t len)
{
	const struct dial_form form = way_of(entry);
	if (fd < 0 || dial_send(fd, &form, bytes, len) < 0)
		count_add(&quic->counts, COUNT_FAILED, 1);
	else
		count_add(&quic->counts, COUNT_BYTES_UP, len);
}

static void send_held(struct proxy_quic *quic, struct quic_entry *entry)
{
	const struct dial_form form = way_of(entry);
	CLEAN(close_fd) int fd = dial(&form, SOCK_DGRAM);
	struct quic_held *held;
	while ((held = quic_table_take(quic->table, entry))) {
		send_one(quic, fd, entry, held->bytes, held->len);
		free(held);
	}
	quic_table_wait(quic->table, entry, QUIC_DECIDED, quic->now_ms);
}

// One that was on its way here when its flow was decided.
static void send_late(struct proxy_quic *quic, const struct quic_entry *entry, size_t len)
{
	const struct dial_form form = way_of(entry);
	CLEAN(close_fd) int fd = dial(&form, SOCK_DGRAM);
	send_one(quic, fd, entry, quic->datagram, len);
}

static void refuse(struct proxy_quic *quic, const struct quic_entry *entry, size_t len)
{
	uint8_t message[UNREACHABLE_SIZE];
	const int fd = quic->refusals[entry->client.address.family == 6];
	const struct policy_marks *marks = &quic->config->decide->marks;
	if (fd < 0 || (entry->mark & marks->mask) != marks->reject)
		return;
	const size_t size = unreachable_make(&entry->client, &entry->to, len, message);
	unreachable_send(fd, &entry->client, message, size);
}

static void refuse_held(struct proxy_quic *quic, struct quic_entry *entry)
{
	struct quic_held *held;
	count_add(&quic->counts, COUNT_REFUSED, 1);
	entry->is_blocked = true;
	while ((held = quic_table_take(quic->table, entry))) {
		refuse(quic, entry, held->len);
		free(held);
	}
	quic_table_wait(quic->table, entry, QUIC_DECIDED, quic->now_ms);
}

// ---- the set-writer ----

static void close_sets(struct proxy_quic *quic)
{
	if (quic->sets >= 0)
		(void)close(quic->sets);
	quic->sets = -1;
}

static bool open_sets(struct proxy_quic *quic)
{
	const char *path = quic->config->settings.sets;
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = TAG_SETS };
	if (quic->sets >= 0 || !path)
		return quic->sets >= 0;
	int fd = sets_connect(path);
	if (fd < 0)
		return false;
	quic->sets = fd;
	if (epoll_ctl(quic->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		close_sets(quic);
	return quic->sets >= 0;
}

// Whether an answer is to come.
static bool write_flow(struct proxy_quic *quic, const struct quic_entry *entry)
{
	const struct sets_flow flow = { entry->client.address, entry->to.address,
					entry->client.port, entry->to.port, entry->mark };
	struct sets_record record = sets_of_flow(&flow);
	sets_put(&record, DECIDED_MS);
	for (unsigned tries = 0; tries < 2 && open_sets(quic); tries++) {
		if (sets_send_change(quic->sets, entry->serial, &record, 1) == 0)
			return true;
		close_sets(quic); // it may have been started anew
	}
	return false;
}

static void read_sets(struct proxy_quic *quic)
{
	int r;
	while (quic->sets >= 0 &&
	       (r = sets_receive(quic->sets, &quic->answer, quic->records)) != -EAGAIN) {
		struct quic_entry *entry = r < 0 ? NULL
						 : quic_table_of_serial(quic->table, QUIC_WRITTEN,
									quic->answer.number);
		if (r < 0)
			close_sets(quic);
		else if (entry)
			send_held(quic, entry);
	}
}

// ---- whom they are for ----

static void decide_it(struct proxy_quic *quic, struct quic_entry *entry,
		      const struct verdict_learned *learned)
{
	const struct verdict_flow wanted = { .protocol = UDP,
					     .port = entry->to.port,
					     .client = entry->client.address,
					     .to = entry->to.address };
	entry->mark = verdict_of(quic->config->decide, &wanted, &entry->sniffed, learned);
	const struct policy_marks *marks = &quic->config->decide->marks;
	const uint32_t mark = entry->mark & marks->mask;
	if (mark == marks->reject || mark == marks->drop)
		refuse_held(quic, entry);
	else if (write_flow(quic, entry))
		quic_table_wait(quic->table, entry, QUIC_WRITTEN, quic->now_ms);
	else
		send_held(quic, entry);
}

static struct letter *letter_of(struct proxy_quic *quic, const struct quic_entry *entry,
				enum letter_kind kind)
{
	struct letter *letter = letter_new(kind);
	char text[NAME_TEXT_SIZE];
	if (!letter)
		return NULL;
	letter->from = &quic->box;
	letter->serial = entry->serial;
	letter->client = entry->client.address;
	letter->address = entry->to.address;
	if (entry->sniffed.result == SNIFF_NAME) {
		name_text(&entry->sniffed.name, text);
		letter->name = strdup(text);
	}
	return letter;
}

static void ask(struct proxy_quic *quic, struct quic_entry *entry)
{
	struct letter *letter = letter_of(quic, entry, LETTER_ASK);
	if (!letter) {
		drop(quic, entry);
		return;
	}
	quic_table_wait(quic->table, entry, QUIC_ASKED, quic->now_ms);
	mailbox_post(quic->desk, letter);
}

static void tell_seen(struct proxy_quic *quic, const struct quic_entry *entry)
{
	struct letter *letter = letter_of(quic, entry, LETTER_SAW);
	if (letter)
		mailbox_post(quic->desk, letter);
}

static void settle(struct proxy_quic *quic, struct quic_entry *entry,
		   const struct verdict_sniffed *sniffed)
{
	const bool has_dns = quic->config->settings.dns;
	entry->sniffed = *sniffed;
	quic_flow_free(take_ptr(&entry->flow));
	count_add(&quic->counts,
		  sniffed->result == SNIFF_NAME      ? COUNT_NAMED
		  : sniffed->result == SNIFF_FOREIGN ? COUNT_FOREIGN
						     : COUNT_UNKNOWN,
		  1);
	if (has_dns && sniffed->result == SNIFF_NAME &&
	    seen_is_new(&quic->seen, sniffed->name.wire, sniffed->name.len, quic->now_ms))
		tell_seen(quic, entry);
	if (has_dns && verdict_needs_address(quic->config->decide, sniffed))
		ask(quic, entry);
	else
		decide_it(quic, entry, NULL);
}

static void take_learned(struct proxy_quic *quic, struct letter *letter)
{
	struct quic_entry *entry = quic_table_of_serial(quic->table, QUIC_ASKED, letter->serial);
	if (!entry)
		return;
	if (letter->is_failed) {
		count_add(&quic->counts, COUNT_FAILED, 1);
		drop(quic, entry);
	} else if (letter->config != quic->config) {
		ask(quic, entry); // lists are numbered anew by every configuration
	} else {
		decide_it(quic, entry, &letter->learned);
	}
}

// ---- datagrams ----

static void hear(struct proxy_quic *quic, struct quic_entry *entry, size_t len)
{
	struct sniff sniff;
	if (!quic_table_hold(quic->table, entry, quic->datagram, len) || entry->wait != QUIC_HEARD)
		return;
	const enum sniff_result result = quic_flow_take(entry->flow, quic->datagram, len, &sniff);
	const struct verdict_sniffed sniffed = { result, sniff.name, sniff.has_ech };
	if (result != SNIFF_MORE)
		settle(quic, entry, &sniffed);
}

static void take(struct proxy_quic *quic, const struct place *client, const struct place *to,
		 size_t len)
{
	struct quic_entry *entry = quic_table_find(quic->table, client, to);
	unsigned lost = 0;
	if (!entry) {
		entry = quic_table_add(quic->table, client, to, quic->now_ms, &lost);
		count_add(&quic->counts, COUNT_QUIC_LOST, lost + (entry ? 0 : 1));
		if (!entry)
			return;
		count_add(&quic->counts, COUNT_QUIC, 1);
	}
	if (entry->wait != QUIC_DECIDED)
		hear(quic, entry, len);
	else if (entry->is_blocked)
		refuse(quic, entry, len);
	else
		send_late(quic, entry, len);
}

// Where a datagram was sent to, before it was led here. Family 0: that was not told.
static struct place sent_to(struct msghdr *message)
{
	struct sockaddr_storage at;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		const bool is_four =
			header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_ORIGDSTADDR;
		const bool is_six =
			header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_ORIGDSTADDR;
		if (!is_four && !is_six)
			continue;
		memcpy(&at, CMSG_DATA(header),
		       is_four ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		return place_of((const struct sockaddr *)&at);
	}
	return (struct place){ 0 };
}

// False: there is none.
static bool receive(struct proxy_quic *quic, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct sockaddr_in6))];
		struct cmsghdr header;
	} room;
	struct sockaddr_storage from;
	struct iovec data = { quic->datagram, sizeof(quic->datagram) };
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = room.bytes,
				  .msg_controllen = sizeof(room.bytes) };
	ssize_t n = recvmsg(fd, &message, 0);
	if (n < 0)
		return false;
	const struct place client = place_of((const struct sockaddr *)&from);
	const struct place to = sent_to(&message);
	// Who writes to this program itself was not led here.
	if (to.address.family != 0 && address_is_usable(&to.address))
		take(quic, &client, &to, (size_t)n);
	return true;
}

// ---- time and letters ----

static void expire(struct proxy_quic *quic, struct quic_entry *entry)
{
	if (entry->wait == QUIC_WRITTEN) {
		send_held(quic, entry);
		return;
	}
	// What was heard of a hello may be to any name.
	if (entry->wait != QUIC_DECIDED)
		count_add(&quic->counts, COUNT_FAILED, 1);
	drop(quic, entry);
}

static void expire_all(struct proxy_quic *quic)
{
	static const int64_t limits[QUIC_WAITS] = { [QUIC_HEARD] = HEARD_MS,
						    [QUIC_ASKED] = ASKED_MS,
						    [QUIC_WRITTEN] = WRITTEN_MS,
						    [QUIC_DECIDED] = DECIDED_MS };
	for (unsigned wait = 0; wait < QUIC_WAITS; wait++) {
		struct quic_entry *entry;
		while ((entry = quic_table_oldest(quic->table, wait)) &&
		       quic->now_ms - entry->since_ms >= limits[wait])
			expire(quic, entry);
	}
	count_set(&quic->counts, COUNT_QUIC_ACTIVE, quic_table_size(quic->table));
}

// Another process reads from the sockets now. What waits here still gets on its way.
static void leave(struct proxy_quic *quic)
{
	for (size_t i = 0; i < quic->n_sockets; i++) {
		(void)epoll_ctl(quic->epoll, EPOLL_CTL_DEL, quic->sockets[i], NULL);
		(void)close(quic->sockets[i]);
	}
	quic->n_sockets = 0;
}

static void read_letters(struct proxy_quic *quic)
{
	for (struct letter *letter = mailbox_take(&quic->box), *next; letter; letter = next) {
		next = letter->next;
		if (letter->kind == LETTER_CONFIG) {
			proxy_config_release(quic->config);
			quic->config = take_ptr(&letter->config);
			close_sets(quic); // its path may be another
		} else if (letter->kind == LETTER_LEARNED) {
			take_learned(quic, letter);
		} else if (letter->kind == LETTER_LEAVE) {
			leave(quic);
		} else if (letter->kind == LETTER_STOP) {
			quic->is_stopping = true;
		}
		letter_free(letter);
	}
}

// ---- the loop ----

static void take_event(struct proxy_quic *quic, const struct epoll_event *event)
{
	const size_t tag = event->data.u64;
	if (tag == TAG_BOX)
		read_letters(quic);
	else if (tag == TAG_SETS)
		read_sets(quic);
	for (unsigned i = 0; tag < quic->n_sockets && i < DATAGRAMS; i++)
		if (!receive(quic, quic->sockets[tag]))
			return;
}

static void *run(void *arg)
{
	struct proxy_quic *quic = arg;
	struct epoll_event events[EVENTS];
	sigset_t all;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!quic->is_stopping) {
		int wait_ms = quic_table_size(quic->table) > 0 ? TICK_MS : -1;
		int n = epoll_wait(quic->epoll, events, EVENTS, wait_ms);
		quic->now_ms = clock_mono_ms();
		for (int i = 0; i < n; i++)
			take_event(quic, &events[i]);
		expire_all(quic);
	}
	return NULL;
}

// ---- beginning and end ----

static int watch_all(struct proxy_quic *quic, const int *sockets, size_t n_sockets)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = TAG_BOX };
	if (epoll_ctl(quic->epoll, EPOLL_CTL_ADD, quic->box.event, &event) < 0)
		return -errno;
	for (size_t i = 0; i < n_sockets && i < SOCKETS_MAX; i++) {
		event.data.u64 = i;
		if (epoll_ctl(quic->epoll, EPOLL_CTL_ADD, sockets[i], &event) < 0)
			return -errno;
		quic->sockets[quic->n_sockets++] = sockets[i];
	}
	return 0;
}

struct proxy_quic *proxy_quic_new(struct proxy_config *config, struct mailbox *desk,
				  const int *sockets, size_t n_sockets, struct err *err)
{
	struct proxy_quic *quic = calloc(1, sizeof(*quic));
	if (!quic) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	quic->desk = desk;
	quic->config = proxy_config_keep(config);
	quic->sets = -1;
	quic->refusals[0] = unreachable_open(4, dial_client_mark(&config->decide->marks));
	quic->refusals[1] = unreachable_open(6, dial_client_mark(&config->decide->marks));
	quic->table = quic_table_new();
	int r = mailbox_init(&quic->box);
	quic->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r == 0 && quic->epoll < 0)
		r = -errno;
	if (r == 0)
		r = quic->table ? watch_all(quic, sockets, n_sockets) : -ENOMEM;
	if (r == 0)
		return quic;
	(void)err_set(err, r, "cannot wait for datagrams: %s", strerror(-r));
	quic->n_sockets = 0;
	proxy_quic_free(quic);
	return NULL;
}

int proxy_quic_start(struct proxy_quic *quic, struct err *err)
{
	int r = pthread_create(&quic->thread, NULL, run, quic);
	quic->is_started = r == 0;
	return r == 0 ? 0 : err_set(err, -r, "no thread: %s", strerror(r));
}

void proxy_quic_free(struct proxy_quic *quic)
{
	struct letter *stop = quic && quic->is_started ? letter_new(LETTER_STOP) : NULL;
	if (!quic)
		return;
	if (stop) {
		mailbox_post(&quic->box, stop);
		(void)pthread_join(quic->thread, NULL);
	}
	leave(quic);
	close_sets(quic);
	close_fd(&quic->refusals[0]);
	close_fd(&quic->refusals[1]);
	if (quic->epoll >= 0)
		(void)close(quic->epoll);
	quic_table_free(quic->table);
	mailbox_done(&quic->box);
	proxy_config_release(quic->config);
	free(quic);
}

struct mailbox *proxy_quic_box(struct proxy_quic *quic)
{
	return &quic->box;
}

const struct counts *proxy_quic_counts(const struct proxy_quic *quic)
{
	return &quic->counts;
}

size_t proxy_quic_sockets(const struct proxy_quic *quic, int *ret, size_t max)
{
	size_t count = quic->n_sockets < max ? quic->n_sockets : max;
	memcpy(ret, quic->sockets, count * sizeof(*ret));
	return count;
}
