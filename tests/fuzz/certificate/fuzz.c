// Certificates and requests as strangers send them: the first byte says whether the rest is PEM
// text or the DER inside of it, and of which kind.
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/pki.h"
#include "uplink/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 20000 };

// Base64 in lines of 64 between the marks.
static char *armour(const uint8_t *der, size_t size, const char *label)
{
	char *text = malloc(size * 2 + 200);
	unsigned char line[80];
	size_t at = 0;

	if (!text)
		return NULL;
	at += (size_t)sprintf(text, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < size; i += 48) {
		const size_t part = size - i < 48 ? size - i : 48;

		(void)EVP_EncodeBlock(line, der + i, (int)part);
		at += (size_t)sprintf(text + at, "%s\n", line);
	}
	(void)sprintf(text + at, "-----END %s-----\n", label);
	return text;
}

static void try_request(const char *pem)
{
	char hash[PKI_HASH_SIZE];
	struct err err = { 0 };

	if (pki_csr_key_hash(pem, hash, &err) < 0 && err.text[0] == '\0')
		abort();
}

static void try_certificate(const char *pem)
{
	struct pki_peer peer = { 0 };
	char pin[PKI_PIN_SIZE];
	int64_t from = 0, to = 0;

	if (pki_peer_read_pem(pem, &peer, NULL) == 0 &&
	    (peer.node_id <= 0 || strlen(peer.name) >= PKI_NAME_SIZE))
		abort();
	(void)pki_pin(pem, pin, NULL);
	(void)credential_life(pem, &from, &to, NULL);
	if (credential_check(pem, pem, pem, 1800000000, NULL) == 0)
		abort(); // a text is never certificate, key and issuer in one
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > INPUT_MAX)
		return 0;
	const unsigned kind = data[0] % 3;
	char *text = kind == 0 ? strndup((const char *)data + 1, size - 1)
			       : armour(data + 1, size - 1,
					kind == 1 ? "CERTIFICATE REQUEST" : "CERTIFICATE");
	if (!text)
		return 0;
	if (kind != 2)
		try_request(text);
	if (kind != 1)
		try_certificate(text);
	free(text);
	return 0;
}
