#include "names/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/clean.h"

enum { ADDRESS_SIZE = 64 };

struct words {
	const char *at, *end;
};

// What a hosts file says of the host itself.
static const char *const own_names[] = {
	"localhost",      "localhost.localdomain", "local",           "broadcasthost",
	"ip6-localhost",  "ip6-loopback",          "ip6-localnet",    "ip6-allnodes",
	"ip6-allrouters", "ip6-allhosts",          "ip6-mcastprefix", "0.0.0.0",
};

int name_rule_parse(const char *text, size_t len, struct name_rule *ret, struct err *err)
{
	struct name_rule rule = { .how = NAME_EXACT | NAME_BELOW };
	if (len > 1 && text[0] == '=') {
		rule.how = NAME_EXACT;
		text++, len--;
	} else if (len > 2 && text[0] == '*' && text[1] == '.') {
		rule.how = NAME_BELOW;
		text += 2, len -= 2;
	}
	int r = name_parse(text, len, &rule.name, err);
	if (r < 0)
		return r;
	*ret = rule;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool next_word(struct words *words, const char **ret_word, size_t *ret_len)
{
	while (words->at < words->end && is_blank(*words->at))
		words->at++;
	const char *start = words->at;
	if (start == words->end || *start == '#')
		return false;
	while (words->at < words->end && !is_blank(*words->at))
		words->at++;
	*ret_word = start;
	*ret_len = (size_t)(words->at - start);
	return true;
}

static bool is_address(const char *word, size_t len)
{
	char text[ADDRESS_SIZE];
	uint8_t address[16];
	if (len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	char *zone = strchr(text, '%');
	if (zone)
		*zone = '\0';
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_own(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(own_names); i++)
		if (strlen(own_names[i]) == len && memcmp(own_names[i], word, len) == 0)
			return true;
	return false;
}

struct reading {
	name_rule_fn take;
	void *context;
	size_t number; // of the line
	struct name_lines lines;
};

static void note_bad(struct reading *reading, const struct err *why)
{
	struct name_lines *lines = &reading->lines;
	lines->bad++;
	if (lines->first_bad == 0) {
		lines->first_bad = reading->number;
		lines->first_why = *why;
	}
}

// Takes a word that should be a rule; below 0: what `take` said.
static int take_word(struct reading *reading, const char *word, size_t len, bool is_hosts)
{
	struct name_rule rule;
	struct err why = { 0 };
	int r = is_hosts ? name_parse(word, len, &rule.name, &why)
			 : name_rule_parse(word, len, &rule, &why);
	if (r < 0) {
		note_bad(reading, &why);
		return 0;
	}
	if (is_hosts)
		rule.how = NAME_EXACT;
	reading->lines.rules++;
	return reading->take(reading->context, &rule);
}

// The word of a line that holds one name; nothing of one that says more is taken.
static int take_only(struct reading *reading, struct words rest, const char *word, size_t len)
{
	const char *more;
	size_t more_len;
	if (next_word(&rest, &more, &more_len)) {
		struct err why = { 0 };
		(void)err_set(&why, -EINVAL, "a line holds one name");
		note_bad(reading, &why);
		return 0;
	}
	if (len > 3 && memcmp(word, "||", 2) == 0 && word[len - 1] == '^')
		word += 2, len -= 3;
	return take_word(reading, word, len, false);
}

static int take_line(struct reading *reading, struct words words)
{
	const char *word;
	size_t len;
	if (!next_word(&words, &word, &len) || *word == '!' || *word == '[')
		return 0;
	reading->lines.lines++;
	if (!is_address(word, len))
		return take_only(reading, words, word, len);
	int r = 0;
	while (r >= 0 && next_word(&words, &word, &len))
		if (!is_own(word, len))
			r = take_word(reading, word, len, true);
	return r;
}

int name_lines_read(const char *text, size_t len, name_rule_fn take, void *context,
		    struct name_lines *ret, struct err *err)
{
	struct reading reading = { .take = take, .context = context };
	const char *end = text + len;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const struct words words = { text, newline ? newline : end };
		reading.number++;
		int r = take_line(&reading, words);
		if (r < 0)
			return r;
		text = newline ? newline + 1 : end;
	}
	const struct name_lines *lines = &reading.lines;
	if (lines->bad > 10 && lines->bad >= lines->rules)
		return err_set(
			err, -EINVAL,
			"this is no list of names: %zu of %zu lines are none, the first because %s",
			lines->bad, lines->lines, lines->first_why.text);
	*ret = *lines;
	return 0;
}
