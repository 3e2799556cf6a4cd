#include "cli/wg_quick.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#include "cli/pin.h"

const char *const wg_extra_names[WG_EXTRA_COUNT] = {
	[WG_EXTRA_DNS] = "DNS",
	[WG_EXTRA_MTU] = "MTU",
	[WG_EXTRA_TABLE] = "Table",
	[WG_EXTRA_FWMARK] = "FwMark",
	[WG_EXTRA_PRE_UP] = "PreUp",
	[WG_EXTRA_POST_UP] = "PostUp",
	[WG_EXTRA_PRE_DOWN] = "PreDown",
	[WG_EXTRA_POST_DOWN] = "PostDown",
	[WG_EXTRA_SAVE_CONFIG] = "SaveConfig",
};

enum section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

struct parser {
	struct wg_quick *q;
	enum section section;
	size_t line;
	char *label;         // of a comment not yet taken by a peer
	bool label_is_fresh; // it stands right before [Peer] or in it
	struct err *err;
};

void wg_quick_free(struct wg_quick *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->n_peers; i++) {
		free(q->peers[i].label);
		free(q->peers[i].allowed.items);
	}
	explicit_bzero(q->private_key, sizeof(q->private_key));
	free(q->peers);
	free(q->addresses.items);
	free(q);
}

static int bad(const struct parser *p, const char *what)
{
	return err_set(p->err, -EINVAL, "line %zu: %s", p->line, what);
}

static struct wg_peer *last_peer(const struct parser *p)
{
	return &p->q->peers[p->q->n_peers - 1];
}

static int parse_number(const struct parser *p, const char *value, uint32_t max, uint32_t *ret)
{
	uint32_t n = 0;
	for (const char *c = value; *c; c++) {
		if (*c < '0' || *c > '9' || (n = n * 10 + (uint32_t)(*c - '0')) > max)
			return bad(p, "the number is not valid");
	}
	if (!*value)
		return bad(p, "a number is missing");
	*ret = n;
	return 0;
}

// Comma separated prefixes, in place of `value`; host bits stay.
static int parse_prefixes(const struct parser *p, char *value, struct wg_prefixes *into)
{
	char *rest = NULL;
	for (char *one = strtok_r(value, ", \t", &rest); one; one = strtok_r(NULL, ", \t", &rest)) {
		struct prefix prefix;
		struct err why = { 0 };
		if (prefix_parse_host(one, &prefix, &why))
			return err_set(p->err, -EINVAL, "line %zu: %s", p->line, why.text);
		struct prefix *items = realloc(into->items, (into->len + 1) * sizeof(*items));
		if (!items)
			return err_set(p->err, -ENOMEM, "out of memory");
		into->items = items;
		into->items[into->len++] = prefix;
	}
	return 0;
}

static int parse_endpoint(const struct parser *p, const char *value, struct endpoint *ret)
{
	struct err why = { 0 };
	struct endpoint endpoint;
	if (endpoint_parse(value, &endpoint, &why))
		return err_set(p->err, -EINVAL, "line %zu: %s", p->line, why.text);
	*ret = endpoint;
	return 0;
}

static int take_private_key(struct parser *p, const char *value)
{
	if (!wireguard_key_is_valid(value))
		return bad(p, "PrivateKey is not a key of 32 bytes in base64");
	(void)snprintf(p->q->private_key, sizeof(p->q->private_key), "%s", value);
	return 0;
}

static int take_interface(struct parser *p, const char *key, char *value)
{
	uint32_t number;
	if (strcasecmp(key, "PrivateKey") == 0)
		return take_private_key(p, value);
	if (strcasecmp(key, "Address") == 0)
		return parse_prefixes(p, value, &p->q->addresses);
	if (strcasecmp(key, "ListenPort") == 0) {
		int r = parse_number(p, value, 65535, &number);
		if (!r)
			p->q->listen_port = (uint16_t)number;
		return r;
	}
	for (size_t i = 0; i < WG_EXTRA_COUNT; i++) {
		if (strcasecmp(key, wg_extra_names[i]) == 0) {
			p->q->extras[i]++;
			return 0;
		}
	}
	return bad(p, "unknown key in [Interface]");
}

static int take_peer(struct parser *p, const char *key, char *value)
{
	struct wg_peer *peer = last_peer(p);
	if (strcasecmp(key, "PublicKey") == 0) {
		if (!wireguard_key_is_valid(value))
			return bad(p, "PublicKey is not a key of 32 bytes in base64");
		(void)snprintf(peer->public_key, sizeof(peer->public_key), "%s", value);
		return 0;
	}
	if (strcasecmp(key, "PresharedKey") == 0) {
		peer->has_preshared_key = true;
		return 0;
	}
	if (strcasecmp(key, "AllowedIPs") == 0)
		return parse_prefixes(p, value, &peer->allowed);
	if (strcasecmp(key, "Endpoint") == 0)
		return parse_endpoint(p, value, &peer->endpoint);
	if (strcasecmp(key, "PersistentKeepalive") == 0)
		return strcasecmp(value, "off") == 0
			       ? 0
			       : parse_number(p, value, 65535, &peer->keepalive);
	return bad(p, "unknown key in [Peer]");
}

