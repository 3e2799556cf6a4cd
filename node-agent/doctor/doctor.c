#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor/inside.h"

static const char *const grades[] = { "ok", "warn", "bad" };

// clang-format off: one check a row, in the order a person would ask
static const struct {
	const char *name;
	bool is_conflict; // with what else is on the host: looked at all the time by the agent
	void (*run)(struct examination *x);
} checks[] = {
	{ "agent", false, check_agent },
	{ "versions", false, check_versions },
	{ "dns", false, check_names },
	{ "resolver", false, check_policy_dns },
	{ "mtu", false, check_mtu },
	{ "peers", false, check_peers },
	{ "udp", false, check_reach },
	{ "clock", false, check_clock }, // by the answer that the trial brings
	{ "firewall", true, check_firewall },
	{ "routes", true, check_routes },
	{ "policies", true, check_policies },
	{ "managers", true, check_managers },
	{ "kernel", false, check_kernel },
	{ "disk", false, check_disk },
	{ "leftovers", false, check_leftovers },
};
// clang-format on

void say(struct examination *x, enum grade grade, const char *cure, const char *fmt, ...)
{
	CLEAN(text_free) struct text text = { 0 };
	va_list args;

	va_start(args, fmt);
	text_vaddf(&text, fmt, args);
	va_end(args);
	(void)json_array_append_new(x->lines, json_pack("{s:s, s:s, s:s, s:s}", "check", x->check,
							"grade", grades[grade], "text",
							text.data ? text.data : "", "cure", cure));
}

const char *text_in(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int number_in(const json_t *object, const char *name)
{
	return (int)json_integer_value(json_object_get(object, name));
}

const char *entry_of(const json_t *entries, const char *prefix, void **at, const json_t **ret_body)
{
	json_t *object = (json_t *)(uintptr_t)entries;

	*at = *at ? json_object_iter_next(object, *at) : json_object_iter(object);
	while (*at && !text_starts(json_object_iter_key(*at), prefix, NULL))
		*at = json_object_iter_next(object, *at);
	if (!*at)
		return NULL;
	*ret_body = json_object_iter_value(*at);
	return json_object_iter_key(*at);
}

bool is_own(const struct kernel_link *link)
{
	return text_starts(link->alias, KERNEL_ALIAS_PREFIX, NULL);
}

static void look(struct examination *x)
{
	struct err err = { 0 };

	x->check = "kernel";
	if (kernel_open(&x->config->kernel, &x->kernel, &err) < 0)
		say(x, GRADE_BAD, "run it as root; see the log: journalctl -u weft-agent",
		    "the kernel cannot be asked: %s", err.text);
	else if (kernel_dump(x->kernel, &x->seen, &err) < 0)
		say(x, GRADE_BAD, "see the log: journalctl -u weft-agent",
		    "the kernel's state cannot be read: %s", err.text);
}

static bool is_well(const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		if (strcmp(text_in(line, "grade"), grades[GRADE_BAD]) == 0)
			return false;
	}
	return true;
}

json_t *doctor_run(const struct doctor_config *config)
{
	struct examination x = { .config = config,
				 .desired = json_object_get(config->facts, "desired"),
				 .observed = json_object_get(config->facts, "observed"),
				 .lines = json_array() };

	look(&x);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		x.check = checks[i].name;
		if (!config->only_conflicts || checks[i].is_conflict)
			checks[i].run(&x);
	}
	kernel_snapshot_done(&x.seen);
	kernel_close(x.kernel);
	json_decref(x.reach);
	return json_pack("{s:s, s:b, s:o}", "node", text_in(config->facts, "name"), "ok",
			 is_well(x.lines), "lines", x.lines);
}

char *doctor_table(const json_t *report)
{
	struct text t = { 0 };
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(report, "lines"), i, line)
	{
		const char *cure = text_in(line, "cure");

		text_addf(&t, "%-5s %-10s %s\n", text_in(line, "grade"), text_in(line, "check"),
			  text_in(line, "text"));
		if (*cure)
			text_addf(&t, "%-16s -> %s\n", "", cure);
	}
	return text_take(&t);
}
