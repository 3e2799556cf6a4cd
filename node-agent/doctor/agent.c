// The agent itself: whether it runs, has a controller, could apply everything; and the versions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/inside.h"

enum { MINORS_APART_MAX = 2, ERRORS_TOLD_MAX = 5 };

static void say_errors(struct examination *x)
{
	const json_t *errors = json_object_get(x->config->facts, "errors");
	const json_t *error;
	size_t i;

	json_array_foreach(errors, i, error)
	{
		if (i == ERRORS_TOLD_MAX) {
			say(x, GRADE_BAD, "see weft-agent status",
			    "%zu more entries could not be applied", json_array_size(errors) - i);
			return;
		}
		say(x, GRADE_BAD, "it is tried again every 3 s", "%s: %s", text_in(error, "entry"),
		    text_in(error, "text"));
	}
}

void check_agent(struct examination *x)
{
	const json_t *facts = x->config->facts;

	if (!x->config->identity) {
		say(x, GRADE_BAD, "weft-agent join KEY; the key comes from `weft node add NAME`",
		    "this host has not joined a network");
		return;
	}
	if (x->config->not_running) {
		say(x, GRADE_BAD, "systemctl start weft-agent", "the agent does not run: %s",
		    x->config->not_running);
		return;
	}
	if (json_is_true(json_object_get(facts, "connected")))
		say(x, GRADE_OK, "", "it has a session with the controller %s",
		    text_in(facts, "controller"));
	else
		say(x, GRADE_BAD,
		    "see whether the controller runs and its hub port (TCP 8444) can be reached "
		    "from here",
		    "there is no session with the controller %s: %s", text_in(facts, "controller"),
		    text_in(facts, "trouble"));
	say_errors(x);
	if (json_array_size(json_object_get(facts, "errors")) == 0)
		say(x, GRADE_OK, "", "all %d entries of revision %d are in place",
		    number_in(facts, "entries"), number_in(facts, "revision"));
}

// "0.3.1" -> 0 and 3.
static bool read_version(const char *text, long *ret_major, long *ret_minor)
{
	char *end;

	*ret_major = strtol(text, &end, 10);
	if (end == text || *end != '.')
		return false;
	const char *minor = end + 1;
	*ret_minor = strtol(minor, &end, 10);
	return end != minor;
}

void check_versions(struct examination *x)
{
	const char *other = text_in(x->config->facts, "controller_version");
	const char *running = text_in(x->config->facts, "version");
	long major, minor, other_major, other_minor;

	if (*running && strcmp(running, x->config->version) != 0)
		say(x, GRADE_WARN, "systemctl restart weft-agent",
		    "the agent that runs is version %s, the program on disk %s", running,
		    x->config->version);
	if (!*other) {
		say(x, GRADE_WARN, "", "the agent is version %s; no controller has told its own",
		    x->config->version);
	} else if (!read_version(x->config->version, &major, &minor) ||
		   !read_version(other, &other_major, &other_minor)) {
		say(x, GRADE_WARN, "", "the agent is version %s, the controller %s",
		    x->config->version, other);
	} else if (major != other_major || labs(minor - other_minor) > MINORS_APART_MAX) {
		say(x, GRADE_BAD, "upgrade the older one",
		    "the agent is version %s, the controller %s: more than %d minor versions apart",
		    x->config->version, other, MINORS_APART_MAX);
	} else {
		say(x, GRADE_OK, "", "the agent is version %s, the controller %s",
		    x->config->version, other);
	}
}
