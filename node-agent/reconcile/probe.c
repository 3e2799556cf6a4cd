// probe/<network>/<node>: a link that is to be measured. The kernel knows nothing of it; it is
// handed on.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/limits.h"

#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/kind.h"

struct probe {
	char device[IFNAMSIZ];
	char local[KERNEL_ADDR_TEXT_SIZE], remote[KERNEL_ADDR_TEXT_SIZE];
	uint32_t port;
	struct reconcile_probe plain; // without what is borrowed
};

static int parse_ends(const json_t *json, struct probe *p, struct err *err)
{
	struct kernel_ip local, remote;

	int rc = body_ip(json, "local", &local, err);
	if (rc == 0)
		rc = body_ip(json, "remote", &remote, err);
	if (rc < 0)
		return rc;
	if (local.family != remote.family)
		return err_set(err, -EINVAL, "local and remote are of two address families");
	kernel_ip_format(&local, p->local);
	kernel_ip_format(&remote, p->remote);
	return 0;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct probe *p = body;

	int rc = body_device(json, "device", p->device, err);
	if (rc == 0)
		rc = parse_ends(json, p, err);
	if (rc == 0)
		rc = body_u32(json, "port", 1, 65535, &p->port, err);
	return rc < 0 ? rc : judging_parse(json, &p->plain, err);
}

const struct entry_kind kind_probe = {
	.name = "probe",
	.rank = 95,
	.body_size = sizeof(struct probe),
	.parse = parse,
	.compare = judging_compare,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};

uint32_t probe_interval_ms(const struct reconcile *r, const char *link)
{
	char key[WIRE_KEY_MAX + 8];

	(void)snprintf(key, sizeof key, "probe/%s", link);
	const struct entry *e = reconcile_entry(r, key);
	return e && e->body ? ((const struct probe *)e->body)->plain.interval_ms : 0;
}

void probe_each(const struct reconcile *r, reconcile_probe_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_probe, &at));) {
		const struct probe *p = e->body;
		const uint8_t *key = key_of(r, &kind_probe_key, e);

		if (e->blocked_by || !key)
			continue;
		struct reconcile_probe probe = p->plain;
		probe.link = judging_link(e);
		probe.device = p->device;
		probe.local = p->local;
		probe.remote = p->remote;
		probe.port = (uint16_t)p->port;
		probe.key = key;
		each(context, &probe);
	}
}
