#include "doctor/doctor.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/version.h"

#include "command/command.h"
#include "desired/desired.h"
#include "report/control.h"
#include "uplink/identity.h"

CLEAN_FUNC(json_t, json_decref)

enum { FACTS_S = 10, REACH_S = 20 };

int command_ask(const struct agent_settings *settings, const json_t *request, int timeout_s,
		json_t **ret_answer, struct err *err)
{
	CLEAN(free_ptr) char *path = agent_run_path(settings, "control.sock");
	if (!path || !request)
		return err_set(err, -ENOMEM, "out of memory");
	return control_ask(path, request, timeout_s, ret_answer, err);
}

static int reach(void *context, const json_t *args, json_t **ret_answer, struct err *err)
{
	CLEAN(json_decref_ptr)
	json_t *request = json_pack("{s:s, s:O}", "verb", "reach", "args", args);
	json_t *got = NULL;
	int r = command_ask(context, request, REACH_S, &got, err);
	CLEAN(json_decref_ptr) json_t *answer = r < 0 ? NULL : got;
	if (r < 0)
		return r;
	if (!json_is_true(json_object_get(answer, "ok")))
		return err_set(err, -EIO, "%s", json_string_value(json_object_get(answer, "line")));
	*ret_answer = json_incref(json_object_get(answer, "result"));
	return 0;
}

// What is known without the agent: its name and its last desired state.
static json_t *facts_from_disk(const struct agent_settings *settings,
			       const struct identity *identity)
{
	CLEAN(free_ptr) char *path = agent_state_path(settings, "desired");
	CLEAN(desired_free_ptr) struct desired *desired = desired_new();
	json_t *entries = json_object();
	struct entry_change entry;
	if (path && desired && desired_load(desired, path, NULL) >= 0) {
		for (size_t at = 0; entry_set_next(desired_entries(desired), &at, &entry);)
			(void)json_object_set_new(entries, entry.key,
						  json_loadb(entry.body, entry.body_len, 0, NULL));
	}
	return json_pack("{s:s?, s:o}", "name", identity->name, "desired", entries);
}

json_t *command_examine(const struct agent_settings *settings, bool only_conflicts)
{
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(json_decref_ptr) json_t *request = json_pack("{s:s}", "verb", "facts");
	struct err err = { 0 }, none = { 0 };
	json_t *got = NULL;
	bool has_joined = identity_load(settings->state_dir, &identity, &none) == 0;
	int r = command_ask(settings, request, FACTS_S, &got, &err);
	CLEAN(json_decref_ptr)
	json_t *facts = r < 0 ? facts_from_disk(settings, &identity) : got;
	const struct doctor_config config = {
		.facts = facts,
		.not_running = r < 0 ? err.text : NULL,
		.version = weft_version(),
		.state_dir = settings->state_dir,
		.identity = has_joined ? &identity : NULL,
		.kernel = { .wireguard = settings->wireguard,
			    .wireguard_go = settings->wireguard_go,
			    .route_protocol = (uint8_t)settings->route_protocol },
		.only_conflicts = only_conflicts,
		.reach = r < 0 ? NULL : reach,
		.context = (void *)(uintptr_t)settings,
	};
	return doctor_run(&config);
}

static int print(const json_t *report, bool as_json)
{
	CLEAN(free_ptr) char *table = as_json ? NULL : doctor_table(report);
	if (as_json)
		(void)json_dumpf(report, stdout, JSON_INDENT(2));
	(void)printf("%s", as_json ? "\n" : table ? table : "");
	return json_is_true(json_object_get(report, "ok")) ? EXIT_DONE : EXIT_FAILED;
}

int command_doctor(const struct agent_settings *settings, int argc, char **argv)
{
	static const struct option options[] = { { "output", required_argument, NULL, 'o' },
						 { "conflicts", no_argument, NULL, 'c' },
						 { 0 } };
	bool as_json = false, only_conflicts = false;
	int c;
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == 'c')
			only_conflicts = true;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			as_json = true;
		else if (c != 'o' || strcmp(optarg, "table") != 0)
			return command_fail(EXIT_USAGE,
					    "doctor takes -o table, -o json and --conflicts");
	}
	if (optind != argc)
		return command_fail(EXIT_USAGE, "doctor takes no arguments but -o and --conflicts");
	CLEAN(json_decref_ptr) json_t *report = command_examine(settings, only_conflicts);
	return report ? print(report, as_json) : command_fail(EXIT_FAILED, "out of memory");
}
