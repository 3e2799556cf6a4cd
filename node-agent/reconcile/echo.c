// echo/<link>: an external link, an interface that Weft did not make and only watches, by echoes of
// a target beyond it. It stands whether or not the interface is there: that is what it tells.
#include "reconcile/body.h"
#include "reconcile/judging.h"

struct echo {
	char device[IFNAMSIZ];
	char target[KERNEL_ADDR_TEXT_SIZE];
	uint32_t udp_port;
	struct reconcile_probe plain; // without what is borrowed
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct echo *echo = body;
	struct kernel_ip target;

	int rc = body_foreign_device(json, "device", echo->device, err);
	if (rc == 0)
		rc = body_ip(json, "target", &target, err);
	if (rc == 0)
		kernel_ip_format(&target, echo->target);
	if (rc == 0 && body_has(json, "udp_port"))
		rc = body_u32(json, "udp_port", 1, 65535, &echo->udp_port, err);
	return rc < 0 ? rc : judging_parse(json, &echo->plain, err);
}

const struct entry_kind kind_echo = {
	.name = "echo",
	.rank = 95,
	.body_size = sizeof(struct echo),
	.parse = parse,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};

void echo_each(const struct reconcile *r, reconcile_probe_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_echo, &at));) {
		const struct echo *echo = e->body;
		struct reconcile_probe probe = echo->plain;

		probe.link = judging_link(e);
		probe.device = echo->device;
		probe.remote = echo->target;
		probe.port = (uint16_t)echo->udp_port;
		if (!e->blocked_by)
			each(context, &probe);
	}
}

void echo_each_traffic(const struct reconcile *r, reconcile_traffic_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_echo, &at));) {
		const struct echo *echo = e->body;
		const struct kernel_link *link = kernel_snapshot_link(&r->seen, echo->device);

		if (link)
			each(context, judging_link(e), link->stats.rx_bytes, link->stats.tx_bytes);
	}
}
