// Peers that do not answer, and why that may be.
#include <string.h>

#include "doctor/inside.h"

static void say_down(struct examination *x, const char *key, const json_t *seen,
		     const json_t *wanted)
{
	const char *endpoint = text_in(seen, "endpoint");
	const char *state = text_in(seen, "state");
	const bool was_up = strcmp(state, "down") == 0;

	if (json_array_size(json_object_get(wanted, "endpoints")) == 0 && !*endpoint)
		say(x, GRADE_BAD,
		    "the other one has to reach this node: give one of the two an `address` with a "
		    "forwarded port",
		    "%s: nobody knows where it can be reached", key);
	else
		say(x, GRADE_BAD,
		    "run weft doctor on the other node too; the udp lines tell which way fails",
		    "%s: %s at %s", key,
		    was_up ? "no handshake for 180 s, last" : "has never answered, tried",
		    *endpoint ? endpoint : "no address");
}

void check_peers(struct examination *x)
{
	const json_t *wanted;
	const char *key;
	size_t up = 0, all = 0;

	for (void *at = NULL; (key = entry_of(x->desired, "peer/", &at, &wanted)); all++) {
		const json_t *seen = json_object_get(x->observed, key);

		if (strcmp(text_in(seen, "state"), "up") == 0)
			up++;
		else if (!x->config->not_running)
			say_down(x, key, seen, wanted);
	}
	if (all && up == all)
		say(x, GRADE_OK, "", "all %zu peers answer", all);
	else if (!all)
		say(x, GRADE_OK, "", "this node has no peers");
}
