#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "command/command.h"
#include "uplink/credential.h"
#include "uplink/enrol.h"

enum { WAIT_MS = 24 * 3600 * 1000 };

static void on_pending(void *context)
{
	(void)context;
	(void)fprintf(
		stderr,
		"weft-agent: waiting until an operator approves this node in the controller\n");
}

static int save(const struct agent_settings *settings, struct identity *identity, struct err *err)
{
	CLEAN(free_ptr) char *clock = agent_state_path(settings, "clock");
	int r = identity_save(settings->state_dir, identity, err);
	if (r == 0 && clock)
		(void)credential_save_time(clock, credential_verify_time(clock), NULL);
	return r;
}

static int join(const struct agent_settings *settings, const char *key_text, const char *name,
		struct err *err)
{
	CLEAN(enrol_key_done) struct enrol_key key = { 0 };
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(free_ptr) char *there = agent_state_path(settings, "identity.json");
	CLEAN(free_ptr) char *clock = agent_state_path(settings, "clock");
	if (!there || !clock)
		return err_set(err, -ENOMEM, "out of memory");
	// One that is damaged is what joining again mends.
	CLEAN(identity_done) struct identity before = { 0 };
	if (identity_load(settings->state_dir, &before, NULL) == 0)
		return err_set(
			err, -EEXIST,
			"this host has joined already (%s is there): run weft-agent leave first",
			there);
	const struct enrol_options options = { .name = name,
					       .verify_time_s = credential_verify_time(clock),
					       .wait_ms = WAIT_MS,
					       .on_pending = on_pending };
	int r = enrol_key_parse(key_text, &key, err);
	if (r == 0)
		r = enrol(&key, &options, &identity, err);
	if (r == 0)
		r = save(settings, &identity, err);
	if (r == 0)
		(void)printf("joined as %s\n", identity.name);
	return r;
}

// The host's own name where it serves as a node's: short, lower case, only letters, digits and
// hyphens.
static const char *host_name(char *name, size_t size)
{
	if (gethostname(name, size) < 0)
		return NULL;
	name[size - 1] = '\0';
	name[strcspn(name, ".")] = '\0';
	for (char *p = name; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	size_t len = strlen(name);
	return len > 0 && len <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len
		       ? name
		       : NULL;
}

int command_join(const struct agent_settings *settings, int argc, char **argv)
{
	static const struct option options[] = { { "name", required_argument, NULL, 'n' }, { 0 } };
	struct err err = { 0 };
	char host[256];
	const char *name = NULL;
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'n')
			return EXIT_USAGE;
		name = optarg;
	}
	if (optind + 1 != argc)
		return command_fail(EXIT_USAGE, "join takes one enrolment key (weft1...)");
	if (!name)
		name = host_name(host, sizeof host);
	if (join(settings, argv[optind], name, &err) < 0)
		return command_fail(EXIT_FAILED, "%s", err.text);
	return EXIT_DONE;
}
