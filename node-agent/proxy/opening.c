// From a client's connection to the one that is made in its name: whom it is for, and what the
// policy says of that.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "proxy/dial.h"
#include "proxy/flow.h"

enum {
	ACCEPTS = 64,              // at a time
	HELLO_BYTES_MAX = 8 << 20, // of first words that are not complete
	HELLO_SHARE = 1 << 20,     // of them, so many of a client
	TCP = 6,
};

static void fail(struct proxy_worker *worker, struct flow *flow)
{
	count_add(&worker->counts, COUNT_FAILED, 1);
	flow_end(worker, flow, END_RESET);
}

// ---- the connection in its name ----

static void connect_it(struct proxy_worker *worker, struct flow *flow)
{
	struct dial_form form = { .client = flow->client,
				  .to = flow->to,
				  .mark = flow->mark,
				  .has_words = flow->ways[FLOW_UP].rest };
	flow->state = FLOW_CONNECTING;
	// What the kernel still knows of the first one, such as its translated address, is not for
	// the second.
	if (flow->is_second)
		form.client.port = 0;
	flow->fds[FLOW_SERVER] = dial(&form, SOCK_STREAM);
	if (flow->fds[FLOW_SERVER] < 0 || !flow_watch(worker, flow, FLOW_SERVER)) {
		fail(worker, flow);
		return;
	}
	flow_wait(worker, flow, WAIT_SERVER);
}

static void decide_it(struct proxy_worker *worker, struct flow *flow,
		      const struct verdict_sniffed *sniffed, const struct verdict_learned *learned)
{
	const struct verdict_flow wanted = { .protocol = TCP,
					     .port = flow->to.port,
					     .client = flow->client.address,
					     .to = flow->to.address };
	const uint32_t mark = verdict_of(worker->config->decide, &wanted, sniffed, learned);
	const struct policy_marks *marks = &worker->config->decide->marks;
	const uint32_t decided = mark & marks->mask;
	flow->mark = mark | marks->proxied;
	if (decided != marks->reject && decided != marks->drop) {
		connect_it(worker, flow);
		return;
	}
	count_add(&worker->counts, COUNT_REFUSED, 1);
	flow_end(worker, flow, decided == marks->drop ? END_SILENT : END_RESET);
}

// ---- what weft-dns knows ----

static bool ask(struct proxy_worker *worker, struct flow *flow)
{
	struct letter *letter = letter_new(LETTER_ASK);
	if (!letter)
		return false;
	letter->from = &worker->box;
	letter->flow = flow;
	letter->serial = flow->serial;
	letter->address = flow->to.address;
	letter->name = flow->name ? strdup(flow->name) : NULL;
	mailbox_post(worker->desk, letter);
	flow->state = FLOW_ASKED;
	flow_wait(worker, flow, WAIT_ADDRESS);
	return true;
}

static struct verdict_sniffed said(const struct flow *flow)
{
	const struct relay_way *up = &flow->ways[FLOW_UP];
	size_t wants;
	if (!up->rest)
		return (struct verdict_sniffed){ .result = SNIFF_MORE };
	return verdict_sniff(up->rest, up->rest_len, &wants);
}

void flow_learned(struct proxy_worker *worker, struct letter *letter)
{
	struct flow *flow = letter->flow;
	if (flow->serial != letter->serial || flow->state != FLOW_ASKED ||
	    flow_speaks_late(worker, flow))
		return;
	// Lists are numbered anew by every configuration.
	if (!letter->is_failed && letter->config != worker->config) {
		if (!ask(worker, flow))
			fail(worker, flow);
		return;
	}
	if (letter->is_failed) {
		fail(worker, flow);
		return;
	}
	const struct verdict_sniffed sniffed = said(flow);
	decide_it(worker, flow, &sniffed, &letter->learned);
}

// ---- names that were said ----

static void tell(struct proxy_worker *worker, const struct flow *flow)
{
	struct letter *letter = letter_new(LETTER_SAW);
	if (!letter)
		return;
	letter->client = flow->client.address;
	letter->address = flow->to.address;
	letter->name = strdup(flow->name);
	mailbox_post(worker->desk, letter);
}

