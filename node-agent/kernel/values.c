#include "kernel/values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kernel_counter_names[KERNEL_COUNTERS] = {
	[KERNEL_COUNTER_SPOOF_IN] = "spoof_in",     [KERNEL_COUNTER_SPOOF_OUT] = "spoof_out",
	[KERNEL_COUNTER_VXLAN_IN] = "vxlan_in",     [KERNEL_COUNTER_VXLAN_OUT] = "vxlan_out",
	[KERNEL_COUNTER_OVERLAY_IN] = "overlay_in",
};

static unsigned ip_bits(const struct kernel_ip *ip)
{
	return ip->family == AF_INET ? 32 : 128;
}

int kernel_ip_parse(const char *text, struct kernel_ip *ret, struct err *err)
{
	struct kernel_ip ip = { 0 };

	if (inet_pton(AF_INET, text, ip.bytes) == 1)
		ip.family = AF_INET;
	else if (inet_pton(AF_INET6, text, ip.bytes) == 1)
		ip.family = AF_INET6;
	else
		return err_set(err, -EINVAL, "`%s` is not an IPv4 or IPv6 address", text);
	*ret = ip;
	return 0;
}

void kernel_ip_format(const struct kernel_ip *ip, char ret[KERNEL_ADDR_TEXT_SIZE])
{
	if (!ip->family || !inet_ntop(ip->family, ip->bytes, ret, KERNEL_ADDR_TEXT_SIZE))
		(void)snprintf(ret, KERNEL_ADDR_TEXT_SIZE, "none");
}

bool kernel_ip_equal(const struct kernel_ip *a, const struct kernel_ip *b)
{
	return a->family == b->family &&
	       (!a->family || memcmp(a->bytes, b->bytes, ip_bits(a) / 8) == 0);
}

