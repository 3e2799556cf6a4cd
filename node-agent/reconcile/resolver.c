// dns/<resolver>, dns-zone/…, dns-forward/…, dns-block/… and names/…: what this node's weft-dns
// does. They are handed on to who runs it; only the redirection of plain DNS is the kernel's, in
// the table of the guard rails.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/kind.h"

struct resolver {
	json_t *json;
};

static void done(void *body)
{
	json_decref(((struct resolver *)body)->json);
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct resolver *resolver = body;

	resolver->json = json_deep_copy(json);
	return resolver->json ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static bool is_interface(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-@:", name[i]))
			return false;
	return len > 0 && len < IFNAMSIZ;
}

// What goes into the packet filter's rules.
static int parse_dns(const json_t *json, void *body, struct err *err)
{
	const json_t *item;
	struct kernel_ip ip;
	uint32_t port;
	size_t i;

	int rc = body_u32(json, "port", 1, 65535, &port, err);
	if (rc < 0)
		return rc;
	json_array_foreach(json_object_get(json, "listen"), i, item)
	{
		const char *text = json_string_value(item);

		if (!text || kernel_ip_parse(text, &ip, NULL) < 0)
			return err_set(err, -EINVAL, "listen[%zu]: an address is expected", i);
	}
	json_array_foreach(json_object_get(json, "intercept"), i, item)
	{
		if (!is_interface(json_string_value(item)))
			return err_set(err, -EINVAL,
				       "intercept[%zu]: a name of an interface is "
				       "expected",
				       i);
	}
	return parse(json, body, err);
}

// ---- plain DNS to anybody is led here ----

static const json_t *field(const struct entry *e, const char *name)
{
	return json_object_get(((const struct resolver *)e->body)->json, name);
}

bool resolver_intercepts(const struct reconcile *r)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_dns, &at));)
		if (json_array_size(field(e, "intercept")) > 0)
			return true;
	return false;
}

// The items of one family as a set; returns the first, NULL when there is none.
static const char *add_listen(struct text *out, const struct entry *e, bool is_six)
{
	const char *first = NULL;
	const json_t *item;
	size_t i;

	json_array_foreach(field(e, "listen"), i, item)
	{
		const char *text = json_string_value(item);

		if ((strchr(text, ':') != NULL) != is_six)
			continue;
		text_addf(out, "%s%s", first ? ", " : "", text);
		first = first ? first : text;
	}
	return first;
}

static void add_rule(struct text *out, const struct entry *e, bool is_six)
{
	const int port = (int)json_integer_value(field(e, "port"));
	const char *family = is_six ? "ip6" : "ip";
	struct text own = { 0 };
	const json_t *item;
	size_t i;

	const char *to = add_listen(&own, e, is_six);
	if (to) {
		text_add(out, "\t\tiifname { ");
		json_array_foreach(field(e, "intercept"), i, item)
			text_addf(out, "%s\"%s\"", i ? ", " : "", json_string_value(item));
		text_addf(out, " } %s daddr != { %s } meta l4proto { tcp, udp } th dport 53 ",
			  family, own.data ? own.data : "");
		text_addf(out, is_six ? "dnat ip6 to [%s]:%d\n" : "dnat ip to %s:%d\n", to, port);
	}
	text_free(&own);
}

void resolver_intercept_render(struct text *out, const struct reconcile *r)
{
	const struct entry *e;

	if (!resolver_intercepts(r))
		return;
	text_add(out, "\tchain resolver {\n"
		      "\t\ttype nat hook prerouting priority dstnat; policy accept;\n");
	for (size_t at = 0; (e = entry_next(r, &kind_dns, &at));) {
		if (json_array_size(field(e, "intercept")) == 0)
			continue;
		add_rule(out, e, false);
		add_rule(out, e, true);
	}
	text_add(out, "\t}\n");
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	return json_array_size(field(e, "intercept")) > 0 ? kind_guard.compare(r, e, f, err) : 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	return kind_guard.apply(r, e, f, err);
}

// What is only read: whoever runs weft-dns or weft-proxy observes what became of it.
#define KIND_HANDED_ON(name_, rank_, parse_)                                                       \
	{                                                                                          \
		.name = (name_), .rank = (rank_), .body_size = sizeof(struct resolver),            \
		.parse = (parse_), .done = done, .compare = judging_compare_nothing,               \
		.sweep = judging_nothing_to_sweep, .observe = judging_observe_nothing              \
	}

const struct entry_kind kind_names = KIND_HANDED_ON("names", 100, parse);
const struct entry_kind kind_dns_zone = KIND_HANDED_ON("dns-zone", 101, parse);
const struct entry_kind kind_dns_forward = KIND_HANDED_ON("dns-forward", 101, parse);
const struct entry_kind kind_dns_block = KIND_HANDED_ON("dns-block", 102, parse);

const struct entry_kind kind_dns = {
	.name = "dns",
	.rank = 103,
	.body_size = sizeof(struct resolver),
	.parse = parse_dns,
	.done = done,
	.compare = compare,
	.apply = apply,
	.sweep = judging_nothing_to_sweep, // the table goes with the guard rails
	.observe = judging_observe_nothing,
};

static int parse_splitter(const json_t *json, void *body, struct err *err)
{
	uint32_t port;

	int rc = body_u32(json, "port", 1, 65535, &port, err);
	return rc < 0 ? rc : parse(json, body, err);
}

// What the kernel has to do with it is of the policies and of routes.
const struct entry_kind kind_splitter = KIND_HANDED_ON("splitter", 99, parse_splitter);

uint16_t splitter_port(const struct reconcile *r)
{
	size_t at = 0;
	const struct entry *e = entry_next(r, &kind_splitter, &at);

	return e ? (uint16_t)json_integer_value(field(e, "port")) : 0;
}

void reconcile_each_resolver(const struct reconcile *r, reconcile_resolver_fn *each, void *context)
{
	static const struct entry_kind *const kinds[] = { &kind_names, &kind_dns_zone,
							  &kind_dns_forward, &kind_dns_block,
							  &kind_dns };
	const struct entry *e;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (size_t at = 0; (e = entry_next(r, kinds[i], &at));)
			each(context, kinds[i]->name, strchr(e->key, '/') + 1,
			     ((const struct resolver *)e->body)->json);
}
