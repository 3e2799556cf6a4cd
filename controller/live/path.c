// The way of a frame through the tree: breadth first over the ports.

#include <stdlib.h>
#include <string.h>

#include "live/inside.h"

// A name that was reached, and whence.
struct reached {
	const char *name;
	size_t before;
};

struct search {
	const struct hop *hops;
	size_t count;
	struct reached *reached;
	size_t reached_count;
};

static bool is_reached(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->reached_count; i++) {
		if (strcmp(s->reached[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool forwards(const struct search *s, const char *from, const char *to)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->hops[i].is_forwarding && strcmp(s->hops[i].from, from) == 0 &&
		    strcmp(s->hops[i].to, to) == 0)
			return true;
	}
	return false;
}

static bool is_usable(const struct search *s, const struct hop *hop, bool is_any)
{
	return is_any || (hop->is_forwarding && forwards(s, hop->to, hop->from));
}

// Returns the index of `to` among the reached, or -1.
static long search(struct search *s, const char *from, const char *to, bool is_any)
{
	s->reached[0] = (struct reached){ from, 0 };
	s->reached_count = 1;
	for (size_t at = 0; at < s->reached_count; at++) {
		const char *here = s->reached[at].name;

		if (strcmp(here, to) == 0)
			return (long)at;
		for (size_t i = 0; i < s->count; i++) {
			const struct hop *hop = &s->hops[i];

			if (strcmp(hop->from, here) == 0 && is_usable(s, hop, is_any) &&
			    !is_reached(s, hop->to))
				s->reached[s->reached_count++] = (struct reached){ hop->to, at };
		}
	}
	return -1;
}

static size_t write_way(const struct search *s, size_t at, const char **ret_way, size_t max)
{
	size_t length = 1;

	for (size_t i = at; i != 0; i = s->reached[i].before)
		length++;
	if (length > max)
		return 0;
	for (size_t i = length; i-- > 0; at = s->reached[at].before)
		ret_way[i] = s->reached[at].name;
	return length;
}

size_t path_find(const struct path_question *question, const char **ret_way, size_t max,
		 bool *ret_is_whole)
{
	const char *from = question->from;
	const char *to = question->to;
	CLEAN(free_ptr) struct reached *reached = calloc(question->count + 1, sizeof(*reached));
	struct search s = { .hops = question->hops, .count = question->count, .reached = reached };

	if (!reached)
		return 0;
	long at = search(&s, from, to, false);
	*ret_is_whole = at >= 0;
	if (at < 0)
		at = search(&s, from, to, true);
	if (at < 0)
		return 0;
	size_t length = write_way(&s, (size_t)at, ret_way, max);
	// Up to where the frame ends.
	for (size_t i = 0; !*ret_is_whole && i + 1 < length; i++) {
		const struct hop hop = { ret_way[i], ret_way[i + 1],
					 forwards(&s, ret_way[i], ret_way[i + 1]) };

		if (!is_usable(&s, &hop, false))
			length = i + 1;
	}
	return length;
}
