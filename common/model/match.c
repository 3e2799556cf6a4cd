#include "model/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "names/name.h"

// Host bits are refused where a length is written: -EINVAL and a sentence. -ENOENT without one: it
// is nothing of the kind.
static int parse_range(const char *text, struct prefix *ret, struct err *err)
{
	struct prefix loose;

	if (prefix_parse_host(text, &loose, NULL) < 0)
		return -ENOENT;
	if (strchr(text, '/'))
		return prefix_parse(text, ret, err);
	*ret = loose;
	return 0;
}

static bool is_name(const char *text)
{
	struct name name;

	return name_parse(text, strlen(text), &name, NULL) == 0;
}

int source_parse(const char *text, struct source *ret, struct err *err)
{
	static const struct {
		const char *word;
		enum source_kind kind;
	} words[] = {
		{ "site/", SOURCE_SITE },
		{ "node/", SOURCE_NODE },
		{ "tag/", SOURCE_TAG },
	};
	struct prefix prefix;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const size_t len = strlen(words[i].word);

		if (strncmp(text, words[i].word, len) != 0)
			continue;
		const int rc = name_check(text + len, err);
		if (rc == 0)
			*ret = (struct source){ .kind = words[i].kind, .name = text + len };
		return rc;
	}
	const int rc = parse_range(text, &prefix, err);
	if (rc == -EINVAL)
		return rc;
	if (rc < 0)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no site/NAME, node/NAME, tag/NAME, prefix or address",
			       text);
	*ret = (struct source){ .kind = SOURCE_PREFIX, .prefix = prefix };
	return 0;
}

int destination_parse(const char *text, struct destination *ret, struct err *err)
{
	static const char list[] = "list/";
	struct prefix prefix;

	if (strncmp(text, list, strlen(list)) == 0) {
		const int rc = name_check(text + strlen(list), err);
		if (rc == 0)
			*ret = (struct destination){ .kind = DESTINATION_LIST,
						     .name = text + strlen(list) };
		return rc;
	}
	if (strcmp(text, "any") == 0) {
		*ret = (struct destination){ .kind = DESTINATION_ANY };
		return 0;
	}
	const int rc = parse_range(text, &prefix, err);
	if (rc == -EINVAL)
		return rc;
	if (rc < 0 && is_name(text))
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no prefix or address: names go into a domain-list, "
			       "list/NAME",
			       text);
	if (rc < 0)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is neither any nor list/NAME, a prefix or an address",
			       text);
	*ret = (struct destination){ .kind = DESTINATION_PREFIX, .prefix = prefix };
	return 0;
}

// A number of 1 to 65535, ended by `end`.
static const char *parse_port(const char *at, uint16_t *ret)
{
	char *end;
	const unsigned long value = *at >= '1' && *at <= '9' ? strtoul(at, &end, 10) : 0;

	if (value == 0 || value > UINT16_MAX)
		return NULL;
	*ret = (uint16_t)value;
	return end;
}

int ports_parse(const char *text, struct ports *ret, struct err *err)
{
	const bool is_tcp = strncmp(text, "tcp", 3) == 0, is_udp = strncmp(text, "udp", 3) == 0;
	struct ports ports = { is_tcp ? 6 : 17, 1, UINT16_MAX };
	const char *at = is_tcp || is_udp ? text + 3 : NULL;

	if (at && *at == '/') {
		at = parse_port(at + 1, &ports.first);
		ports.last = ports.first;
		if (at && *at == '-')
			at = parse_port(at + 1, &ports.last);
	}
	if (!at || *at)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no protocol and port such as tcp/443, udp/5000-6000 "
			       "or tcp",
			       text);
	if (ports.first > ports.last)
		return err_set(err, -EINVAL, "%.60s ends before it begins", text);
	*ret = ports;
	return 0;
}
