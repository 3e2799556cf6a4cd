// What is promised between Weft bridges (rstp.h): which messages count, and when a designated port
// may be open.
//
// Each end numbers its BPDUs within a session and says which of the other's it heard last. A
// message counts when it is newer than all before it and answers to this end's present session:
// then it was sent after this end began to listen, and is the latest that is known. A designated
// port is open while
//
//   1. the other end has agreed, as root or alternate port, to a BPDU sent since this port became
//      designated (so not both ends are designated and open), and
//   2. `low`, the best report that the other end may hold of those sent since the last it agreed
//   to, is worse
//      than the report that this bridge holds from its own root port.
//
// Take a loop of links that carry frames, each with one designated and one root end. With D(x) the
// report that x holds from its root port and p the parent of c in it: D(p) is better than `low` by
// 2, and `low` is no worse than D(c) by its definition. So D gets strictly better from child to
// parent, all round: there is none. Nothing here is a clock's: a bridge whose agent is dead holds
// its D and its ports, and the others' invariants with it stand.
#include <string.h>

#include "steer/rstp_inside.h"

bool promise_is_strict(const struct rstp_port *p)
{
	return p->peer == RSTP_WEFT || p->peer == RSTP_UNHEARD;
}

void promise_new_session(struct rstp *b, struct rstp_port *p)
{
	p->session = b->next_session++;
	p->heard = (struct bpdu_mark){ 0 };
}

static bool is_silent(const struct rstp *b, const struct rstp_port *p, int64_t now)
{
	return now - p->heard_when > SILENT_HELLOS * b->config.hello_us;
}

// A Weft bridge that now speaks without its extension has lost its agent to something else; a stray
// message must not make it look so.
static bool accepts_plain(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (p->peer != RSTP_WEFT)
		return true;
	if (!is_silent(b, p, now))
		return false;
	p->is_subordinate = p->agreed = false;
	return true;
}

static bool is_newer(const struct bpdu_mark *a, const struct bpdu_mark *b)
{
	return a->session != b->session ? a->session > b->session : a->number > b->number;
}

bool promise_accepts(struct rstp *b, struct rstp_port *p, const struct bpdu *m, int64_t now)
{
	const struct bpdu_extension *x = &m->extension;

	if (!m->has_extension)
		return accepts_plain(b, p, now);
	if (!is_newer(&x->mark, &p->heard)) {
		// A bridge whose clock went back begins sessions that look old.
		if (x->mark.session == p->heard.session || !is_silent(b, p, now))
			return false;
		promise_new_session(b, p);
	}
	if (x->mark.session != p->heard.session || m->role == BPDU_DESIGNATED)
		p->is_subordinate = false;
	// One that began anew has forgotten what it said before.
	if (x->mark.session != p->heard.session && p->info == INFO_RECEIVED)
		information_age(p);
	p->heard = x->mark;
	p->heard_when = now;
	p->peer = RSTP_WEFT;
	if (x->echo.session != p->session) {
		transmit_soon(p, now);
		return false;
	}
	if (x->echo.number > p->answered) {
		p->answered = x->echo.number;
		p->answered_when = now;
	}
	return true;
}

void promise_designated(struct rstp_port *p)
{
	p->since = p->sent + 1;
	p->is_subordinate = false;
}

void promise_agreement(struct rstp_port *p, const struct bpdu *m)
{
	const uint64_t number = m->extension.echo.number;

	if (!m->agreement || p->role != RSTP_DESIGNATED || number < p->since || number > p->sent)
		return;
	p->is_subordinate = true;
	p->agreed_to = number > p->agreed_to ? number : p->agreed_to;
	if (p->agreed_to >= p->changed)
		p->low = p->last;
}

bool promise_run(struct rstp *b)
{
	const struct bpdu_vector *held = b->root_port < 0 ? NULL : &b->ports[b->root_port].priority;
	struct rstp_port *p;
	bool changed = false;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		if (p->role != RSTP_DESIGNATED || !promise_is_strict(p))
			continue;
		const bool agreed =
			p->is_subordinate && (!held || bpdu_vector_compare(held, &p->low) < 0);

		changed = changed || agreed != p->agreed;
		p->agreed = agreed;
		p->proposing = p->proposing && !agreed;
	}
	return changed;
}

static void put_mac(struct bpdu_extension *x, const struct bpdu_bridge_id *id)
{
	if (x->path_len == BPDU_PATH_MAX) {
		memmove(x->path[0], x->path[1], (BPDU_PATH_MAX - 1) * sizeof x->path[0]);
		x->path_len--;
	}
	memcpy(x->path[x->path_len++], id->bytes + 2, 6);
}

void promise_sent(const struct rstp *b, struct rstp_port *p, struct bpdu *m)
{
	struct bpdu_extension *x = &m->extension;

	m->has_extension = true;
	x->mark = (struct bpdu_mark){ p->session, ++p->sent };
	x->echo = p->heard;
	if (b->root_port >= 0) {
		const struct rstp_port *root = &b->ports[b->root_port];

		x->path_len = root->path_len;
		memcpy(x->path, root->path, sizeof x->path);
		if (!x->path_len)
			put_mac(x, &root->priority.bridge);
	}
	put_mac(x, &b->config.id);
	if (p->sent == p->since || bpdu_vector_compare(&m->vector, &p->last) != 0)
		p->changed = p->sent;
	if (p->sent <= p->since || bpdu_vector_compare(&m->vector, &p->low) < 0)
		p->low = m->vector;
	p->last = m->vector;
}

bool promise_is_looped(const struct rstp *b, const struct bpdu *m)
{
	for (unsigned i = 0; i < m->extension.path_len; i++)
		if (memcmp(m->extension.path[i], b->config.id.bytes + 2, 6) == 0)
			return true;
	return false;
}
