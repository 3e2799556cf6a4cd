#include "webhook/message.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/net.h"

#define KEY_MAX      4096
#define ENCODED_SIZE 45 // 32 bytes as base64, and a NUL

static json_t *event_json(const struct webhook_target *target, const struct store_event *event,
			  const char *id)
{
	char at[TIME_TEXT_SIZE];
	return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s?, s:s}", "id", id, "webhook",
			 target->name, "at", time_format(event->at_ms, at), "node", event->node,
			 "severity", event->severity, "kind", event->kind, "entry", event->entry,
			 "text", event->text);
}

static json_t *text_json(const struct store_event *event)
{
	CLEAN(free_ptr)
	char *line = text_format("%s%s%s: %s", event->severity, event->node ? " " : "",
				 event->node ? event->node : "", event->text);
	return line ? json_pack("{s:s}", "text", line) : NULL;
}

int webhook_message_make(const struct webhook_target *target, const struct store_event *event,
			 const char *controller_id, struct webhook_message *ret, struct err *err)
{
	struct webhook_message message = { 0 };
	(void)snprintf(message.id, sizeof message.id, "%s-%lld", controller_id,
		       (long long)event->id);
	json_auto_t *body = target->format == WEBHOOK_TEXT ? text_json(event)
							   : event_json(target, event, message.id);
	message.body = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (!message.body)
		return err_set(err, -ENOMEM, "out of memory");
	*ret = message;
	return 0;
}

void webhook_message_done(struct webhook_message *message)
{
	free(message->body);
	*message = (struct webhook_message){ 0 };
}

static int read_key(const char *secret, unsigned char key[KEY_MAX], size_t *ret_len,
		    struct err *err)
{
	const char *encoded;
	size_t len = strcspn(secret, "\r\n");
	if (len == 0 || len > KEY_MAX)
		return err_set(err, -EINVAL, "the secret is not 1..%d bytes long", KEY_MAX);
	if (!text_starts(secret, "whsec_", &encoded)) {
		memcpy(key, secret, len);
		*ret_len = len;
		return 0;
	}
	len -= (size_t)(encoded - secret);
	int n = EVP_DecodeBlock(key, (const unsigned char *)encoded, (int)len);
	// OpenSSL counts what padding stands for.
	for (size_t i = 1; n > 0 && i <= 2 && i <= len && encoded[len - i] == '='; i++)
		n--;
	if (n <= 0)
		return err_set(err, -EINVAL,
			       "the secret begins with whsec_ but is no base64 behind it");
	*ret_len = (size_t)n;
	return 0;
}

int webhook_sign(const struct webhook_message *message, int64_t timestamp_s, const char *secret,
		 char ret_signature[WEBHOOK_SIGNATURE_SIZE], struct err *err)
{
	unsigned char key[KEY_MAX];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned char encoded[ENCODED_SIZE];
	unsigned int mac_len = 0;
	size_t key_len = 0;
	int r = read_key(secret, key, &key_len, err);
	CLEAN(free_ptr)
	char *signed_text =
		text_format("%s.%lld.%s", message->id, (long long)timestamp_s, message->body);
	if (r == 0 && (!signed_text ||
		       !HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)signed_text,
			     strlen(signed_text), mac, &mac_len)))
		r = err_set(err, -ENOMEM, "out of memory");
	explicit_bzero(key, sizeof key);
	if (r < 0)
		return r;
	(void)EVP_EncodeBlock(encoded, mac, (int)mac_len);
	(void)snprintf(ret_signature, WEBHOOK_SIGNATURE_SIZE, "v1,%s", (const char *)encoded);
	return 0;
}
