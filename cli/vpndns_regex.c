#include "cli/vpndns_regex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "names/rule.h"

enum { PATTERN_SIZE = 256, ENDS_MAX = 64 };

// A pattern, `*` for any characters, and what may stand at its end: (a|b|c).
struct reading {
	const char *at;
	char pattern[PATTERN_SIZE];
	size_t len;
	char ends[ENDS_MAX][PATTERN_SIZE];
	size_t n_ends;
	bool is_open; // its end is not anchored
};

static bool put(char *to, size_t *len, char c)
{
	// Names are compared without regard to case, and so were these.
	if (*len + 2 > PATTERN_SIZE)
		return false;
	if (c == '*' && *len > 0 && to[*len - 1] == '*')
		return true;
	to[(*len)++] = (char)tolower((unsigned char)c);
	to[*len] = '\0';
	return true;
}

static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

// One character of a name; `.` by itself is meant as the dot that it matches.
static bool take_plain(struct reading *r, char *to, size_t *len)
{
	if (r->at[0] == '\\' && (r->at[1] == '.' || r->at[1] == '-'))
		r->at++;
	else if (!is_plain(*r->at) && *r->at != '.')
		return false;
	return put(to, len, *r->at++);
}

// (a|b|c) as the last of the expression.
static bool take_ends(struct reading *r)
{
	r->at++;
	if (r->at[0] == '?' && r->at[1] == ':')
		r->at += 2;
	for (;;) {
		size_t len = 0;
		if (r->n_ends == ENDS_MAX)
			return false;
		while (*r->at && *r->at != '|' && *r->at != ')')
			if (!take_plain(r, r->ends[r->n_ends], &len))
				return false;
		if (len == 0 || !*r->at)
			return false;
		r->n_ends++;
		if (*r->at++ == ')')
			return *r->at == '\0' || strcmp(r->at, "$") == 0;
	}
}

static bool take(struct reading *r)
{
	if (r->at[0] == '.' && (r->at[1] == '+' || r->at[1] == '*')) {
		r->at += 2;
		return put(r->pattern, &r->len, '*');
	}
	return *r->at == '(' ? take_ends(r) : take_plain(r, r->pattern, &r->len);
}

static bool read_all(struct reading *r)
{
	if (*r->at == '^')
		r->at++;
	else if (!put(r->pattern, &r->len, '*'))
		return false;
	while (*r->at && strcmp(r->at, "$") != 0)
		if (!take(r))
			return false;
	r->is_open = *r->at == '\0' && !(r->len > 0 && r->pattern[r->len - 1] == '*');
	return true;
}

// "*site.example" is the name and what is below it, "www.example" exactly that name; anything else
// stays a pattern.
static int add(const char *pattern, json_t *rules, json_t *patterns)
{
	CLEAN(free_ptr) char *rule = NULL;
	struct name_rule parsed;
	if (!strchr(pattern, '*'))
		rule = text_format("=%s", pattern);
	else if (pattern[0] == '*' && !strchr(pattern + 1, '*'))
		rule = text_format("%s", pattern + 1 + (pattern[1] == '.'));
	if (rule && name_rule_parse(rule, strlen(rule), &parsed, NULL) == 0)
		return json_array_append_new(rules, json_string(rule));
	return json_array_append_new(patterns, json_string(pattern));
}

int vpndns_regex(const char *regex, json_t **ret_rules, json_t **ret_patterns, struct err *err)
{
	CLEAN(free_ptr) struct reading *r = calloc(1, sizeof(*r));
	json_auto_t *rules = json_array(), *patterns = json_array();
	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->at = regex;
	if (!read_all(r))
		return err_set(err, -EINVAL,
			       "the expression \"%.200s\" says more than names and patterns can",
			       regex);
	for (size_t i = 0; i < (r->n_ends ? r->n_ends : 1); i++) {
		CLEAN(free_ptr)
		char *whole = text_format("%s%s%s", r->pattern, r->n_ends ? r->ends[i] : "",
					  r->is_open ? "*" : "");
		if (!whole || strlen(whole) >= PATTERN_SIZE || add(whole, rules, patterns) < 0)
			return err_set(err, -EINVAL, "the expression \"%.200s\" is too long",
				       regex);
	}
	*ret_rules = json_incref(rules);
	*ret_patterns = json_incref(patterns);
	return 0;
}
