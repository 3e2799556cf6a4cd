// The policy DNS of this node: whether it runs, has its lists, and finds resolvers that answer.
#include <string.h>

#include "doctor/inside.h"

static void say_upstreams(struct examination *x, const json_t *body)
{
	const json_t *upstreams = json_object_get(body, "upstreams"), *one;
	size_t i, k, down = 0;

	json_array_foreach(upstreams, i, one)
	{
		const json_t *away;
		json_array_foreach(json_object_get(one, "away"), k, away)
			say(x, GRADE_WARN, "see whether that way leads to the Internet",
			    "the resolver %s does not answer weft-dns by gateway-group %s",
			    text_in(one, "name"), json_string_value(away));
		if (strcmp(text_in(one, "state"), "down") != 0)
			continue;
		down++;
		say(x, GRADE_WARN, "see whether it can be reached from this host",
		    "the resolver %s does not answer weft-dns", text_in(one, "name"));
	}
	if (down > 0 && down == json_array_size(upstreams))
		say(x, GRADE_BAD, "name one that answers in the resolver's upstreams",
		    "none of the resolvers that weft-dns asks answers");
}

static void say_host(struct examination *x, const json_t *host)
{
	if (!host)
		return;
	if (strcmp(text_in(host, "state"), "redirected") == 0)
		say(x, GRADE_OK, "", "this host's own programs ask weft-dns");
	else
		say(x, GRADE_WARN, "",
		    "this host's own programs ask their own resolvers, as weft-dns does not answer "
		    "them: %s",
		    text_in(host, "error"));
}

// Who writes into the kernel's sets what weft-dns learns, where rules are by name.
static void say_sets(struct examination *x, const json_t *body)
{
	const char *state = text_in(body, "sets");

	if (strcmp(state, "running") == 0)
		say(x, GRADE_OK, "", "weft-sets runs: what names resolve to is learned");
	else if (*state)
		say(x, GRADE_BAD, "see the log of weft-sets",
		    "weft-sets does not run: names that policies are for have no answer");
}

static void say_splitter(struct examination *x)
{
	const json_t *body;
	void *at = NULL;

	if (!entry_of(x->observed, "splitter/", &at, &body))
		return;
	if (strcmp(text_in(body, "state"), "running") != 0)
		say(x, GRADE_BAD, "see the log of weft-proxy",
		    "weft-proxy does not run: flows that policies decide by name, to addresses "
		    "that were not learned, go nowhere: %s",
		    text_in(body, "error"));
	else if (*text_in(body, "error"))
		say(x, GRADE_WARN, "", "weft-proxy keeps what it had: %s", text_in(body, "error"));
	else
		say(x, GRADE_OK, "", "weft-proxy runs");
}

void check_policy_dns(struct examination *x)
{
	const json_t *body;
	const char *key;

	for (void *at = NULL; (key = entry_of(x->observed, "dns/", &at, &body));) {
		if (strcmp(text_in(body, "state"), "running") == 0)
			say(x, GRADE_OK, "", "weft-dns runs for %s", key + strlen("dns/"));
		else
			say(x, GRADE_BAD, "see the log of weft-dns",
			    "weft-dns does not run for %s: %s", key + strlen("dns/"),
			    text_in(body, "error"));
		if (strcmp(text_in(body, "state"), "running") == 0 && *text_in(body, "error"))
			say(x, GRADE_WARN, "", "weft-dns keeps what it had: %s",
			    text_in(body, "error"));
		say_upstreams(x, body);
		say_host(x, json_object_get(body, "host"));
		say_sets(x, body);
	}
	say_splitter(x);
	for (void *at = NULL; (key = entry_of(x->observed, "names/", &at, &body));)
		if (*text_in(body, "error"))
			say(x, GRADE_WARN, "", "the list %s is not the one wanted: %s",
			    key + strlen("names/"), text_in(body, "error"));
}