static void take_name(struct proxy_worker *worker, struct flow *flow, const struct name *name)
{
	char text[NAME_TEXT_SIZE];
	name_text(name, text);
	flow->name = strdup(text);
	if (flow->name && worker->config->settings.dns &&
	    seen_is_new(&worker->seen, name->wire, name->len, clock_mono_ms()))
		tell(worker, flow);
}

static void settle(struct proxy_worker *worker, struct flow *flow,
		   const struct verdict_sniffed *sniffed)
{
	const bool is_named = sniffed->result == SNIFF_NAME;
	const int value = 1;
	if (flow->is_watched)
		(void)setsockopt(flow->fds[FLOW_CLIENT], SOL_SOCKET, SO_RCVLOWAT, &value,
				 sizeof(value));
	count_add(&worker->counts,
		  is_named                           ? COUNT_NAMED
		  : sniffed->result == SNIFF_FOREIGN ? COUNT_FOREIGN
						     : COUNT_UNKNOWN,
		  1);
	if (is_named)
		take_name(worker, flow, &sniffed->name);
	const bool must_ask = worker->config->settings.dns &&
			      verdict_needs_address(worker->config->decide, sniffed);
	if (!must_ask)
		decide_it(worker, flow, sniffed, NULL);
	else if (!ask(worker, flow))
		fail(worker, flow);
}

// ---- its first words ----

static uint32_t *share_of(struct proxy_worker *worker, const struct address *client)
{
	uint32_t hash = 0;
	for (size_t i = 0; i < sizeof(client->bytes); i++)
		hash = hash * 31 + client->bytes[i];
	return &worker->hello_shares[hash % HELLO_SHARES];
}

void flow_count_hello(struct proxy_worker *worker, struct flow *flow, uint32_t len)
{
	if (len == flow->n_hello)
		return;
	uint32_t *share = share_of(worker, &flow->client.address);
	*share = *share + len - flow->n_hello;
	worker->n_hello_bytes = worker->n_hello_bytes + len - flow->n_hello;
	flow->n_hello = len;
}

// Whether so many bytes of it may be kept. Those who have waited longest for theirs make room, but
// not for one client that has many.
static bool has_room_for_hello(struct proxy_worker *worker, struct flow *flow, uint32_t len)
{
	if (*share_of(worker, &flow->client.address) + len > HELLO_SHARE)
		return false;
	while (worker->n_hello_bytes + len > HELLO_BYTES_MAX) {
		struct flow *oldest = worker->queues[WAIT_HELLO].first;
		if (!oldest || oldest == flow)
			return false;
		fail(worker, oldest);
	}
	return true;
}

// Keeps them until more have come: `wants` bytes in all.
static bool keep(struct proxy_worker *worker, struct flow *flow, size_t len, size_t wants)
{
	struct relay_way *up = &flow->ways[FLOW_UP];
	const int more = wants > len ? (int)(wants - len) : 1;
	flow_count_hello(worker, flow, 0);
	free(take_ptr(&up->rest));
	up->rest_len = 0;
	if (!has_room_for_hello(worker, flow, (uint32_t)len) || !relay_put(up, worker->hello, len))
		return false;
	flow_count_hello(worker, flow, (uint32_t)len);
	(void)setsockopt(flow->fds[FLOW_CLIENT], SOL_SOCKET, SO_RCVLOWAT, &more, sizeof(more));
	if (flow->wait != WAIT_HELLO)
		flow_wait(worker, flow, WAIT_HELLO);
	return flow->is_watched || flow_watch(worker, flow, FLOW_CLIENT);
}

// What was heard is all there will be before it is decided.
static void heard(struct proxy_worker *worker, struct flow *flow, size_t len,
		  const struct verdict_sniffed *sniffed)
{
	struct relay_way *up = &flow->ways[FLOW_UP];
	flow_count_hello(worker, flow, 0);
	if (len != up->rest_len) {
		free(take_ptr(&up->rest));
		up->rest_len = 0;
		if (!relay_put(up, worker->hello, len)) {
			fail(worker, flow);
			return;
		}
	}
	flow->state = FLOW_CONNECTING;
	settle(worker, flow, sniffed);
}

