#include "cli/vpnham_check.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/net.h"

enum shape {
	SHAPE_TEXT,
	SHAPE_ROLE,
	SHAPE_COUNT,  // a whole number within the row's bounds
	SHAPE_NUMBER, // any
	SHAPE_DURATION,
	SHAPE_ENDPOINT, // an address with a port
	SHAPE_PREFIX,
	SHAPE_TEXTS,
	SHAPE_PREFIXES,
	SHAPE_STEPS,  // lists of words: commands
	SHAPE_FIELDS, // the row's `inner`
	SHAPE_NAMED,  // any names, each with the row's `inner`
};

struct field {
	const char *name;
	enum shape shape;
	bool is_required;
	const struct field *inner;
	json_int_t low, high; // of a count
};

static const struct field reapply_fields[] = {
	{ .name = "initial_delay", .shape = SHAPE_DURATION },
	{ .name = "maximum_delay", .shape = SHAPE_DURATION },
	{ .name = "factor", .shape = SHAPE_NUMBER },
	{ 0 },
};

static const struct field aws_fields[] = {
	{ .name = "timeout", .shape = SHAPE_DURATION },
	{ .name = "route_tables", .shape = SHAPE_TEXTS, .is_required = true },
	{ 0 },
};

static const struct field gcp_fields[] = {
	{ .name = "timeout", .shape = SHAPE_DURATION },
	{ .name = "route_id_prefix", .shape = SHAPE_TEXT },
	{ .name = "route_priority", .shape = SHAPE_COUNT, .high = 65535 },
	{ .name = "route_tags", .shape = SHAPE_TEXTS },
	{ 0 },
};

static const struct field bridge_activate_fields[] = {
	{ .name = "reapply", .shape = SHAPE_FIELDS, .inner = reapply_fields },
	{ .name = "aws", .shape = SHAPE_FIELDS, .inner = aws_fields },
	{ .name = "gcp", .shape = SHAPE_FIELDS, .inner = gcp_fields },
	{ .name = "script", .shape = SHAPE_STEPS },
	{ 0 },
};

static const struct field interface_change_fields[] = {
	{ .name = "reapply", .shape = SHAPE_FIELDS, .inner = reapply_fields },
	{ .name = "script", .shape = SHAPE_STEPS },
	{ 0 },
};

static const struct field reconcile_fields[] = {
	{ .name = "scripts_timeout", .shape = SHAPE_DURATION },
	{ .name = "bridge_activate", .shape = SHAPE_FIELDS, .inner = bridge_activate_fields },
	{ .name = "interface_activate", .shape = SHAPE_FIELDS, .inner = interface_change_fields },
	{ .name = "interface_deactivate", .shape = SHAPE_FIELDS, .inner = interface_change_fields },
	{ 0 },
};

// As the README still has it.
static const struct field scripts_fields[] = {
	{ .name = "bridge_activate", .shape = SHAPE_STEPS },
	{ .name = "interface_activate", .shape = SHAPE_STEPS },
	{ .name = "interface_deactivate", .shape = SHAPE_STEPS },
	{ 0 },
};

static const struct field tunnel_fields[] = {
	{ .name = "role", .shape = SHAPE_ROLE, .is_required = true },
	{ .name = "addr", .shape = SHAPE_ENDPOINT, .is_required = true },
	{ .name = "probe_addr", .shape = SHAPE_ENDPOINT, .is_required = true },
	{ .name = "threshold_down", .shape = SHAPE_COUNT, .low = 2, .high = 10 },
	{ .name = "threshold_up", .shape = SHAPE_COUNT, .low = 2, .high = 10 },
	{ 0 },
};

static const struct field bridge_fields[] = {
	{ .name = "role", .shape = SHAPE_ROLE, .is_required = true },
	{ .name = "bridge_interface", .shape = SHAPE_TEXT, .is_required = true },
	{ .name = "peer_cidr", .shape = SHAPE_PREFIX, .is_required = true },
	{ .name = "extra_peer_cidrs", .shape = SHAPE_PREFIXES },
	{ .name = "secondary_interfaces", .shape = SHAPE_TEXTS },
	{ .name = "status_addr", .shape = SHAPE_ENDPOINT, .is_required = true },
	{ .name = "partner_url", .shape = SHAPE_TEXT, .is_required = true },
	{ .name = "partner_polling_interface", .shape = SHAPE_TEXT },
	{ .name = "partner_status_timeout", .shape = SHAPE_DURATION },
	{ .name = "partner_status_threshold_down", .shape = SHAPE_COUNT, .low = 2, .high = 10 },
	{ .name = "partner_status_threshold_up", .shape = SHAPE_COUNT, .low = 2, .high = 10 },
	{ .name = "probe_interval", .shape = SHAPE_DURATION },
	{ .name = "probe_location", .shape = SHAPE_TEXT },
	{ .name = "tunnel_interfaces",
	  .shape = SHAPE_NAMED,
	  .is_required = true,
	  .inner = tunnel_fields },
	{ .name = "reconcile", .shape = SHAPE_FIELDS, .inner = reconcile_fields },
	{ .name = "scripts_timeout", .shape = SHAPE_DURATION },
	{ .name = "scripts", .shape = SHAPE_FIELDS, .inner = scripts_fields },
	{ 0 },
};

