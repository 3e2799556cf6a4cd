// The policy DNS of this node: whether it runs, has its lists, and finds resolvers that answer.
#include <string.h>

#include "doctor/inside.h"

static void say_upstreams(struct examination *x, const json_t *body)
{
	const json_t *upstreams = json_object_get(body, "upstreams"), *one;
	size_t i, down = 0;

	json_array_foreach(upstreams, i, one)
	{
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
	}
	for (void *at = NULL; (key = entry_of(x->observed, "names/", &at, &body));)
		if (*text_in(body, "error"))
			say(x, GRADE_WARN, "", "the list %s is not the one wanted: %s",
			    key + strlen("names/"), text_in(body, "error"));
}
