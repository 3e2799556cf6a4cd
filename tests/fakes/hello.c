#include "hello.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/octets.h"

// Bytes being put together.
struct sheet {
	uint8_t *data;
	size_t len;
};

static void put(struct sheet *sheet, uint64_t value, size_t size)
{
	octets_put(sheet->data + sheet->len, value, size);
	sheet->len += size;
}

static void put_bytes(struct sheet *sheet, const void *bytes, size_t len)
{
	memcpy(sheet->data + sheet->len, bytes, len);
	sheet->len += len;
}

static void put_filler(struct sheet *sheet, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sheet->data[sheet->len++] = (uint8_t)(i * 7);
}

// Room for a length of `size` bytes, filled in by `end`.
static size_t begin(struct sheet *sheet, size_t size)
{
	sheet->len += size;
	return sheet->len;
}

static void end(struct sheet *sheet, size_t start, size_t size)
{
	octets_put(sheet->data + start - size, sheet->len - start, size);
}

static void put_name(struct sheet *sheet, const char *name)
{
	put(sheet, 0, 2);
	size_t extension = begin(sheet, 2), list = begin(sheet, 2);
	put(sheet, 0, 1);
	size_t host = begin(sheet, 2);
	put_bytes(sheet, name, strlen(name));
	end(sheet, host, 2);
	end(sheet, list, 2);
	end(sheet, extension, 2);
}

static void put_extension(struct sheet *sheet, unsigned type, size_t len)
{
	put(sheet, type, 2);
	put(sheet, len, 2);
	put_filler(sheet, len);
}

size_t hello_make(const struct hello_form *form, uint8_t ret[HELLO_SIZE])
{
	struct sheet sheet = { ret, 0 };
	put(&sheet, 1, 1);
	size_t body = begin(&sheet, 3);
	put(&sheet, 0x0303, 2);
	put_filler(&sheet, 32);
	put(&sheet, 32, 1);
	put_filler(&sheet, 32);
	put(&sheet, 2, 2);
	put(&sheet, 0x1301, 2);
	put(&sheet, 0x0100, 2);
	size_t extensions = begin(&sheet, 2);
	put_extension(&sheet, 0x0a0a, 0);
	put_extension(&sheet, 51, form->key_share);
	for (int i = 0; form->name && i <= form->has_name_twice; i++)
		put_name(&sheet, form->name);
	if (form->has_ech)
		put_extension(&sheet, 0xfe0d, 100);
	put_extension(&sheet, 43, 3);
	end(&sheet, extensions, 2);
	end(&sheet, body, 3);
	return sheet.len;
}

size_t hello_records(const uint8_t *hello, size_t len, size_t piece, uint8_t *ret)
{
	struct sheet sheet = { ret, 0 };
	for (size_t at = 0; at < len; at += piece) {
		size_t size = piece < len - at ? piece : len - at;
		put(&sheet, 0x160301, 3);
		put(&sheet, size, 2);
		put_bytes(&sheet, hello + at, size);
	}
	return sheet.len;
}

// Four bytes are enough for every number here.
static void put_number(struct sheet *sheet, size_t value)
{
	put(sheet, 0x80000000 | value, 4);
}

size_t initial_crypto(const uint8_t *hello, size_t offset, size_t len, uint8_t *ret)
{
	struct sheet sheet = { ret, 0 };
	put(&sheet, 6, 1);
	put_number(&sheet, offset);
	put_number(&sheet, len);
	put_bytes(&sheet, hello + offset, len);
	return sheet.len;
}

static void seal(const struct quic_keys *keys, uint32_t number, struct sheet *head,
		 const uint8_t *frames, size_t len)
{
	uint8_t nonce[QUIC_IV_SIZE];
	int size;
	memcpy(nonce, keys->iv, sizeof(nonce));
	for (size_t i = 0; i < 4; i++)
		nonce[QUIC_IV_SIZE - 1 - i] ^= (uint8_t)(number >> 8 * i);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int is_ok =
		EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, keys->key, nonce) &&
		EVP_EncryptUpdate(cipher, NULL, &size, head->data, (int)head->len) &&
		EVP_EncryptUpdate(cipher, head->data + head->len, &size, frames, (int)len) &&
		EVP_EncryptFinal_ex(cipher, head->data + head->len + len, &size) &&
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, head->data + head->len + len);
	assert(is_ok);
	(void)is_ok;
	EVP_CIPHER_CTX_free(cipher);
	head->len += len + 16;
}

static void cover(const struct quic_keys *keys, uint8_t *packet, size_t number_at)
{
	uint8_t mask[16];
	int size;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int is_ok = EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, keys->hp, NULL) &&
		    EVP_EncryptUpdate(cipher, mask, &size, packet + number_at + 4, 16);
	assert(is_ok);
	(void)is_ok;
	EVP_CIPHER_CTX_free(cipher);
	packet[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < 4; i++)
		packet[number_at + i] ^= mask[1 + i];
}

size_t initial_seal(const struct initial_form *form, const uint8_t *frames, size_t len,
		    uint8_t *ret)
{
	struct sheet sheet = { ret, 0 };
	struct quic_keys keys;
	int r = quic_initial_keys(form->version, form->key_id ? form->key_id : form->id,
				  form->key_id ? form->key_id_len : form->id_len, &keys);
	assert(r == 0);
	(void)r;
	put(&sheet, (form->version == QUIC_V1 ? 0x83 : 0x93) | (form->is_greased ? 0 : 0x40), 1);
	put(&sheet, form->version, 4);
	put(&sheet, form->id_len, 1);
	put_bytes(&sheet, form->id, form->id_len);
	put(&sheet, 0, 1);
	if (form->token_len > 0)
		put_number(&sheet, form->token_len);
	else
		put(&sheet, 0, 1);
	put_filler(&sheet, form->token_len);
	put(&sheet, 0x4000 | (4 + len + 16), 2);
	size_t number_at = sheet.len;
	put(&sheet, form->number, 4);
	seal(&keys, form->number, &sheet, frames, len);
	cover(&keys, ret, number_at);
	return sheet.len;
}
