// Costs that follow what is measured.
#include "base/log.h"
#include "model/tree_cost.h"

#include "bridge/tree_inside.h"

void wire_configure_cost(struct wire *w, bool is_measuring, uint32_t configured)
{
	w->is_measuring = is_measuring;
	if (!is_measuring)
		cost_init(&w->cost, configured);
	else if (!w->cost.is_measured)
		w->cost.value = configured;
}

static void use_cost(struct wire *w)
{
	struct segment *s = w->segment;
	const unsigned port = (unsigned)(w - s->wires);
	struct rstp_port_view is;

	rstp_port_look(s->machine, port, &is);
	const struct rstp_port_config config = { .id = is.id, .cost = tree_cost(w->cost.value) };
	log_info("spanning tree: %s, to %s, costs %u: %.1f ms, %.1f %% lost", w->device, w->link,
		 w->cost.value, (double)w->cost.rtt_us / 1000, (double)w->cost.loss_ppm / 10000);
	rstp_port_set(s->machine, port, &config, tree_now_us());
	segment_act(s);
}

static bool measure(struct wire *w)
{
	const struct tree_config *config = &w->segment->tree->config;
	int64_t rtt_us;
	uint32_t loss_ppm;

	if (!w->is_used || !w->link[0] ||
	    !config->measure(config->context, w->link, &rtt_us, &loss_ppm))
		return false;
	w->rtt_us = rtt_us;
	if (!w->is_measuring || !cost_measure(&w->cost, rtt_us, loss_ppm, tree_now_us()))
		return false;
	use_cost(w);
	return true;
}

void costs_measure(struct tree *tree)
{
	bool any = false;

	for (struct segment *s = tree->segments; s; s = s->next)
		for (size_t i = 0; i < RSTP_PORTS_MAX; i++)
			any = measure(&s->wires[i]) || any;
	if (!any)
		return;
	// The next agent begins with these.
	saved_write(tree);
	tree_schedule(tree);
	tree->config.changed(tree->config.context);
}
