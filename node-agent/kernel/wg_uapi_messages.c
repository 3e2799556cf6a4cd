#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

#include "kernel/list.h"
#include "kernel/wg_messages.h"

static void add_hex(struct text *out, const char *name, const struct kernel_key *key)
{
	text_addf(out, "%s=", name);
	for (size_t i = 0; i < sizeof key->bytes; i++)
		text_addf(out, "%02x", key->bytes[i]);
	text_add(out, "\n");
}

static void format_peer(struct text *out, const struct kernel_peer_change *p)
{
	char address[KERNEL_ADDR_TEXT_SIZE];

	add_hex(out, "public_key", &p->public_key);
	if (p->remove) {
		text_add(out, "remove=true\n");
		return;
	}
	if (p->endpoint.ip.family) {
		kernel_endpoint_format(&p->endpoint, address);
		text_addf(out, "endpoint=%s\n", address);
	}
	if (p->set_keepalive)
		text_addf(out, "persistent_keepalive_interval=%u\n", p->keepalive);
	if (!p->set_allowed)
		return;
	text_add(out, "replace_allowed_ips=true\n");
	for (size_t i = 0; i < p->allowed_len; i++) {
		kernel_prefix_format(&p->allowed[i], address);
		text_addf(out, "allowed_ip=%s\n", address);
	}
}

void uapi_set_format(struct text *out, const struct kernel_wg_change *c)
{
	text_add(out, "set=1\n");
	if (c->private_key)
		add_hex(out, "private_key", c->private_key);
	if (c->port)
		text_addf(out, "listen_port=%u\n", *c->port);
	for (size_t i = 0; i < c->peers_len; i++)
		format_peer(out, &c->peers[i]);
	text_add(out, "\n");
}

static int parse_hex(const char *value, struct kernel_key *ret)
{
	struct kernel_key key;

	if (strlen(value) != 2 * sizeof key.bytes ||
	    !hex_read(value, 2 * sizeof key.bytes, key.bytes))
		return -EBADMSG;
	*ret = key;
	return 0;
}

static int parse_number(const char *value, uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	if (*value < '0' || *value > '9')
		return -EBADMSG;
	unsigned long long n = strtoull(value, &end, 10);
	if (errno || *end || n > max)
		return -EBADMSG;
	*ret = n;
	return 0;
}

static int parse_allowed(const char *value, struct kernel_peer *peer)
{
	struct kernel_prefix prefix;

	if (kernel_prefix_parse(value, &prefix, NULL) < 0)
		return -EBADMSG;
	struct kernel_prefix *p =
		list_add(&peer->allowed, &peer->allowed_len, sizeof *peer->allowed);
	if (!p)
		return -ENOMEM;
	*p = prefix;
	return 0;
}

// A zoned address ("[fe80::1%eth0]:51820") is that of a neighbour on some link; the zone is not
// kept.
static int parse_endpoint(char *value, struct kernel_endpoint *ret)
{
	char *zone = strchr(value, '%');
	char *end = zone ? strchr(zone, ']') : NULL;

	if (end)
		memmove(zone, end, strlen(end) + 1);
	return kernel_endpoint_parse(value, ret, NULL) < 0 ? -EBADMSG : 0;
}

static int parse_peer_line(const char *name, char *value, struct kernel_peer *peer)
{
	uint64_t n = 0;
	int rc = 0;

	if (strcmp(name, "endpoint") == 0)
		return parse_endpoint(value, &peer->endpoint);
	if (strcmp(name, "allowed_ip") == 0)
		return parse_allowed(value, peer);
	if (strcmp(name, "rx_bytes") == 0)
		return parse_number(value, UINT64_MAX, &peer->rx_bytes);
	if (strcmp(name, "tx_bytes") == 0)
		return parse_number(value, UINT64_MAX, &peer->tx_bytes);
	if (strcmp(name, "persistent_keepalive_interval") == 0) {
		rc = parse_number(value, UINT16_MAX, &n);
		peer->keepalive = (uint16_t)n;
	} else if (strcmp(name, "last_handshake_time_sec") == 0) {
		rc = parse_number(value, INT64_MAX, &n);
		peer->handshake = (int64_t)n;
	}
	return rc; // what is not known here is of no interest
}

static int parse_line(const char *name, char *value, struct kernel_wg *wg)
{
	uint64_t n = 0;
	int rc = 0;

	if (strcmp(name, "errno") == 0) {
		rc = parse_number(value, 4095, &n);
		return rc < 0 ? rc : -(int)n;
	}
	if (strcmp(name, "public_key") == 0) {
		struct kernel_peer *peer = list_add(&wg->peers, &wg->peers_len, sizeof *wg->peers);

		return peer ? parse_hex(value, &peer->public_key) : -ENOMEM;
	}
	if (wg->peers_len)
		return parse_peer_line(name, value, &wg->peers[wg->peers_len - 1]);
	if (strcmp(name, "private_key") == 0)
		return parse_hex(value, &wg->private_key);
	if (strcmp(name, "listen_port") == 0) {
		rc = parse_number(value, UINT16_MAX, &n);
		wg->port = (uint16_t)n;
	} else if (strcmp(name, "fwmark") == 0) {
		rc = parse_number(value, UINT32_MAX, &n);
		wg->fwmark = (uint32_t)n;
	}
	return rc;
}

int uapi_get_parse(char *answer, struct kernel_wg *wg)
{
	char *rest = NULL;

	for (char *line = strtok_r(answer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *equal = strchr(line, '=');

		if (!equal)
			return -EBADMSG;
		*equal = '\0';
		int rc = parse_line(line, equal + 1, wg);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int uapi_set_parse(const char *answer)
{
	uint64_t n = 0;
	char number[8] = "";

	// wireguard-go tells its own refusals as negative numbers, against the protocol's word.
	if ((sscanf(answer, "errno=%7[0-9]", number) != 1 &&
	     sscanf(answer, "errno=-%7[0-9]", number) != 1) ||
	    parse_number(number, 4095, &n) < 0)
		return -EBADMSG;
	return -(int)n;
}
