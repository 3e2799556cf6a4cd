// probe/<network>/<node>: a link that is to be measured, and probe-key/<network>/<node>: what its
// packets are authenticated by. The kernel knows nothing of them; they are handed on.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/limits.h"

#include "reconcile/body.h"
#include "reconcile/kind.h"

enum {
	INTERVAL_MIN_MS = 20,
	INTERVAL_MAX_MS = 60000,
	COUNT_MAX = 50,
	HOLD_DOWN_MAX_MS = 3600000,
	SLA_TIME_MAX_MS = 86400000,
	LIMIT_MAX = 2000000000,
};

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

// One number of many that are there or not.
struct number {
	const char *name;
	uint32_t min, max;
	uint32_t *to;
};

static int parse_numbers(const json_t *json, const struct number *numbers, size_t len, bool all,
			 struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		int rc = 0;

		if (all || body_has(json, numbers[i].name))
			rc = body_u32(json, numbers[i].name, numbers[i].min, numbers[i].max,
				      numbers[i].to, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int parse_sla(const json_t *json, struct reconcile_probe *p, struct err *err)
{
	const struct number times[] = {
		{ "for_ms", 0, SLA_TIME_MAX_MS, &p->for_ms },
		{ "clear_for_ms", 0, SLA_TIME_MAX_MS, &p->clear_for_ms },
	};
	const struct number limits[] = {
		{ "latency_us", 1, LIMIT_MAX, &p->latency.most },
		{ "latency_permille", 1, LIMIT_MAX, &p->latency.permille },
		{ "jitter_us", 1, LIMIT_MAX, &p->jitter.most },
		{ "jitter_permille", 1, LIMIT_MAX, &p->jitter.permille },
		{ "loss_ppm", 1, LIMIT_MAX, &p->loss.most },
		{ "loss_permille", 1, LIMIT_MAX, &p->loss.permille },
	};

	if (!json)
		return 0;
	int rc = parse_numbers(json, times, ARRAY_LEN(times), true, err);
	if (rc == 0)
		rc = parse_numbers(json, limits, ARRAY_LEN(limits), false, err);
	return rc < 0 ? err_prefix(err, "sla") : 0;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct probe *p = body;
	const struct number numbers[] = {
		{ "port", 1, 65535, &p->port },
		{ "interval_ms", INTERVAL_MIN_MS, INTERVAL_MAX_MS, &p->plain.interval_ms },
		{ "down", 1, COUNT_MAX, &p->plain.down },
		{ "up", 1, COUNT_MAX, &p->plain.up },
		{ "hold_down_ms", 0, HOLD_DOWN_MAX_MS, &p->plain.hold_down_ms },
	};

	int rc = body_device(json, "device", p->device, err);
	if (rc == 0)
		rc = parse_ends(json, p, err);
	if (rc == 0)
		rc = parse_numbers(json, numbers, ARRAY_LEN(numbers), true, err);
	return rc < 0 ? rc : parse_sla(json_object_get(json, "sla"), &p->plain, err);
}

// "probe/home/bob" -> "home/bob"
static const char *link_of(const struct entry *e)
{
	return strchr(e->key, '/') + 1;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	(void)f;
	return r->config.probing ? r->config.probing(r->config.context, link_of(e), err) : 0;
}

static int nothing_to_sweep(struct reconcile *r, struct err *err)
{
	(void)r;
	(void)err;
	return 0;
}

// What comes of it is observed as link/<network>/<node>, by who measures it.
static json_t *observe_nothing(struct reconcile *r, const struct entry *e)
{
	(void)r;
	(void)e;
	return NULL;
}

const struct entry_kind kind_probe = {
	.name = "probe",
	.rank = 95,
	.body_size = sizeof(struct probe),
	.parse = parse,
	.compare = compare,
	.sweep = nothing_to_sweep,
	.observe = observe_nothing,
};

// ---- the key ----

struct probe_key {
	uint8_t bytes[RECONCILE_PROBE_KEY_SIZE];
};

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int parse_key(const json_t *json, void *body, struct err *err)
{
	struct probe_key *key = body;
	const char *text;

	int rc = body_string(json, "key", &text, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; strlen(text) == 2 * sizeof key->bytes && i < sizeof key->bytes; i++) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			break;
		key->bytes[i] = (uint8_t)(high << 4 | low);
		if (i + 1 == sizeof key->bytes)
			return 0;
	}
	return err_set(err, -EINVAL, "key: 64 hexadecimal digits are missing");
}

static void done_key(void *body)
{
	explicit_bzero(body, sizeof(struct probe_key));
}

static int compare_nothing(struct reconcile *r, const struct entry *e, struct finding *f,
			   struct err *err)
{
	(void)r;
	(void)e;
	(void)f;
	(void)err;
	return 0;
}

const struct entry_kind kind_probe_key = {
	.name = "probe-key",
	.rank = 90,
	.body_size = sizeof(struct probe_key),
	.parse = parse_key,
	.done = done_key,
	.compare = compare_nothing,
	.sweep = nothing_to_sweep,
	.observe = observe_nothing,
};

void reconcile_each_probe(const struct reconcile *r, reconcile_probe_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_probe, &at));) {
		const struct probe *p = e->body;
		char name[WIRE_KEY_MAX + 8];

		(void)snprintf(name, sizeof name, "probe-key/%s", link_of(e));
		const struct entry *key = reconcile_entry(r, name);
		if (e->blocked_by || !key || !key->body)
			continue;
		struct reconcile_probe probe = p->plain;
		probe.link = link_of(e);
		probe.device = p->device;
		probe.local = p->local;
		probe.remote = p->remote;
		probe.port = (uint16_t)p->port;
		probe.key = ((const struct probe_key *)key->body)->bytes;
		each(context, &probe);
	}
}
