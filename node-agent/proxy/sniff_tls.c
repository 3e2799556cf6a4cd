#include <string.h>

#include "base/octets.h"
#include "model/net.h"

#include "proxy/sniff.h"

enum {
	RECORD_HEAD = 5,
	RECORD_HANDSHAKE = 22,
	RECORD_BODY_MAX = 16384,
	HANDSHAKE_HEAD = 4,
	CLIENT_HELLO = 1,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ECH = 0xfe0d, // draft-ietf-tls-esni
	NAME_TYPE_HOST = 0,
	RANDOM_SIZE = 32,
};

// What is left to read; everything read from it is within it.
struct span {
	const uint8_t *at;
	size_t left;
};

static bool skip(struct span *span, size_t size)
{
	if (size > span->left)
		return false;
	span->at += size;
	span->left -= size;
	return true;
}

// A number of `size` bytes.
static bool take_number(struct span *span, size_t size, size_t *ret)
{
	const uint8_t *at = span->at;
	if (!skip(span, size))
		return false;
	*ret = (size_t)octets_get(at, size);
	return true;
}

// A vector: a length of `size` bytes and so many bytes.
static bool take_vector(struct span *span, size_t size, struct span *ret)
{
	size_t len;
	if (!take_number(span, size, &len) || len > span->left)
		return false;
	*ret = (struct span){ span->at, len };
	return skip(span, len);
}

enum sniff_result sniff_host(const char *text, size_t len, struct name *ret)
{
	char host[ADDRESS_TEXT_SIZE];
	struct address address;
	if (len < sizeof(host)) {
		memcpy(host, text, len);
		host[len] = '\0';
		if (address_parse(host, &address, NULL) == 0)
			return SNIFF_NO_NAME;
	}
	return name_parse(text, len, ret, NULL) < 0 ? SNIFF_BAD : SNIFF_NAME;
}

static enum sniff_result read_server_name(struct span extension, struct name *ret)
{
	struct span list, host;
	size_t type;
	if (!take_vector(&extension, 2, &list) || extension.left > 0)
		return SNIFF_BAD;
	while (list.left > 0) {
		if (!take_number(&list, 1, &type) || !take_vector(&list, 2, &host))
			return SNIFF_BAD;
		if (type == NAME_TYPE_HOST)
			return sniff_host((const char *)host.at, host.left, ret);
	}
	return SNIFF_NO_NAME;
}

static enum sniff_result read_extensions(struct span list, struct sniff *ret)
{
	enum sniff_result result = SNIFF_NO_NAME;
	bool has_name = false;
	while (list.left > 0) {
		size_t type;
		struct span body;
		if (!take_number(&list, 2, &type) || !take_vector(&list, 2, &body))
			return SNIFF_BAD;
		if (type == EXTENSION_ECH)
			ret->has_ech = true;
		if (type != EXTENSION_SERVER_NAME)
			continue;
		if (has_name)
			return SNIFF_BAD;
		has_name = true;
		result = read_server_name(body, &ret->name);
	}
	return result;
}

// The body of a ClientHello, RFC 8446 §4.1.2.
static enum sniff_result read_hello(struct span hello, struct sniff *ret)
{
	struct span session, suites, compression, extensions;
	if (!skip(&hello, 2 + RANDOM_SIZE) || !take_vector(&hello, 1, &session) ||
	    !take_vector(&hello, 2, &suites) || !take_vector(&hello, 1, &compression))
		return SNIFF_BAD;
	if (hello.left == 0)
		return SNIFF_NO_NAME;
	if (!take_vector(&hello, 2, &extensions) || hello.left > 0)
		return SNIFF_BAD;
	return read_extensions(extensions, ret);
}

enum sniff_result sniff_handshake(const uint8_t *data, size_t len, struct sniff *ret)
{
	*ret = (struct sniff){ .wants = HANDSHAKE_HEAD };
	if (len > 0 && data[0] != CLIENT_HELLO)
		return SNIFF_FOREIGN;
	if (len < HANDSHAKE_HEAD)
		return SNIFF_MORE;
	size_t size = (size_t)octets_get(data + 1, 3);
	if (size > SNIFF_HELLO_MAX)
		return SNIFF_BAD;
	ret->wants = HANDSHAKE_HEAD + size;
	if (len < ret->wants)
		return SNIFF_MORE;
	return read_hello((struct span){ data + HANDSHAKE_HEAD, size }, ret);
}

// A record's head at `at`, as far as it is there.
static enum sniff_result check_record(const uint8_t *at, size_t len, size_t *ret_size)
{
	if (len > 0 && at[0] != RECORD_HANDSHAKE)
		return SNIFF_FOREIGN;
	if (len > 1 && at[1] != 3)
		return SNIFF_FOREIGN;
	if (len < RECORD_HEAD)
		return SNIFF_MORE;
	*ret_size = (size_t)octets_get(at + 3, 2);
	return *ret_size == 0 || *ret_size > RECORD_BODY_MAX ? SNIFF_BAD : SNIFF_NAME;
}

enum sniff_result sniff_tls(const uint8_t *data, size_t len, struct sniff *ret)
{
	uint8_t hello[HANDSHAKE_HEAD + SNIFF_HELLO_MAX];
	size_t have = 0;
	*ret = (struct sniff){ 0 };
	for (size_t at = 0; at < SNIFF_TLS_MAX;) {
		size_t left = len - at, size = 0;
		enum sniff_result result = check_record(data + at, left, &size);
		// Another kind of record in the middle of a hello is an error, not another
		// protocol.
		if (result == SNIFF_FOREIGN && at > 0)
			result = SNIFF_BAD;
		ret->wants = at + RECORD_HEAD;
		if (result != SNIFF_NAME)
			return result;
		size_t take = size < left - RECORD_HEAD ? size : left - RECORD_HEAD;
		if (take > sizeof(hello) - have)
			take = sizeof(hello) - have;
		memcpy(hello + have, data + at + RECORD_HEAD, take);
		have += take;
		result = sniff_handshake(hello, have, ret);
		if (result != SNIFF_MORE)
			return result;
		size_t missing = ret->wants - have;
		at += RECORD_HEAD + size;
		ret->wants = at < len + missing ? at : len + missing;
		if (ret->wants > len)
			return SNIFF_MORE;
	}
	return SNIFF_BAD;
}
