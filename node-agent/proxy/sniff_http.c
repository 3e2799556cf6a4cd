#include <string.h>
#include <strings.h>

#include "base/clean.h"

#include "proxy/sniff.h"

// The longest there is: a flow that begins otherwise is not waited for.
enum { METHOD_MAX = 32 };

// Not NUL-terminated.
struct word {
	const char *at;
	size_t len;
};

static bool is_token(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

// Splits off the line at the start of `head`, without its end.
static struct word take_line(struct word *head)
{
	const char *newline = memchr(head->at, '\n', head->len);
	struct word line = { head->at, newline ? (size_t)(newline - head->at) : head->len };
	size_t used = newline ? line.len + 1 : line.len;
	head->at += used;
	head->len -= used;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static struct word trimmed(struct word word)
{
	while (word.len > 0 && (*word.at == ' ' || *word.at == '\t'))
		word.at++, word.len--;
	while (word.len > 0 && (word.at[word.len - 1] == ' ' || word.at[word.len - 1] == '\t'))
		word.len--;
	return word;
}

// `head` has a method at its start, as far as can be told.
static bool may_be_request(struct word head)
{
	size_t at = 0;
	while (at < head.len && at <= METHOD_MAX && is_token(head.at[at]))
		at++;
	if (at == head.len)
		return at <= METHOD_MAX;
	return at > 0 && at <= METHOD_MAX && head.at[at] == ' ';
}

// host[:port] of a Host field or a target.
static enum sniff_result read_authority(struct word authority, struct name *ret)
{
	const char *at = authority.len > 0 ? memchr(authority.at, '@', authority.len) : NULL;
	if (at) {
		authority.len -= (size_t)(at + 1 - authority.at);
		authority.at = at + 1;
	}
	if (authority.len == 0 || authority.at[0] == '[')
		return SNIFF_NO_NAME;
	const char *colon = memchr(authority.at, ':', authority.len);
	if (colon)
		authority.len = (size_t)(colon - authority.at);
	return sniff_host(authority.at, authority.len, ret);
}

// "METHOD target HTTP/1.x". A target that names the host itself goes before the Host field (RFC
// 9112 §3.2.2); `ret_authority` has a length then.
static enum sniff_result read_request_line(struct word line, struct word *ret_authority)
{
	static const char *const schemes[] = { "http://", "https://" };
	const char *space = memchr(line.at, ' ', line.len);
	if (!space)
		return SNIFF_BAD;
	struct word target = { space + 1, line.len - (size_t)(space + 1 - line.at) };
	space = memchr(target.at, ' ', target.len);
	if (!space)
		return SNIFF_BAD;
	struct word version = { space + 1, target.len - (size_t)(space + 1 - target.at) };
	target.len = (size_t)(space - target.at);
	if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0)
		return SNIFF_BAD;
	if (version.at[5] != '1')
		return SNIFF_FOREIGN;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i]);
		if (target.len < len || strncasecmp(target.at, schemes[i], len) != 0)
			continue;
		ret_authority->at = target.at + len;
		for (ret_authority->len = 0; ret_authority->len < target.len - len &&
					     !strchr("/?#", ret_authority->at[ret_authority->len]);)
			ret_authority->len++;
	}
	return SNIFF_NAME;
}

// The Host field among the others; SNIFF_BAD where two readers could find two different ones.
static enum sniff_result read_fields(struct word fields, struct word *ret_host, bool *ret_has_host)
{
	while (fields.len > 0) {
		struct word line = take_line(&fields);
		if (line.len == 0)
			break;
		const char *colon = memchr(line.at, ':', line.len);
		size_t name = 0;
		while (name < line.len && is_token(line.at[name]))
			name++;
		if (!colon || name == 0 || line.at + name != colon)
			return SNIFF_BAD;
		if (name != 4 || strncasecmp(line.at, "host", 4) != 0)
			continue;
		if (*ret_has_host)
			return SNIFF_BAD;
		*ret_has_host = true;
		*ret_host = trimmed((struct word){ colon + 1, line.len - name - 1 });
	}
	return SNIFF_NAME;
}

static enum sniff_result read_head(struct word head, struct name *ret)
{
	struct word authority = { 0 }, host = { 0 };
	bool has_host = false;
	enum sniff_result result = read_request_line(take_line(&head), &authority);
	if (result == SNIFF_NAME)
		result = read_fields(head, &host, &has_host);
	if (result != SNIFF_NAME)
		return result;
	return read_authority(authority.len > 0 ? authority : host, ret);
}

// Behind the empty line that ends the head; NULL when it is not there yet.
static const char *find_end(struct word head)
{
	const char *lf = memmem(head.at, head.len, "\n\n", 2);
	const char *crlf = memmem(head.at, head.len, "\n\r\n", 3);
	if (lf && (!crlf || lf < crlf))
		return lf + 2;
	return crlf ? crlf + 3 : NULL;
}

// What has no end yet: other protocols of lines are not waited for.
static enum sniff_result begin_request(struct word head)
{
	struct word authority = { 0 };
	if (!memchr(head.at, '\n', head.len))
		return SNIFF_MORE;
	const enum sniff_result result = read_request_line(take_line(&head), &authority);
	return result == SNIFF_NAME ? SNIFF_MORE : result;
}

// Servers may take a head that is too long here: the lines count that are there.
static enum sniff_result read_long(struct word head, struct name *ret)
{
	const char *last = memrchr(head.at, '\n', head.len);
	head.len = last ? (size_t)(last - head.at) : 0;
	const enum sniff_result result = read_head(head, ret);
	return result == SNIFF_NO_NAME ? SNIFF_BAD : result;
}

enum sniff_result sniff_http(const uint8_t *data, size_t len, struct sniff *ret)
{
	struct word head = { (const char *)data, len };
	*ret = (struct sniff){ .wants = len + 1 };
	// Empty lines before a request are allowed (RFC 9112 §2.2).
	while (head.len > 0 && (*head.at == '\r' || *head.at == '\n'))
		head.at++, head.len--;
	if (!may_be_request(head))
		return SNIFF_FOREIGN;
	const char *end = find_end(head);
	if (!end)
		return len < SNIFF_HTTP_MAX ? begin_request(head) : read_long(head, &ret->name);
	head.len = (size_t)(end - head.at);
	return read_head(head, &ret->name);
}
