#include "uplink/enrol_key.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

CLEAN_FUNC(json_t, json_decref)

void enrol_key_done(struct enrol_key *key)
{
	for (size_t i = 0; i < key->url_count; i++)
		free(key->urls[i]);
	free(key->id);
	if (key->secret)
		OPENSSL_cleanse(key->secret, strlen(key->secret));
	free(key->secret);
	*key = (struct enrol_key){ 0 };
}

// base64url without padding; returns the length or -EINVAL. `out` holds at least 3/4 of the text
// and 4 more bytes.
static int decode_base64url(const char *text, size_t len, unsigned char *out)
{
	char padded[ENROL_KEY_TEXT_MAX + 4];
	if (len == 0 || len > ENROL_KEY_TEXT_MAX || len % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		// EVP_DecodeBlock skips white space and takes the other alphabet; this form has
		// neither.
		if (strchr("+/= \t\r\n", c))
			return -EINVAL;
		padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	size_t pad = (4 - len % 4) % 4;
	memset(padded + len, '=', pad);
	int n = EVP_DecodeBlock(out, (const unsigned char *)padded, (int)(len + pad));
	return n < 0 ? -EINVAL : n - (int)pad;
}

static int parse_urls(const json_t *list, struct enrol_key *key, struct err *err)
{
	size_t i;
	const json_t *url;
	json_array_foreach(list, i, url)
	{
		char host[256];
		int port;
		if (i == ENROL_KEY_URLS_MAX)
			break;
		if (!json_is_string(url) ||
		    !text_starts(json_string_value(url), "https://", NULL) ||
		    enrol_key_host_port(json_string_value(url), 443, host, sizeof host, &port) < 0)
			return err_set(
				err, -EINVAL,
				"the enrolment key names a controller that is no https:// address");
		key->urls[i] = strdup(json_string_value(url));
		if (!key->urls[i])
			return err_set(err, -ENOMEM, "out of memory");
		key->url_count = i + 1;
	}
	if (key->url_count == 0)
		return err_set(err, -EINVAL, "the enrolment key names no controller");
	return 0;
}

static int parse_hash(const char *hex, unsigned char *ret_hash)
{
	if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdefABCDEF") != 64)
		return -EINVAL;
	for (size_t i = 0; i < 32; i++) {
		const char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		ret_hash[i] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return 0;
}

static int parse_json(const json_t *json, struct enrol_key *key, struct err *err)
{
	const char *id = json_string_value(json_object_get(json, "i"));
	const char *secret = json_string_value(json_object_get(json, "s"));
	if (parse_hash(json_string_value(json_object_get(json, "h")), key->ca_sha256) < 0)
		return err_set(err, -EINVAL, "the enrolment key lacks the authority's hash");
	if (!id || !secret || !*id || !*secret)
		return err_set(err, -EINVAL, "the enrolment key lacks its name or secret");
	key->id = strdup(id);
	key->secret = strdup(secret);
	if (!key->id || !key->secret)
		return err_set(err, -ENOMEM, "out of memory");
	return parse_urls(json_object_get(json, "u"), key, err);
}

int enrol_key_parse(const char *text, struct enrol_key *ret_key, struct err *err)
{
	const char *body;
	unsigned char bytes[ENROL_KEY_TEXT_MAX + 8];
	if (!text_starts(text, "weft1.", &body))
		return err_set(err, -EINVAL,
			       "this is no enrolment key: it does not begin with weft1.");
	int len = decode_base64url(body, strlen(body), bytes);
	if (len < 0)
		return err_set(err, -EINVAL, "the enrolment key is damaged: copy it again in full");
	CLEAN(json_decref_ptr) json_t *json = json_loadb((const char *)bytes, (size_t)len, 0, NULL);
	OPENSSL_cleanse(bytes, sizeof bytes);
	if (!json_is_object(json))
		return err_set(err, -EINVAL, "the enrolment key is damaged: copy it again in full");
	CLEAN(enrol_key_done) struct enrol_key key = { 0 };
	int r = parse_json(json, &key, err);
	if (r < 0)
		return r;
	*ret_key = key;
	key = (struct enrol_key){ 0 };
	return 0;
}

static int parse_port(const char *text, int *ret_port)
{
	char *end;
	long port = strtol(text, &end, 10);
	if (end == text || (*end != '\0' && *end != '/') || *text < '0' || *text > '9' ||
	    port < 1 || port > 65535)
		return -EINVAL;
	*ret_port = (int)port;
	return 0;
}

int enrol_key_host_port(const char *text, int default_port, char *ret_host, size_t size,
			int *ret_port)
{
	const char *host = text;
	if (!text_starts(text, "https://", &host))
		(void)text_starts(text, "wss://", &host);
	size_t len;
	const char *after;
	if (*host == '[') {
		host++;
		len = strcspn(host, "]/");
		if (host[len] != ']')
			return -EINVAL;
		after = host + len + 1;
	} else {
		len = strcspn(host, ":/");
		after = host + len;
		// A bare IPv6 address has no port.
		if (*after == ':' && strchr(after + 1, ':')) {
			len = strcspn(host, "/");
			after = host + len;
		}
	}
	if (len == 0 || len >= size || (*after && *after != ':' && *after != '/'))
		return -EINVAL;
	int port = default_port;
	if (*after == ':' && parse_port(after + 1, &port) < 0)
		return -EINVAL;
	memcpy(ret_host, host, len);
	ret_host[len] = '\0';
	*ret_port = port;
	return 0;
}