static const struct field metrics_fields[] = {
	{ .name = "listen_addr", .shape = SHAPE_ENDPOINT },
	{ .name = "latency_buckets_count", .shape = SHAPE_COUNT, .low = 1, .high = 1000 },
	{ .name = "max_latency_us", .shape = SHAPE_COUNT, .low = 1, .high = 1000000000 },
	{ 0 },
};

static const struct field file_fields[] = {
	{ .name = "bridges", .shape = SHAPE_NAMED, .is_required = true, .inner = bridge_fields },
	{ .name = "metrics", .shape = SHAPE_FIELDS, .inner = metrics_fields },
	{ .name = "default_scripts", .shape = SHAPE_FIELDS, .inner = scripts_fields },
	{ 0 },
};

// ---- values ----

static const struct {
	const char *name;
	double ms;
} units[] = { { "ms", 1 },      { "us", 0.001 }, { "ns", 0.000001 },
	      { "h", 3600000 }, { "m", 60000 },  { "s", 1000 } };

int vpnham_duration(const char *text, int64_t *ret_ms, struct err *err)
{
	double ms = 0;
	const char *at = text;
	while (*at || at == text) {
		const size_t digits = strspn(at, "0123456789.");
		size_t u = 0;
		while (digits && u < ARRAY_LEN(units) &&
		       !text_starts(at + digits, units[u].name, NULL))
			u++;
		if (digits == 0 || digits > 12 || u == ARRAY_LEN(units))
			return err_set(err, -EINVAL,
				       "\"%.40s\" is no duration such as 15s or 1m30s", text);
		ms += strtod(at, NULL) * units[u].ms;
		at += digits + strlen(units[u].name);
	}
	*ret_ms = (int64_t)(ms + 0.5);
	return 0;
}

static int check_role(const char *text, struct err *err)
{
	return strcmp(text, "active") == 0 || strcmp(text, "standby") == 0
		       ? 0
		       : err_set(err, -EINVAL, "\"%.40s\" is neither active nor standby", text);
}

static int check_endpoint(const char *text, struct err *err)
{
	struct endpoint endpoint;
	int r = endpoint_parse(text, &endpoint, err);
	return r < 0 || endpoint.port ? r : err_set(err, -EINVAL, "\"%.80s\" has no port", text);
}

static int check_text(const char *text, enum shape shape, struct err *err)
{
	struct prefix prefix;
	int64_t ms;
	if (shape == SHAPE_ROLE)
		return check_role(text, err);
	if (shape == SHAPE_DURATION)
		return vpnham_duration(text, &ms, err);
	if (shape == SHAPE_ENDPOINT)
		return check_endpoint(text, err);
	if (shape == SHAPE_PREFIX || shape == SHAPE_PREFIXES)
		return prefix_parse(text, &prefix, err);
	return *text ? 0 : err_set(err, -EINVAL, "is empty");
}

