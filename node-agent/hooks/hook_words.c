#include "hooks/hook_words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char *const event_names[HOOK_EVENTS] = {
	[HOOK_LINK_UP] = "link_up",
	[HOOK_LINK_DOWN] = "link_down",
	[HOOK_LINK_DEGRADED] = "link_degraded",
	[HOOK_LINK_ACTIVE] = "link_active",
	[HOOK_LINK_INACTIVE] = "link_inactive",
	[HOOK_HA_ACTIVE] = "ha_active",
	[HOOK_HA_INACTIVE] = "ha_inactive",
	[HOOK_GATEWAY_ACTIVE] = "gateway_active",
};

// docs/hooks.md says what each is.
static const char *const words[] = {
	"event",
	"subject",
	"cause",
	"self",
	"network",
	"node",
	"link_interface",
	"link_address",
	"link_addresses",
	"group",
	"gateway",
	"epoch",
	"vips",
	"lan_interface",
	"lan_address",
	"remote_prefix",
	"remote_prefixes_ipv4",
	"remote_prefixes_ipv6",
	"proto",
	NULL,
};

const char *hook_event_name(enum hook_event event)
{
	return event_names[event];
}

bool hook_event_parse(const char *name, enum hook_event *ret_event)
{
	for (int i = 0; i < HOOK_EVENTS; i++) {
		if (strcmp(event_names[i], name) == 0) {
			*ret_event = (enum hook_event)i;
			return true;
		}
	}
	return false;
}

static bool is_word(const char *name)
{
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

// One piece of an argument: text up to `len`, or a word.
struct piece {
	size_t len;    // of the source
	size_t skip;   // of it, before the text
	char word[64]; // "": text
};

static int next_piece(const char *at, struct piece *ret, struct err *err)
{
	*ret = (struct piece){ .len = strlen(at) };
	if (strncmp(at, "$${", 3) == 0) {
		ret->skip = 1;
		ret->len = 3;
		return 0;
	}
	if (strncmp(at, "${", 2) != 0) {
		for (const char *c = at + 1; *at && *c; c++) {
			if (*c == '$') {
				ret->len = (size_t)(c - at);
				return 0;
			}
		}
		return 0;
	}
	const char *end = strchr(at, '}');
	size_t len = end ? (size_t)(end - at) - 2 : 0;
	if (!end || len >= sizeof ret->word)
		return err_set(err, -EINVAL, "\"%.60s\": no } after ${", at);
	memcpy(ret->word, at + 2, len);
	ret->word[len] = '\0';
	ret->len = len + 3;
	if (is_word(ret->word))
		return 0;
	const char *near = text_nearest(ret->word, words);
	return err_set(err, -EINVAL, "${%s} is no word for hooks%s%s%s", ret->word,
		       near ? ", did you mean ${" : "", near ? near : "", near ? "}?" : "");
}

int hook_words_check(const char *argument, struct err *err)
{
	struct piece piece;
	int r = 0;
	for (const char *at = argument; *at && r == 0; at += piece.len)
		r = next_piece(at, &piece, err);
	return r;
}

static const char *value_of(const char *word, const struct hook_fact *facts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(facts[i].word, word) == 0)
			return facts[i].value;
	}
	return NULL;
}

int hook_words_expand(const char *argument, const struct hook_fact *facts, size_t n,
		      char **ret_argument, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	struct piece piece;
	for (const char *at = argument; *at; at += piece.len) {
		int r = next_piece(at, &piece, err);
		if (r < 0)
			return r;
		const char *value = piece.word[0] ? value_of(piece.word, facts, n) : NULL;
		if (piece.word[0] && !value)
			return err_set(err, -ENODATA, "${%s} is not known for this event",
				       piece.word);
		if (value)
			text_add(&t, value);
		else
			text_add_bytes(&t, at + piece.skip, piece.len - piece.skip);
	}
	char *made = text_take(&t);
	if (!made)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_argument = made;
	return 0;
}

char *hook_words_variable(const struct hook_fact *fact)
{
	char *made = text_format("WEFT_%s=%s", fact->word, fact->value);
	for (char *c = made; c && *c != '='; c++)
		*c = (char)toupper((unsigned char)*c);
	return made;
}
