// Bridges and what they say as words, for tests of RSTP. Include cmocka before it.
#pragma once

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "steer/rstp.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

// Bridges are called by a digit, the machine under test is 5; the lower is the better root. Its
// ports have numbers 1..4 and cost 100.
static inline struct bpdu_bridge_id id_of(unsigned digit)
{
	return (struct bpdu_bridge_id){ { 0x80, 0, 2, 0, 0, 0, 0, (uint8_t)digit } };
}

static inline struct rstp *bridge(unsigned digit)
{
	const struct rstp_config config = { .id = id_of(digit),
					    .hello_us = SECOND,
					    .max_age_us = 10 * SECOND,
					    .forward_delay_us = 6 * SECOND,
					    .session = digit * 1000 };
	struct rstp *b = NULL;

	assert_int_equal(rstp_new(&config, &b, NULL), 0);
	for (unsigned port = 1; port <= 4; port++)
		rstp_port_set(b, port, &(struct rstp_port_config){ (uint16_t)(0x8000 | port), 100 },
			      0);
	return b;
}

// "rst D pf 1/0/1/7" (role, flags, root/cost/bridge/port), "config kt 1/0/1/7", "tcn". Flags: p
// proposal, a agreement, l learning, f forwarding, t topology change, k its acknowledgement, o too
// old.
static inline struct bpdu bpdu_of(const char *text)
{
	struct bpdu b = { .times = { 0, 10 * SECOND, SECOND, 6 * SECOND },
			  .role = BPDU_DESIGNATED };
	char type[8] = "", role[8] = "D", flags[8] = "-";
	unsigned root = 0, cost = 0, sender = 0, port = 0;
	const bool is_rst = strncmp(text, "rst", 3) == 0;

	if (is_rst)
		assert_int_equal(sscanf(text, "%7s %7s %7s %u/%u/%u/%u", type, role, flags, &root,
					&cost, &sender, &port),
				 7);
	else if (strcmp(text, "tcn") != 0)
		assert_int_equal(sscanf(text, "%7s %7s %u/%u/%u/%u", type, flags, &root, &cost,
					&sender, &port),
				 6);
	b.type = is_rst ? BPDU_RST : *type ? BPDU_CONFIG : BPDU_TCN;
	if (*role != 'D')
		b.role = *role == 'R' ? BPDU_ROOT : BPDU_ALTERNATE_OR_BACKUP;
	b.proposal = strchr(flags, 'p');
	b.agreement = strchr(flags, 'a');
	b.learning = strchr(flags, 'l') || strchr(flags, 'f');
	b.forwarding = strchr(flags, 'f');
	b.topology_change = strchr(flags, 't');
	b.topology_change_ack = strchr(flags, 'k');
	if (strchr(flags, 'o'))
		b.times.message_age = 9 * SECOND + SECOND / 2;
	b.vector =
		(struct bpdu_vector){ id_of(root), cost, id_of(sender), (uint16_t)(0x8000 | port) };
	return b;
}

static inline void add_bpdu(struct text *out, const struct bpdu *b)
{
	static const char *const roles[] = { "?", "A", "R", "D" };

	if (b->type == BPDU_TCN) {
		text_add(out, "tcn");
		return;
	}
	text_add(out, b->type == BPDU_RST ? "rst " : "config ");
	if (b->type == BPDU_RST)
		text_addf(out, "%s ", roles[b->role]);
	text_addf(out, "%s%s%s%s%s%s ", b->proposal ? "p" : "", b->agreement ? "a" : "",
		  b->forwarding ? "f"
		  : b->learning ? "l"
				: "",
		  b->topology_change ? "t" : "", b->topology_change_ack ? "k" : "", "-");
	text_addf(out, "%u/%u/%u/%u", b->vector.root.bytes[7], b->vector.cost,
		  b->vector.bridge.bytes[7], b->vector.port & 0xfffu);
}

// All that the machine wants done: "1 forwarding; 2 flush; 1> rst R af- 1/100/5/1".
static inline void drain(struct rstp *b, struct text *out)
{
	struct rstp_action a;

	while (rstp_take(b, &a)) {
		if (out->len)
			text_add(out, "; ");
		if (a.kind == RSTP_SEND) {
			text_addf(out, "%u> ", a.port);
			add_bpdu(out, &a.bpdu);
		} else {
			text_addf(out, "%u %s", a.port,
				  a.kind == RSTP_FLUSH ? "flush" : rstp_state_name(a.state));
		}
	}
}