static char *trim(char *s)
{
	s += strspn(s, " \t\r");
	size_t len = strlen(s);
	while (len > 0 && strchr(" \t\r", s[len - 1]))
		s[--len] = '\0';
	return s;
}

// "# Name = bob", "# friendly_name = bob" or "# bob": a peer's name as people write it, if it is
// one word or short.
static void take_comment(struct parser *p, char *comment)
{
	comment = trim(comment + strspn(comment, "#"));
	char *equals = strchr(comment, '=');
	if (equals) {
		char *value = trim(equals + 1);
		*equals = '\0';
		char *key = trim(comment);
		if (strcasecmp(key, "Name") != 0 && strcasecmp(key, "friendly_name") != 0)
			return;
		comment = value;
	}
	if (!*comment || strlen(comment) > 40)
		return;
	// Below [Peer] it names that peer, unless one is named already and this one stands before
	// the next.
	if (p->section == SECTION_PEER && !last_peer(p)->label && !last_peer(p)->public_key[0]) {
		last_peer(p)->label = strdup(comment);
		return;
	}
	free(p->label);
	p->label = strdup(comment);
	p->label_is_fresh = true;
}

static int begin_section(struct parser *p, const char *name)
{
	if (strcasecmp(name, "[Interface]") == 0) {
		p->section = SECTION_INTERFACE;
		return 0;
	}
	if (strcasecmp(name, "[Peer]") != 0)
		return bad(p, "unknown section, only [Interface] and [Peer] are known");
	if (p->q->n_peers >= WG_QUICK_PEERS_MAX)
		return err_set(p->err, -EFBIG, "line %zu: more than %d peers", p->line,
			       WG_QUICK_PEERS_MAX);
	struct wg_peer *peers = realloc(p->q->peers, (p->q->n_peers + 1) * sizeof(*peers));
	if (!peers)
		return err_set(p->err, -ENOMEM, "out of memory");
	p->q->peers = peers;
	peers[p->q->n_peers++] = (struct wg_peer){ 0 };
	p->section = SECTION_PEER;
	if (p->label_is_fresh)
		last_peer(p)->label = take_ptr(&p->label);
	return 0;
}

static int take_line(struct parser *p, char *line)
{
	char *comment = strchr(line, '#');
	if (comment) {
		bool is_whole = line[strspn(line, " \t")] == '#';
		if (is_whole) {
			take_comment(p, comment);
			return 0;
		}
		*comment = '\0';
	}
	line = trim(line);
	if (!*line) {
		p->label_is_fresh = false;
		return 0;
	}
	int r;
	char *equals = strchr(line, '=');
	if (*line == '[') {
		r = begin_section(p, line);
	} else if (!equals) {
		r = bad(p, "neither a section nor KEY = VALUE");
	} else {
		*equals = '\0';
		char *key = trim(line);
		char *value = trim(equals + 1);
		r = p->section == SECTION_NONE        ? bad(p, "it stands before any section")
		    : p->section == SECTION_INTERFACE ? take_interface(p, key, value)
						      : take_peer(p, key, value);
	}
	p->label_is_fresh = false;
	return r;
}

static int check_whole(const struct parser *p)
{
	for (size_t i = 0; i < p->q->n_peers; i++) {
		if (!p->q->peers[i].public_key[0])
			return err_set(p->err, -EINVAL, "peer %zu has no PublicKey", i + 1);
	}
	if (!p->q->private_key[0] && p->q->n_peers == 0)
		return err_set(p->err, -EINVAL, "there is neither a PrivateKey nor a [Peer] in it");
	return 0;
}

static int take_lines(struct parser *p, char *copy)
{
	int r = 0;
	for (char *line = copy; line && !r;) {
		char *next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		p->line++;
		r = take_line(p, line);
		line = next;
	}
	return r ? r : check_whole(p);
}

int wg_quick_parse(const char *data, size_t len, struct wg_quick **ret, struct err *err)
{
	if (len > WG_QUICK_BYTES_MAX)
		return err_set(err, -EFBIG, "it is larger than %d bytes", WG_QUICK_BYTES_MAX);
	if (memchr(data, '\0', len))
		return err_set(err, -EINVAL, "it contains a NUL byte");
	CLEAN(wg_quick_free_ptr) struct wg_quick *q = calloc(1, sizeof(*q));
	char *copy = strndup(data, len);
	if (!q || !copy) {
		free(copy);
		return err_set(err, -ENOMEM, "out of memory");
	}
	struct parser p = { .q = q, .err = err };
	int r = take_lines(&p, copy);
	// The copy holds the private key.
	explicit_bzero(copy, len);
	free(copy);
	free(p.label);
	if (r)
		return r;
	*ret = take_ptr(&q);
	return 0;
}
