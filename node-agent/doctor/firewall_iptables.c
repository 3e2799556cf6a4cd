#include "doctor/firewall_iptables.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

enum { WORDS_MAX = 64, WORD_SIZE = 128 };

struct place {
	const char *family;
	char table[32];
	json_t *objects;
};

struct words {
	char word[WORDS_MAX][WORD_SIZE];
	size_t count;
};

// Words are separated by spaces; quoted ones may hold some.
static void split(const char *line, size_t len, struct words *ret)
{
	bool is_quoted = false;
	size_t at = 0;

	ret->count = 0;
	for (size_t i = 0; i <= len && ret->count < WORDS_MAX; i++) {
		const char c = i < len ? line[i] : ' ';

		if (c == '"') {
			is_quoted = !is_quoted && i < len;
		} else if (c == ' ' && (!is_quoted || i == len)) {
			if (at)
				ret->word[ret->count++][at] = '\0';
			at = 0;
		} else if (at < WORD_SIZE - 1) {
			ret->word[ret->count][at++] = c;
		}
	}
}

static json_t *match(bool is_negated, json_t *left, json_t *right)
{
	return json_pack("{s:{s:s, s:o, s:o}}", "match", "op", is_negated ? "!=" : "==", "left",
			 left, "right", right);
}

static json_t *meta(const char *key)
{
	return json_pack("{s:{s:s}}", "meta", "key", key);
}

static json_t *not_understood(void)
{
	return json_pack("{s:{}}", "xt");
}

// "eth+" is nft's "eth*".
static json_t *device(const char *name)
{
	char text[WORD_SIZE];
	size_t len = strlen(name);

	(void)snprintf(text, sizeof text, "%s", name);
	if (len && text[len - 1] == '+')
		text[len - 1] = '*';
	return json_string(text);
}

// "53", "1000:2000" and lists of them, as {"set": [...]}.
static json_t *ports(const char *list)
{
	json_t *set = json_array();

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		char *end;
		const long first = strtol(at, &end, 10);
		const long last = *end == ':' ? strtol(end + 1, NULL, 10) : first;

		(void)json_array_append_new(
			set, json_pack("{s:[I, I]}", "range", (json_int_t)first, (json_int_t)last));
	}
	return json_pack("{s:o}", "set", set);
}

// "RELATED,ESTABLISHED" as {"set": ["related", "established"]}.
static json_t *lower_words(const char *list)
{
	json_t *set = json_array();
	char word[WORD_SIZE];

	for (const char *at = list; *at;) {
		const size_t len = strcspn(at, ",");

		for (size_t i = 0; i < len && i < sizeof word; i++)
			word[i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] - 'A' + 'a') : at[i];
		(void)json_array_append_new(set, json_stringn(word, len < sizeof word ? len : 0));
		at += len + (at[len] == ',');
	}
	return json_pack("{s:o}", "set", set);
}

// The condition of one option, NULL for one that is none.
static json_t *condition(const char *option, const char *value, bool is_negated)
{
	if (strcmp(option, "-i") == 0)
		return match(is_negated, meta("iifname"), device(value));
	if (strcmp(option, "-o") == 0)
		return match(is_negated, meta("oifname"), device(value));
	if (strcmp(option, "-p") == 0)
		return match(is_negated, meta("l4proto"), json_string(value));
	if (strcmp(option, "--dport") == 0 || strcmp(option, "--dports") == 0)
		return match(
			is_negated,
			json_pack("{s:{s:s, s:s}}", "payload", "protocol", "th", "field", "dport"),
			ports(value));
	if (strcmp(option, "--ctstate") == 0 || strcmp(option, "--state") == 0)
		return match(is_negated, json_pack("{s:{s:s}}", "ct", "key", "state"),
			     lower_words(value));
	if (strcmp(option, "--dst-type") == 0)
		return match(is_negated, json_pack("{s:{s:s}}", "fib", "result", "type"),
			     lower_words(value));
	// Modules are told by their options; comments are none.
	if (strcmp(option, "--comment") == 0)
		return NULL;
	if (strcmp(option, "-m") == 0)
		return strcmp(value, "limit") == 0 ? json_pack("{s:{}}", "limit") : NULL;
	if (strncmp(option, "--limit", 7) == 0)
		return NULL;
	return not_understood();
}

static bool is_chain(const struct place *place, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach(place->objects, i, object)
	{
		const json_t *chain = json_object_get(object, "chain");
		const char *of = json_string_value(json_object_get(chain, "name"));

		if (of && strcmp(of, name) == 0)
			return true;
	}
	return false;
}

static json_t *target(const struct place *place, const char *option, const char *name)
{
	static const struct {
		const char *name;
		const char *verdict;
	} ends[] = { { "ACCEPT", "accept" },
		     { "DROP", "drop" },
		     { "REJECT", "reject" },
		     { "RETURN", "return" } };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (strcmp(name, ends[i].name) == 0)
			return json_pack("{s:n}", ends[i].verdict);
	}
	if (!is_chain(place, name)) // LOG, MARK, MASQUERADE: the packet goes on
		return NULL;
	return json_pack("{s:{s:s}}", strcmp(option, "-g") == 0 ? "goto" : "jump", "target", name);
}

static void add_rule(const struct place *place, const struct words *w)
{
	json_t *expr = json_array();
	bool is_negated = false;

	for (size_t i = 2; i < w->count; i++) {
		const char *option = w->word[i];
		const char *value = i + 1 < w->count ? w->word[i + 1] : "";
		json_t *one;

		if (strcmp(option, "!") == 0) {
			is_negated = true;
			continue;
		}
		if (option[0] != '-')
			continue;
		if (strcmp(option, "-j") == 0 || strcmp(option, "-g") == 0) {
			if ((one = target(place, option, value)))
				(void)json_array_append_new(expr, one);
			break; // what follows are the target's options
		}
		if ((one = condition(option, value, is_negated)))
			(void)json_array_append_new(expr, one);
		is_negated = false;
	}
	(void)json_array_append_new(place->objects,
				    json_pack("{s:{s:s, s:s, s:s, s:o}}", "rule", "family",
					      place->family, "table", place->table, "chain",
					      w->word[1], "expr", expr));
}

// ":INPUT DROP [0:0]" is a base chain, ":ufw-user-input - [0:0]" another one.
static void add_chain(const struct place *place, const struct words *w)
{
	const char *name = w->word[0] + 1;
	json_t *chain = json_pack("{s:s, s:s, s:s}", "family", place->family, "table", place->table,
				  "name", name);

	if (strcmp(w->word[1], "-") != 0) {
		const char *hook = strcmp(name, "INPUT") == 0     ? "input"
				   : strcmp(name, "FORWARD") == 0 ? "forward"
								  : "other";
		(void)json_object_set_new(chain, "hook", json_string(hook));
		(void)json_object_set_new(
			chain, "policy",
			json_string(strcmp(w->word[1], "DROP") == 0 ? "drop" : "accept"));
	}
	(void)json_array_append_new(place->objects, json_pack("{s:o}", "chain", chain));
}

void firewall_add_iptables(json_t *objects, const char *family, const char *text)
{
	struct place place = { .family = family, .objects = objects };
	CLEAN(free_ptr) struct words *w = malloc(sizeof *w);

	for (size_t len; w && *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		split(text, len, w);
		if (*text == '*' && w->count == 1)
			(void)snprintf(place.table, sizeof place.table, "%.31s", w->word[0] + 1);
		else if (*text == ':' && w->count >= 2)
			add_chain(&place, w);
		else if (w->count >= 2 && strcmp(w->word[0], "-A") == 0)
			add_rule(&place, w);
	}
}
