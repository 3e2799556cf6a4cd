// Packs what a bug report about this host needs.
#include "base/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"

#include "command/command.h"
#include "doctor/doctor.h"
#include "uplink/identity.h"

CLEAN_FUNC(json_t, json_decref)

enum { FACTS_S = 10, CONFIG_MAX = 1024 * 1024 };

// What programs of the host tell. All of it is theirs to show to root, none of it shows keys.
static const struct {
	const char *file;
	const char *argv[10];
} outputs[] = {
	{ "uname.txt", { "uname", "-a" } },
	{ "os-release.txt", { "cat", "/etc/os-release" } },
	{ "disk.txt", { "df", "-h" } },
	{ "ip-link.json", { "ip", "-j", "-d", "-s", "link" } },
	{ "ip-address.json", { "ip", "-j", "address" } },
	{ "ip-route4.txt", { "ip", "-4", "route", "show", "table", "all" } },
	{ "ip-route6.txt", { "ip", "-6", "route", "show", "table", "all" } },
	{ "ip-rule4.json", { "ip", "-4", "-j", "rule" } },
	{ "ip-rule6.json", { "ip", "-6", "-j", "rule" } },
	{ "bridge-link.json", { "bridge", "-j", "-d", "link" } },
	{ "wireguard.txt", { "wg", "show" } },
	{ "nft-weft.txt", { "nft", "list", "table", "inet", "weft" } },
	{ "nft-tables.txt", { "nft", "list", "tables" } },
	{ "sockets.txt", { "ss", "-ulpn" } },
	{ "log.txt",
	  { "journalctl", "-u", "weft-agent", "-n", "2000", "--no-pager", "-o", "short-iso" } },
};

static int add_json(struct bundle *bundle, const char *file, const json_t *json, struct err *err)
{
	CLEAN(free_ptr) char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	return bundle_add(bundle, file, text ? text : "", err);
}

// The keys of this node must not get out even where their shape gives nothing away.
static int hide_keys(struct bundle *bundle, const struct agent_settings *settings, struct err *err)
{
	CLEAN(identity_done) struct identity identity = { 0 };
	if (identity_load(settings->state_dir, &identity, NULL) < 0)
		return 0;
	int r = bundle_hide(bundle, identity.wg_private_key, err);
	return r < 0 ? r : bundle_hide(bundle, identity.key_pem, err);
}

// What the running agent knows: desired and observed entries, errors, conflicts; without it, why.
static int add_facts(struct bundle *bundle, const struct agent_settings *settings, struct err *err)
{
	CLEAN(json_decref_ptr) json_t *request = json_pack("{s:s}", "verb", "facts");
	struct err why = { 0 };
	json_t *got = NULL;
	if (command_ask(settings, request, FACTS_S, &got, &why) < 0)
		return bundle_add(bundle, "agent.json", why.text, err);
	CLEAN(json_decref_ptr) json_t *facts = got;
	return add_json(bundle, "agent.json", facts, err);
}

static int add_examination(struct bundle *bundle, const struct agent_settings *settings,
			   struct err *err)
{
	CLEAN(json_decref_ptr) json_t *report = command_examine(settings, false);
	CLEAN(free_ptr) char *table = report ? doctor_table(report) : NULL;
	return bundle_add(bundle, "doctor.txt", table ? table : "", err);
}

static int gather(struct bundle *bundle, const struct agent_settings *settings, struct err *err)
{
	CLEAN(free_ptr) char *config = NULL;
	const char *path = settings->file ? settings->file : AGENT_CONFIG_PATH;
	int r = hide_keys(bundle, settings, err);
	if (r == 0)
		r = bundle_add_version(bundle, "weft-agent", err);
	if (r == 0 && file_read(path, CONFIG_MAX, &config, NULL, NULL) == 0)
		r = bundle_add(bundle, "agent.yaml", config, err);
	if (r == 0)
		r = add_facts(bundle, settings, err);
	if (r == 0)
		r = add_examination(bundle, settings, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(outputs); i++)
		r = bundle_add_output(bundle, outputs[i].file, outputs[i].argv, err);
	return r;
}

int command_bundle(const struct agent_settings *settings, int argc, char **argv)
{
	CLEAN(bundle_free_ptr) struct bundle *bundle = NULL;
	struct err err = { 0 };
	char name[64], path[80];
	time_t now = time(NULL);
	struct tm tm;
	if (argc > 2)
		return command_fail(EXIT_USAGE, "bundle takes one argument, the file to write");
	(void)strftime(name, sizeof name, "weft-agent-%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	(void)snprintf(path, sizeof path, "%s.tar.gz", name);
	const char *file = argc == 2 ? argv[1] : path;
	int r = bundle_new(name, &bundle, &err);
	if (r == 0)
		r = gather(bundle, settings, &err);
	if (r == 0)
		r = bundle_write(bundle, file, &err);
	if (r < 0)
		return command_fail(EXIT_FAILED, "%s", err.text);
	(void)printf("%s\n", file);
	return EXIT_DONE;
}
