// Ends that are silent: is it the link, the host, or only its agent?
//
// A host whose agent is dead or stopped still forwards, and its ports are as the others last heard.
// So before a silent end is given up its kernel is asked, by an echo through the same tunnel.
// Bridges that hold on to it are as safe as before (rstp_promise.c); those that go elsewhere may.
#include <string.h>

#include "bridge/tree_inside.h"
#include "probe/icmp.h"

enum { LOOK_MS = 400, ECHO_SIZE = 96, LOOKS_A_MEASUREMENT = 5 };
enum { PATIENCE_MS = 150, PATIENCE_LEAST_MS = 40 };

static unsigned port_of(const struct wire *w)
{
	return (unsigned)(w - w->segment->wires);
}

static void on_echo(void *context, int status, int64_t rtt_us)
{
	struct wire *w = context;

	(void)rtt_us;
	w->is_asked = false;
	if (status == 0)
		rstp_vouch(w->segment->machine, port_of(w), tree_now_us());
	if (!w->is_doubted || (status != 0) == w->is_link_down)
		return;
	w->is_link_down = status != 0;
	tree_look(w->segment->tree);
}

// Two round trips where they are known: a link that fell silent is not to be waited for longer.
static unsigned patience_ms(const struct wire *w)
{
	return w->rtt_us > 0 ? PATIENCE_LEAST_MS + (unsigned)(w->rtt_us / 500) : PATIENCE_MS;
}

static void ask(struct wire *w)
{
	const struct icmp_question question = { .to = w->address,
						.device = w->under,
						.size = ECHO_SIZE,
						.timeout_ms = patience_ms(w) };

	if (w->is_asked || !w->address[0])
		return;
	w->is_asked = icmp_ask(w->segment->tree->config.icmp, &question, on_echo, w, NULL) == 0;
}

static bool is_silent(const struct wire *w)
{
	struct rstp_port_view view;

	rstp_port_look(w->segment->machine, port_of(w), &view);
	return view.is_up && view.peer == RSTP_WEFT &&
	       tree_now_us() - view.heard_us > w->segment->config.hello_us * 3 / 2;
}

static void on_look(uv_timer_t *timer)
{
	struct tree *tree = timer->data;

	for (struct segment *s = tree->segments; s; s = s->next)
		for (size_t i = 0; i < RSTP_PORTS_MAX; i++) {
			struct wire *w = &s->wires[i];

			if (w->is_used && (w->is_doubted || is_silent(w)))
				ask(w);
		}
	if (++tree->looks % LOOKS_A_MEASUREMENT == 0)
		costs_measure(tree);
}

void doubts_start(struct tree *tree)
{
	(void)uv_timer_init(tree->config.loop, &tree->doubts);
	tree->doubts.data = tree;
	(void)uv_timer_start(&tree->doubts, on_look, LOOK_MS, LOOK_MS);
}

void wire_doubt(struct wire *w, bool is_doubted)
{
	w->is_doubted = is_doubted;
	if (is_doubted)
		ask(w);
	else
		w->is_link_down = false;
}

void wire_forget(struct wire *w)
{
	if (w->is_asked)
		icmp_forget(w->segment->tree->config.icmp, w);
	w->is_asked = false;
}
