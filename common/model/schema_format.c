#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/kinds.h"
#include "model/limit.h"
#include "model/match.h"
#include "model/net.h"
#include "model/schema_parts.h"
#include "model/upstream.h"

#include "names/rule.h"

static int check_name(const json_t *node, const char *text, struct err *err)
{
	(void)node;
	return name_check(text, err);
}

static int check_reference(const json_t *node, const char *text, struct err *err)
{
	const char *kind_name = json_string_value(json_object_get(node, "x-kind"));
	const struct kind *kind = kind_name ? kind_by_name(kind_name) : NULL;
	if (!kind)
		return name_check(text, err);
	const char *name = kind_reference_name(kind_id_of(kind), text, err);
	return name ? kind_name_check(kind, name, err) : -EINVAL;
}

static int check_prefix(const json_t *node, const char *text, struct err *err)
{
	struct prefix p;
	(void)node;
	return prefix_parse(text, &p, err);
}

static int check_address(const json_t *node, const char *text, struct err *err)
{
	struct address a;
	(void)node;
	return address_parse(text, &a, err);
}

static int check_endpoint(const json_t *node, const char *text, struct err *err)
{
	struct endpoint e;
	(void)node;
	return endpoint_parse(text, &e, err);
}

static bool bound(const json_t *node, const char *keyword, int64_t *ret_ms)
{
	const char *text = json_string_value(json_object_get(node, keyword));
	return text && duration_parse(text, ret_ms, NULL) == 0;
}

static int check_duration_range(const json_t *node, const char *text, int64_t ms, struct err *err)
{
	int64_t min = 0, max = INT64_MAX;
	bool has_min = bound(node, "x-minimum", &min), has_max = bound(node, "x-maximum", &max);
	char low[DURATION_TEXT_SIZE], high[DURATION_TEXT_SIZE];
	if (ms >= min && ms <= max)
		return 0;
	if (has_min && has_max)
		return err_set(err, -EINVAL, "%.60s is not in %s..%s", text,
			       duration_format(min, low), duration_format(max, high));
	if (has_min)
		return err_set(err, -EINVAL, "%.60s is less than %s", text,
			       duration_format(min, low));
	return err_set(err, -EINVAL, "%.60s is more than %s", text, duration_format(max, high));
}

static int check_duration(const json_t *node, const char *text, struct err *err)
{
	char unit[DURATION_TEXT_SIZE];
	int64_t ms, step;
	int r = duration_parse(text, &ms, err);
	if (r == 0)
		r = check_duration_range(node, text, ms, err);
	if (r < 0 || !bound(node, "x-step", &step) || step == 0 || ms % step == 0)
		return r;
	return err_set(err, -EINVAL, "%.60s is not a multiple of %s", text,
		       duration_format(step, unit));
}

static int check_time(const json_t *node, const char *text, struct err *err)
{
	int64_t ms;
	(void)node;
	return time_parse(text, &ms, err);
}

static int check_expiry(const json_t *node, const char *text, struct err *err)
{
	int64_t ms;
	(void)node;
	if (duration_parse(text, &ms, NULL) == 0 && ms > 0)
		return 0;
	if (time_parse(text, &ms, NULL) == 0)
		return 0;
	return err_set(err, -EINVAL,
		       "\"%.60s\" is neither a duration such as 24h nor a time such as "
		       "2027-01-31T12:00:00Z",
		       text);
}

static int check_duration_limit(const json_t *node, const char *text, struct err *err)
{
	struct limit limit;
	(void)node;
	return limit_parse_duration(text, &limit, err);
}

static int check_share_limit(const json_t *node, const char *text, struct err *err)
{
	struct limit limit;
	(void)node;
	return limit_parse_share(text, &limit, err);
}

static int check_upstream(const json_t *node, const char *text, struct err *err)
{
	struct upstream up;
	(void)node;
	return upstream_parse(text, &up, err);
}

static int check_rule(const json_t *node, const char *text, struct err *err)
{
	struct name_rule rule;
	struct address address;
	(void)node;
	// As a name it would never be met.
	if (address_parse(text, &address, NULL) == 0)
		return err_set(err, -EINVAL,
			       "%.60s is an address, no name: it can stand in the `to` of a rule",
			       text);
	return name_rule_parse(text, strlen(text), &rule, err);
}

static int check_domain(const json_t *node, const char *text, struct err *err)
{
	struct name name;
	(void)node;
	return name_parse(text, strlen(text), &name, err);
}

static int check_source(const json_t *node, const char *text, struct err *err)
{
	struct source source;
	(void)node;
	return source_parse(text, &source, err);
}

static int check_destination(const json_t *node, const char *text, struct err *err)
{
	struct destination destination;
	(void)node;
	return destination_parse(text, &destination, err);
}

static int check_ports(const json_t *node, const char *text, struct err *err)
{
	struct ports ports;
	(void)node;
	return ports_parse(text, &ports, err);
}

// "rho/fibre"
static int check_uplink(const json_t *node, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	char name[NAME_MAX_LEN + 1];
	(void)node;
	if (!slash || slash - text > NAME_MAX_LEN)
		return err_set(err, -EINVAL, "\"%.60s\" is not of the form <node>/<uplink>", text);
	(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - text), text);
	const int r = name_check(name, err);
	return r < 0 ? r : name_check(slash + 1, err);
}

static const struct format {
	const char *name;
	int (*check)(const json_t *node, const char *text,
		     struct err *err); // NULL: says nothing about the text
} formats[] = {
	{ "name", check_name },
	{ "reference", check_reference },
	{ "prefix", check_prefix },
	{ "address", check_address },
	{ "endpoint", check_endpoint },
	{ "duration", check_duration },
	{ "duration-limit", check_duration_limit },
	{ "share-limit", check_share_limit },
	{ "source", check_source },
	{ "destination", check_destination },
	{ "ports", check_ports },
	{ "uplink", check_uplink },
	{ "date-time", check_time },
	{ "expiry", check_expiry },
	{ "upstream", check_upstream },
	{ "name-rule", check_rule },
	{ "domain", check_domain },
	{ "binary", NULL },
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	}
	return NULL;
}

bool schema_format_is_known(const char *name)
{
	return find_format(name) != NULL;
}

int schema_format_check(const json_t *node, const char *text, struct err *err)
{
	const char *name = json_string_value(json_object_get(node, "format"));
	const struct format *format = name ? find_format(name) : NULL;
	return format && format->check ? format->check(node, text, err) : 0;
}