static int check_texts(const json_t *value, enum shape shape, struct err *err)
{
	size_t i;
	const json_t *item;
	if (!json_is_array(value))
		return err_set(err, -EINVAL, "is no list");
	json_array_foreach(value, i, item)
	{
		int r = json_is_string(item) ? check_text(json_string_value(item), shape, err)
					     : err_set(err, -EINVAL, "item %zu is no text", i + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_steps(const json_t *value, struct err *err)
{
	size_t i;
	const json_t *step;
	if (!json_is_array(value))
		return err_set(err, -EINVAL, "is no list of commands");
	json_array_foreach(value, i, step)
	{
		if (json_array_size(step) == 0 || check_texts(step, SHAPE_TEXTS, NULL) < 0)
			return err_set(err, -EINVAL,
				       "command %zu is no list of words such as [sh, -c, \"...\"]",
				       i + 1);
	}
	return 0;
}

// ---- fields ----

static int check_fields(const json_t *object, const struct field *fields, const char *where,
			struct err *err);

static int check_named(const json_t *object, const struct field *field, const char *where,
		       struct err *err)
{
	const char *name;
	json_t *value;
	if (json_object_size(object) == 0)
		return err_set(err, -EINVAL, "%s: names none", where);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		CLEAN(free_ptr) char *inner = text_format("%s.%s", where, name);
		int r = inner ? check_fields(value, field->inner, inner, err)
			      : err_set(err, -ENOMEM, "out of memory");
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_count(const json_t *value, const struct field *field, struct err *err)
{
	const json_int_t n = json_integer_value(value);
	return json_is_integer(value) && n >= field->low && n <= field->high
		       ? 0
		       : err_set(err, -EINVAL, "is no whole number from %lld to %lld",
				 (long long)field->low, (long long)field->high);
}

static int check_plain(const json_t *value, const struct field *field, struct err *err)
{
	if (field->shape == SHAPE_COUNT)
		return check_count(value, field, err);
	if (field->shape == SHAPE_NUMBER)
		return json_is_number(value) ? 0 : err_set(err, -EINVAL, "is no number");
	if (field->shape == SHAPE_TEXTS || field->shape == SHAPE_PREFIXES)
		return check_texts(value, field->shape, err);
	if (field->shape == SHAPE_STEPS)
		return check_steps(value, err);
	return json_is_string(value) ? check_text(json_string_value(value), field->shape, err)
				     : err_set(err, -EINVAL, "is no text");
}

static int check_field(const json_t *value, const struct field *field, const char *where,
		       struct err *err)
{
	if (field->shape == SHAPE_FIELDS)
		return check_fields(value, field->inner, where, err);
	if (field->shape == SHAPE_NAMED)
		return check_named(value, field, where, err);
	int r = check_plain(value, field, err);
	return r < 0 ? err_prefix(err, "%s", where) : 0;
}

static const struct field *find_field(const struct field *fields, const char *name,
				      const char **ret_near)
{
	const char *names[32];
	size_t n = 0;
	for (const struct field *f = fields; f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
		names[n++] = f->name;
	}
	names[n] = NULL;
	*ret_near = text_nearest(name, names);
	return NULL;
}

static int check_member(const json_t *value, const struct field *fields, const char *name,
			const char *where, struct err *err)
{
	const char *near;
	CLEAN(free_ptr) char *inner = text_format("%s%s%s", where, *where ? "." : "", name);
	const struct field *field = find_field(fields, name, &near);
	if (!inner)
		return err_set(err, -ENOMEM, "out of memory");
	if (!field)
		return err_set(err, -EINVAL, "%s: vpnham has no such field%s%s%s", inner,
			       near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
	return check_field(value, field, inner, err);
}

static int check_fields(const json_t *object, const struct field *fields, const char *where,
			struct err *err)
{
	const char *name;
	json_t *value;
	if (!json_is_object(object))
		return err_set(err, -EINVAL, "%s: is no map of fields",
			       *where ? where : "the file");
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		int r = check_member(value, fields, name, where, err);
		if (r < 0)
			return r;
	}
	for (const struct field *f = fields; f->name; f++)
		if (f->is_required && !json_object_get(object, f->name))
			return err_set(err, -EINVAL, "%s%s%s: is missing", where, *where ? "." : "",
				       f->name);
	return 0;
}

// Exactly one tunnel of a bridge is preferred.
static int check_roles(const char *bridge, const json_t *tunnels, struct err *err)
{
	int active = 0;
	const char *name;
	json_t *tunnel;
	json_object_foreach((json_t *)(uintptr_t)tunnels, name, tunnel)
	{
		const char *role = json_string_value(json_object_get(tunnel, "role"));
		active += role && strcmp(role, "active") == 0;
	}
	return active == 1
		       ? 0
		       : err_set(err, -EINVAL,
				 "bridges.%s.tunnel_interfaces: %d have the role active, not one",
				 bridge, active);
}

int vpnham_check(const json_t *config, struct err *err)
{
	const char *name;
	json_t *bridge;
	int r = check_fields(config, file_fields, "", err);
	if (r < 0)
		return r;
	json_object_foreach(json_object_get(config, "bridges"), name, bridge)
	{
		r = check_roles(name, json_object_get(bridge, "tunnel_interfaces"), err);
		if (r < 0)
			return r;
	}
	return 0;
}
