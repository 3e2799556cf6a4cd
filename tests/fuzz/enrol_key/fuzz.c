// What a person pastes behind `join`, and what stands inside of it: the text as it is, and the
// bytes as the JSON of a key that was encoded well.
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "uplink/enrol_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_text(const char *text)
{
	CLEAN(enrol_key_done) struct enrol_key key = { 0 };
	struct err err = { 0 };
	char host[256];
	int port = 0;

	if (enrol_key_host_port(text, 8443, host, sizeof host, &port) == 0 &&
	    (host[0] == '\0' || port < 1 || port > 65535))
		abort();
	if (enrol_key_parse(text, &key, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	if (!key.id || !key.secret || key.url_count == 0 || key.url_count > ENROL_KEY_URLS_MAX)
		abort();
	for (size_t i = 0; i < key.url_count; i++)
		(void)enrol_key_host_port(key.urls[i], 8443, host, sizeof host, &port);
}

static void try_encoded(const uint8_t *data, size_t size)
{
	char text[ENROL_KEY_TEXT_MAX * 2] = "weft1.";
	const size_t head = strlen(text);

	(void)EVP_EncodeBlock((unsigned char *)text + head, data, (int)size);
	for (char *c = text + head; *c; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=')
			*c = '\0';
	}
	try_text(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > ENROL_KEY_TEXT_MAX)
		return 0;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_text(text);
	try_encoded(data, size);
	free(text);
	return 0;
}