void flow_hear(struct proxy_worker *worker, struct flow *flow)
{
	struct relay_way *up = &flow->ways[FLOW_UP];
	size_t have = up->rest_len, wants = 0;
	if (have > 0)
		memcpy(worker->hello, up->rest, have);
	ssize_t n =
		recv(flow->fds[FLOW_CLIENT], worker->hello + have, sizeof(worker->hello) - have, 0);
	if (n < 0 && errno != EAGAIN) {
		flow_end(worker, flow, END_RESET);
		return;
	}
	if (n < 0) {
		if (flow->wait == WAITS)
			flow_wait(worker, flow, WAIT_FIRST);
		if (!flow->is_watched && !flow_watch(worker, flow, FLOW_CLIENT))
			flow_end(worker, flow, END_RESET);
		return;
	}
	if (n == 0 && have == 0) {
		flow_end(worker, flow, END_CLOSE);
		return;
	}
	have += (size_t)n;
	struct verdict_sniffed sniffed = verdict_sniff(worker->hello, have, &wants);
	if (sniffed.result != SNIFF_MORE)
		heard(worker, flow, have, &sniffed);
	// What is cut short may be to any name: nobody decides it.
	else if (n == 0 || have == sizeof(worker->hello) || !keep(worker, flow, have, wants))
		fail(worker, flow);
}

void flow_late(struct proxy_worker *worker, struct flow *flow)
{
	const struct verdict_sniffed sniffed = said(flow);
	flow->is_silent = true;
	flow->state = FLOW_CONNECTING;
	settle(worker, flow, &sniffed);
}

// The connection that was made without a word carries none: it is given up, and with it all that is
// known of this flow but who came and where it wanted to go.
static void hear_anew(struct proxy_worker *worker, struct flow *flow)
{
	struct flow *anew = flow_new(worker);
	if (!anew) {
		fail(worker, flow);
		return;
	}
	count_add(&worker->counts, COUNT_CONNECTIONS, (uint64_t)-1); // it is counted
	anew->client = flow->client;
	anew->to = flow->to;
	anew->began_ms = flow->began_ms;
	anew->is_second = flow->fds[FLOW_SERVER] >= 0;
	anew->fds[FLOW_CLIENT] = take_fd(&flow->fds[FLOW_CLIENT]);
	(void)epoll_ctl(worker->epoll, EPOLL_CTL_DEL, anew->fds[FLOW_CLIENT], NULL);
	flow_end(worker, flow, END_RESET);
	flow_hear(worker, anew);
}

bool flow_speaks_late(struct proxy_worker *worker, struct flow *flow)
{
	uint8_t first;
	if (!flow->is_silent)
		return false;
	ssize_t n = recv(flow->fds[FLOW_CLIENT], &first, 1, MSG_PEEK);
	if (n > 0)
		hear_anew(worker, flow);
	else if (n < 0 && errno != EAGAIN)
		flow_end(worker, flow, END_RESET);
	else
		flow->is_silent = n < 0; // its end: it will never say a word
	return flow->state == FLOW_ENDED;
}

// ---- its coming ----

static bool is_loopback(const struct address *address)
{
	static const uint8_t six[16] = { [15] = 1 };
	return address->family == 4 ? address->bytes[0] == 127
				    : memcmp(address->bytes, six, sizeof(six)) == 0;
}

// False: no more for now.
static bool accept_one(struct proxy_worker *worker, int listener)
{
	struct sockaddr_storage from, to;
	socklen_t from_len = sizeof(from), to_len = sizeof(to);
	if (!worker_has_room(worker)) {
		errno = EMFILE;
		return false;
	}
	int fd = accept4(listener, (struct sockaddr *)&from, &from_len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	struct flow *flow = flow_new(worker);
	if (!flow) {
		(void)close(fd);
		return true;
	}
	flow->fds[FLOW_CLIENT] = fd;
	flow->client = place_of((const struct sockaddr *)&from);
	if (getsockname(fd, (struct sockaddr *)&to, &to_len) == 0)
		flow->to = place_of((const struct sockaddr *)&to);
	// Who comes to the proxy itself was not led here.
	if (flow->to.address.family == 0 || is_loopback(&flow->to.address))
		fail(worker, flow);
	else
		flow_hear(worker, flow);
	return true;
}

void flow_accept(struct proxy_worker *worker, int listener)
{
	unsigned n = 0;
	while (n < ACCEPTS && accept_one(worker, listener))
		n++;
	if (n < ACCEPTS && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
		count_add(&worker->counts, COUNT_FULL, 1);
		worker_pause(worker);
	}
}
