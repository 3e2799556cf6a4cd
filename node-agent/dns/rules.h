// What happens to a question by who asks and for what: whose questions are answered, which names
// are blocked, and whom the others go to, by which way. Pure but for the mapping of list images.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/net.h"
#include "model/upstream.h"

#include "decide/decide.h"
#include "dns/memo.h"
#include "names/list.h"

enum { DNS_GROUP_MAX = 8 };

// An upstream, and how it was written.
struct dns_place {
	struct upstream at;
	char text[UPSTREAM_TEXT_MAX + 1];
};

struct dns_prefixes {
	struct prefix *items;
	size_t len;
};

// The longest of them that has `address`, -1 when none has.
int dns_prefixes_match(const struct dns_prefixes *prefixes, const struct address *address);

// Upstreams that may stand in for each other, the first one preferred.
struct dns_group {
	struct dns_place items[DNS_GROUP_MAX];
	size_t len;
	uint32_t space; // of the cache: what other upstreams said is not told
};

enum dns_block_answer { DNS_BLOCK_NXDOMAIN, DNS_BLOCK_ZERO, DNS_BLOCK_REFUSED };

// Names that are in a list, made here and not on disk. Zero: none.
struct dns_names {
	void *image;
	struct name_list list;
};

struct dns_block {
	char *name;
	struct dns_listed {
		char *path;
		struct name_list_file file;
		uint64_t hits;
	} * lists;
	size_t n_lists;
	struct dns_prefixes exempt; // clients that it is not for
	struct dns_names except;    // names that are let through
	enum dns_block_answer answer;
	uint32_t ttl_s;
};

struct dns_forward {
	char *name;
	struct dns_prefixes from; // empty: everybody
	struct dns_names names;
	char **patterns; // with * and ?, in small letters
	size_t n_patterns;
	struct dns_group to;
};

// Whom the questions of a mark go to, when not to the rules' own upstreams.
struct dns_view {
	uint32_t mark;
	struct dns_group to;
};

struct dns_rules {
	struct dns_prefixes clients;
	struct dns_block *blocks;
	size_t n_blocks;
	struct dns_forward *forwards;
	size_t n_forwards;
	struct dns_group upstreams; // for what no forward is for
	bool blocks_doh;
	uint32_t mark;         // of questions that no policy has a way for
	struct decide *decide; // NULL: no policies
	struct dns_memo *memo; // of its lists
	uint64_t *hits;        // of each of its lists, by place
	struct dns_view *views;
	size_t n_views;
};

void dns_rules_done(struct dns_rules *rules);

struct dns_blocked {
	struct dns_block *block; // NULL with `is_doh`: a name that DNS over HTTPS is found by
	struct dns_listed *list;
	bool is_doh;
};

// Whether `name` is blocked for `client`. The first block that has it counts.
bool dns_rules_blocked(const struct dns_rules *rules, const struct address *client,
		       const struct name *name, struct dns_blocked *ret);

// Has the processor fetch what dns_rules_blocked() will read of the lists for many names: their
// tables, then (for all of them) their entries (names/list.h).
void dns_rules_fetch(const struct dns_rules *rules, const struct name *name, bool of_entries);

// The forward whose match is longest: more labels of the name, then the longer prefix, then a name
// before a pattern; NULL: the rules' own upstreams.
const struct dns_forward *dns_rules_forward(const struct dns_rules *rules,
					    const struct address *client, const struct name *name);

// The policies' lists that have a name.
struct decide_set dns_rules_lists(const struct dns_rules *rules, const struct name *name);

// What the client's policy says of a name that it asks for.
struct dns_decided {
	const struct decide_policy *policy; // NULL: the client is subject to none
	const struct decide_rule *rule;     // NULL: the host's own way
	struct decide_set lists;            // that the name is in
	uint32_t mark; // by which its traffic will leave, 0: the host's own way
};
struct dns_decided dns_rules_decide(const struct dns_rules *rules, const struct address *client,
				    const struct name *name);

// By which mark the flows of what a rule decided leave, and questions for its names; 0: the host's
// own way.
uint32_t dns_rules_mark(const struct dns_rules *rules, const struct decide_rule *rule);

// Counts the hits of the lists by which a rule was found.
void dns_rules_count(const struct dns_rules *rules, const struct dns_decided *decided);

// The way that a question takes: whom to ask, with which mark, and the space of the cache for what
// is said there.
struct dns_way {
	const struct dns_group *group;
	const struct dns_forward *forward; // NULL: none says so
	uint32_t mark, space;
};
const struct dns_group *dns_rules_group(const struct dns_rules *rules, uint32_t mark);
struct dns_way dns_rules_way(const struct dns_rules *rules, const struct address *client,
			     const struct name *name, uint32_t mark);

// What is known to lead a browser or telephone to a resolver of its own (RFC 8484), and the names
// by which it asks whether it may.
bool dns_doh_has(const struct name *name);

// ---- for those who make rules ----

// -EINVAL with a sentence; NAME_LIST of the rules' texts.
int dns_names_make(struct dns_names *ret, char *const *rules, size_t len, struct err *err);
void dns_names_done(struct dns_names *names);

// `*` stands for any characters, dots too, `?` for one.
bool dns_pattern_match(const char *pattern, const char *name);
