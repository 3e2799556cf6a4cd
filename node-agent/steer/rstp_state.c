// Port state transition (17.30). The states are set by whoever takes the actions, at once and in
// order, so `learning` and `forwarding` are `learn` and `forward`.
#include "steer/rstp_inside.h"

enum rstp_state state_of(const struct rstp_port *p)
{
	if (p->forward)
		return RSTP_FORWARDING;
	return p->learn ? RSTP_LEARNING : RSTP_DISCARDING;
}

static bool take_change(struct rstp *b, bool is_closing, struct rstp_action *ret)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		const enum rstp_state state = state_of(p);

		if (p->told == state || (state < p->told) != is_closing)
			continue;
		p->told = state;
		*ret = (struct rstp_action){ RSTP_SET_STATE, .port = i - 1, .state = state };
		return true;
	}
	return false;
}

static bool take_flush(struct rstp *b, struct rstp_action *ret)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		if (!p->flush)
			continue;
		p->flush = false;
		*ret = (struct rstp_action){ RSTP_FLUSH, .port = i - 1 };
		return true;
	}
	return false;
}

bool state_take(struct rstp *b, struct rstp_action *ret)
{
	return take_change(b, true, ret) || take_flush(b, ret) || take_change(b, false, ret);
}