// A decimal number without sign or space, at most `max`.
static int number_parse(const char *text, unsigned max, unsigned *ret)
{
	unsigned n = 0;

	if (!*text)
		return -EINVAL;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(*p - '0');
		if (n > max)
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

int kernel_prefix_parse(const char *text, struct kernel_prefix *ret, struct err *err)
{
	struct kernel_prefix p = { 0 };
	char ip[KERNEL_ADDR_TEXT_SIZE];
	unsigned len = 0;

	if (snprintf(ip, sizeof ip, "%s", text) >= (int)sizeof ip)
		return err_set(err, -EINVAL, "`%.60s…` is not a prefix", text);
	char *slash = strchr(ip, '/');
	if (slash)
		*slash = '\0';
	int rc = kernel_ip_parse(ip, &p.ip, err);
	if (rc < 0)
		return rc;
	len = ip_bits(&p.ip);
	if (slash && number_parse(slash + 1, len, &len) < 0)
		return err_set(err, -EINVAL, "`%s` is not a prefix: its length is not in 0..%u",
			       text, ip_bits(&p.ip));
	p.len = (uint8_t)len;
	*ret = p;
	return 0;
}

void kernel_prefix_format(const struct kernel_prefix *p, char ret[KERNEL_ADDR_TEXT_SIZE])
{
	char ip[KERNEL_ADDR_TEXT_SIZE];

	kernel_ip_format(&p->ip, ip);
	(void)snprintf(ret, KERNEL_ADDR_TEXT_SIZE, "%.50s/%u", ip, p->len);
}

bool kernel_prefix_equal(const struct kernel_prefix *a, const struct kernel_prefix *b)
{
	return a->len == b->len && kernel_ip_equal(&a->ip, &b->ip);
}

bool kernel_prefix_within(const struct kernel_prefix *a, const struct kernel_prefix *b)
{
	const unsigned whole = b->len / 8, rest = b->len % 8;

	if (a->ip.family != b->ip.family || a->len < b->len ||
	    memcmp(a->ip.bytes, b->ip.bytes, whole) != 0)
		return false;
	return rest == 0 || (a->ip.bytes[whole] ^ b->ip.bytes[whole]) >> (8 - rest) == 0;
}

int kernel_endpoint_parse(const char *text, struct kernel_endpoint *ret, struct err *err)
{
	struct kernel_endpoint e = { 0 };
	char host[256];
	unsigned port = 0;

	if (snprintf(host, sizeof host, "%s", text) >= (int)sizeof host)
		return err_set(err, -EINVAL, "`%.60s…` is too long for an endpoint", text);
	char *colon = strrchr(host, ':');
	if (!colon || colon == host || number_parse(colon + 1, 65535, &port) < 0 || port == 0)
		return err_set(err, -EINVAL, "`%s` is not an endpoint like host:port", text);
	*colon = '\0';
	char *ip = host;
	if (*host == '[') {
		if (colon[-1] != ']')
			return err_set(err, -EINVAL, "`%s` lacks a `]`", text);
		colon[-1] = '\0';
		ip = host + 1;
	}
	e.port = (uint16_t)port;
	if (kernel_ip_parse(ip, &e.ip, NULL) < 0)
		return err_set(err, -EDESTADDRREQ, "the name `%s` is not resolved yet", host);
	if ((e.ip.family == AF_INET6) != (ip != host))
		return err_set(err, -EINVAL, "`%s`: brackets belong around IPv6 and nothing else",
			       text);
	*ret = e;
	return 0;
}

void kernel_endpoint_format(const struct kernel_endpoint *e, char ret[KERNEL_ADDR_TEXT_SIZE])
{
	char ip[KERNEL_ADDR_TEXT_SIZE];

	kernel_ip_format(&e->ip, ip);
	(void)snprintf(ret, KERNEL_ADDR_TEXT_SIZE,
		       e->ip.family == AF_INET6 ? "[%.50s]:%u" : "%.50s:%u", ip, e->port);
}

bool kernel_endpoint_equal(const struct kernel_endpoint *a, const struct kernel_endpoint *b)
{
	return kernel_ip_equal(&a->ip, &b->ip) && (!a->ip.family || a->port == b->port);
}

int kernel_mac_parse(const char *text, uint8_t ret[6], struct err *err)
{
	unsigned b[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    end != KERNEL_MAC_TEXT_SIZE - 1 || text[end])
		return err_set(err, -EINVAL, "`%s` is not a MAC address like 02:00:00:00:00:01",
			       text);
	for (int i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
	return 0;
}

void kernel_mac_format(const uint8_t mac[6], char ret[KERNEL_MAC_TEXT_SIZE])
{
	(void)snprintf(ret, KERNEL_MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		       mac[2], mac[3], mac[4], mac[5]);
}

void kernel_bridge_id_format(const uint8_t id[8], char ret[KERNEL_BRIDGE_ID_SIZE])
{
	(void)snprintf(ret, KERNEL_BRIDGE_ID_SIZE, "%02x%02x.%02x%02x%02x%02x%02x%02x", id[0],
		       id[1], id[2], id[3], id[4], id[5], id[6], id[7]);
}

const char *kernel_port_state_name(uint8_t state)
{
	static const char *const names[] = { "disabled", "listening", "learning", "forwarding",
					     "blocking" };

	return state < sizeof names / sizeof *names ? names[state] : "disabled";
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int kernel_key_parse(const char *text, struct kernel_key *ret, struct err *err)
{
	uint8_t out[33] = { 0 };
	uint32_t bits = 0;
	size_t n = 0;

	// The sentence must not repeat the text: it may be a private key.
	if (strlen(text) != KERNEL_KEY_TEXT_SIZE - 1 || text[KERNEL_KEY_TEXT_SIZE - 2] != '=')
		return err_set(err, -EINVAL, "a WireGuard key has 44 base64 characters");
	for (size_t i = 0; i < KERNEL_KEY_TEXT_SIZE - 1; i++) {
		const char *digit = strchr(base64_digits, text[i]);
		uint32_t value = digit ? (uint32_t)(digit - base64_digits) : 0;

		if (!digit && i != KERNEL_KEY_TEXT_SIZE - 2)
			return err_set(err, -EINVAL, "a WireGuard key is base64");
		bits = bits << 6 | value;
		if (i % 4 == 3) {
			out[n++] = (uint8_t)(bits >> 16);
			out[n++] = (uint8_t)(bits >> 8);
			out[n++] = (uint8_t)bits;
		}
	}
	if (out[32])
		return err_set(err, -EINVAL, "a WireGuard key has 32 bytes");
	memcpy(ret->bytes, out, sizeof ret->bytes);
	return 0;
}

void kernel_key_format(const struct kernel_key *key, char ret[KERNEL_KEY_TEXT_SIZE])
{
	uint8_t in[33] = { 0 };
	char *p = ret;

	memcpy(in, key->bytes, sizeof key->bytes);
	for (size_t i = 0; i < sizeof in; i += 3) {
		uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*p++ = base64_digits[bits >> shift & 63];
	}
	ret[KERNEL_KEY_TEXT_SIZE - 2] = '=';
	ret[KERNEL_KEY_TEXT_SIZE - 1] = '\0';
}

bool kernel_rule_equal(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return a->family == b->family && a->action == b->action && a->priority == b->priority &&
	       a->mark == b->mark && a->mask == b->mask && a->table == b->table &&
	       a->is_suppressing == b->is_suppressing && a->suppress == b->suppress &&
	       kernel_prefix_equal(&a->from, &b->from) && kernel_prefix_equal(&a->to, &b->to) &&
	       strcmp(a->from_device, b->from_device) == 0 &&
	       strcmp(a->bound_device, b->bound_device) == 0;
}

void kernel_policy_done(struct kernel_policy *p)
{
	free(p->chains);
	free(p->counters);
	free(p->sets);
	*p = (struct kernel_policy){ 0 };
}

void kernel_peer_done(struct kernel_peer *p)
{
	free(p->allowed);
	p->allowed = NULL;
	p->allowed_len = 0;
}

void kernel_wg_done(struct kernel_wg *wg)
{
	for (size_t i = 0; i < wg->peers_len; i++)
		kernel_peer_done(&wg->peers[i]);
	free(wg->peers);
	explicit_bzero(&wg->private_key, sizeof wg->private_key);
	wg->peers = NULL;
	wg->peers_len = 0;
}

void kernel_snapshot_done(struct kernel_snapshot *s)
{
	for (size_t i = 0; i < s->wgs_len; i++)
		kernel_wg_done(&s->wgs[i]);
	free(s->wgs);
	free(s->links);
	free(s->addresses);
	free(s->routes);
	free(s->rules);
	*s = (struct kernel_snapshot){ 0 };
}

const struct kernel_link *kernel_snapshot_link(const struct kernel_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->links_len; i++)
		if (strcmp(s->links[i].name, name) == 0)
			return &s->links[i];
	return NULL;
}

const struct kernel_wg *kernel_snapshot_wg(const struct kernel_snapshot *s, const char *device)
{
	for (size_t i = 0; i < s->wgs_len; i++)
		if (strcmp(s->wgs[i].device, device) == 0)
			return &s->wgs[i];
	return NULL;
}

const struct kernel_peer *kernel_wg_peer(const struct kernel_wg *wg, const struct kernel_key *key)
{
	for (size_t i = 0; i < wg->peers_len; i++)
		if (memcmp(&wg->peers[i].public_key, key, sizeof *key) == 0)
			return &wg->peers[i];
	return NULL;
}
