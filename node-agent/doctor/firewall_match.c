#include "doctor/firewall_match.h"

#include <stdbool.h>
#include <string.h>

// What is known of one property of the packet.
struct property {
	bool is_known;
	bool is_absent; // the packet has no such field: no comparison with it matches
	const char *word;
	long number; // -1: none
};

static const struct property unknown = { .number = -1 };

static struct property word(const char *w)
{
	return (struct property){ .is_known = true, .word = w, .number = -1 };
}

static struct property absent(void)
{
	return (struct property){ .is_known = true, .is_absent = true, .number = -1 };
}

static const struct property protocol = { .is_known = true, .word = "udp", .number = 17 };

static struct property meta(const char *key, enum walk_hook hook, const struct walk_packet *p)
{
	if (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0)
		return word(p->in);
	if (strcmp(key, "oifname") == 0 || strcmp(key, "oif") == 0)
		return hook == WALK_FORWARD ? word(p->out) : absent();
	if (strcmp(key, "l4proto") == 0)
		return protocol;
	if (strcmp(key, "nfproto") == 0)
		return word(p->family == 4 ? "ipv4" : "ipv6");
	if (strcmp(key, "protocol") == 0)
		return word(p->family == 4 ? "ip" : "ip6");
	return unknown;
}

static struct property payload(const char *header, const char *field, const struct walk_packet *p)
{
	const char *own = p->family == 4 ? "ip" : "ip6";

	if (strcmp(header, "ip") == 0 || strcmp(header, "ip6") == 0) {
		if (strcmp(header, own) != 0)
			return absent();
		const bool is_next =
			strcmp(field, "protocol") == 0 || strcmp(field, "nexthdr") == 0;
		return is_next ? protocol : unknown;
	}
	if (strcmp(header, "udp") == 0 || strcmp(header, "th") == 0) {
		if (strcmp(field, "dport") == 0)
			return (struct property){ .is_known = true, .number = (long)p->port };
		return unknown;
	}
	return absent();
}

static struct property property_of(const json_t *left, enum walk_hook hook,
				   const struct walk_packet *p)
{
	const json_t *what;

	if ((what = json_object_get(left, "meta")))
		return meta(json_string_value(json_object_get(what, "key")), hook, p);
	if ((what = json_object_get(left, "payload"))) {
		const char *header = json_string_value(json_object_get(what, "protocol"));
		const char *field = json_string_value(json_object_get(what, "field"));
		return header && field ? payload(header, field, p) : unknown;
	}
	if ((what = json_object_get(left, "ct"))) {
		const char *key = json_string_value(json_object_get(what, "key"));
		if (key && strcmp(key, "state") == 0)
			return word("new");
		// Nobody redirects what is meant for this host's own ports, or passes through.
		return key && strcmp(key, "status") == 0 ? word("untranslated") : unknown;
	}
	// A packet that comes in is for an address of this host.
	if ((what = json_object_get(left, "fib"))) {
		const char *result = json_string_value(json_object_get(what, "result"));
		return hook == WALK_INPUT && result && strcmp(result, "type") == 0 ? word("local")
										   : unknown;
	}
	return unknown;
}

// "eth*" matches what begins so.
static bool is_word(const char *have, const char *want)
{
	const size_t len = strlen(want);

	if (len && want[len - 1] == '*')
		return strncmp(have, want, len - 1) == 0;
	return strcmp(have, want) == 0;
}

static enum match one(const struct property *have, const json_t *want);

static enum match any_of(const struct property *have, const json_t *list)
{
	enum match best = MATCH_NO;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		// Elements may carry counters and time-outs.
		const json_t *element = json_object_get(item, "elem");
		const json_t *value = json_object_get(element, "val");
		const enum match m = one(have, value ? value : item);
		best = m > best ? m : best;
	}
	return best;
}

static enum match in_range(const struct property *have, const json_t *range)
{
	if (have->number < 0)
		return MATCH_MAYBE;
	return have->number >= json_integer_value(json_array_get(range, 0)) &&
			       have->number <= json_integer_value(json_array_get(range, 1))
		       ? MATCH_YES
		       : MATCH_NO;
}

static enum match one(const struct property *have, const json_t *want)
{
	const char *text = json_string_value(want);
	const json_t *inner;

	if (have->is_absent)
		return MATCH_NO;
	if (!have->is_known || (text && *text == '@'))
		return MATCH_MAYBE;
	if ((inner = json_object_get(want, "set")))
		return any_of(have, inner);
	if ((inner = json_object_get(want, "range")))
		return in_range(have, inner);
	if (json_is_array(want))
		return any_of(have, want);
	if (json_is_integer(want) && have->number >= 0)
		return json_integer_value(want) == have->number ? MATCH_YES : MATCH_NO;
	if (text && have->word)
		return is_word(have->word, text) ? MATCH_YES : MATCH_NO;
	return MATCH_MAYBE;
}

// Several properties side by side (a concatenation): each has to match its part.
static enum match together(const json_t *lefts, const json_t *want, enum walk_hook hook,
			   const struct walk_packet *p)
{
	const json_t *parts = json_object_get(want, "concat");
	enum match worst = MATCH_YES;
	const json_t *left;
	size_t i;

	if (!parts)
		return MATCH_MAYBE;
	json_array_foreach(lefts, i, left)
	{
		const struct property have = property_of(left, hook, p);
		const enum match m = one(&have, json_array_get(parts, i));
		worst = m < worst ? m : worst;
	}
	return worst;
}

enum match firewall_match_value(const json_t *left, const json_t *right, enum walk_hook hook,
				const struct walk_packet *packet)
{
	const json_t *lefts = json_object_get(left, "concat");

	if (lefts)
		return together(lefts, right, hook, packet);
	const struct property have = property_of(left, hook, packet);
	return one(&have, right);
}

enum match firewall_match(const json_t *match, enum walk_hook hook,
			  const struct walk_packet *packet)
{
	const char *op = json_string_value(json_object_get(match, "op"));
	const json_t *left = json_object_get(match, "left");
	const enum match m =
		firewall_match_value(left, json_object_get(match, "right"), hook, packet);

	if (!op || strcmp(op, "==") == 0 || strcmp(op, "in") == 0)
		return m;
	if (strcmp(op, "!=") != 0)
		return MATCH_MAYBE;
	// A field that is not there is not unequal either.
	const struct property have = property_of(left, hook, packet);
	if (have.is_absent)
		return MATCH_NO;
	return m == MATCH_YES ? MATCH_NO : m == MATCH_NO ? MATCH_YES : MATCH_MAYBE;
}
