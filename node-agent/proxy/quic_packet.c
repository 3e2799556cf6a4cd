#include "proxy/quic_packet.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/octets.h"

enum {
	LONG_HEADER = 0x80,
	SAMPLE_SIZE = 16,
	NUMBER_MAX = 4, // bytes of a packet number
	TAG_SIZE = 16,
	V1_INITIAL = 0, // RFC 9000 §17.2
	V1_RETRY = 3,
	V2_INITIAL = 1, // RFC 9369 §3.2
	V2_RETRY = 0,
};

int64_t quic_number(const uint8_t *data, size_t len, size_t *at)
{
	if (*at >= len)
		return -EINVAL;
	size_t size = (size_t)1 << (data[*at] >> 6);
	if (size > len - *at)
		return -EINVAL;
	uint64_t mask = UINT64_MAX >> (64 - (8 * size - 2));
	int64_t value = (int64_t)(octets_get(data + *at, size) & mask);
	*at += size;
	return value;
}

// A connection id behind its length.
static bool cut_id(const uint8_t *data, size_t len, size_t *at, size_t *ret_len)
{
	if (*at >= len || data[*at] > QUIC_ID_MAX || data[*at] >= len - *at)
		return false;
	*ret_len = data[*at];
	*at += 1 + *ret_len;
	return true;
}

enum quic_cut quic_packet_cut(const uint8_t *data, size_t len, struct quic_packet *ret)
{
	size_t at = 5, source_len;
	if (len < 7 || !(data[0] & LONG_HEADER))
		return QUIC_CUT_END;
	struct quic_packet packet = { .at = data, .version = (uint32_t)octets_get(data + 1, 4) };
	if (packet.version != QUIC_V1 && packet.version != QUIC_V2)
		return QUIC_CUT_FOREIGN;
	unsigned type = data[0] >> 4 & 3;
	packet.type = type == (packet.version == QUIC_V1 ? V1_INITIAL : V2_INITIAL) ? QUIC_INITIAL
										    : QUIC_OTHER;
	if (type == (packet.version == QUIC_V1 ? V1_RETRY : V2_RETRY))
		return QUIC_CUT_END; // servers send it
	packet.id = data + at + 1;
	if (!cut_id(data, len, &at, &packet.id_len) || !cut_id(data, len, &at, &source_len))
		return QUIC_CUT_END;
	if (packet.type == QUIC_INITIAL) {
		int64_t token = quic_number(data, len, &at);
		if (token < 0 || (uint64_t)token > len - at)
			return QUIC_CUT_END;
		at += (size_t)token;
	}
	int64_t left = quic_number(data, len, &at);
	if (left < 0 || (uint64_t)left > len - at)
		return QUIC_CUT_END;
	packet.number_at = at;
	packet.size = at + (size_t)left;
	*ret = packet;
	return QUIC_CUT_PACKET;
}

// AES of one block: what covers the header (RFC 9001 §5.4.3).
static int header_mask(const uint8_t hp[QUIC_KEY_SIZE], const uint8_t sample[SAMPLE_SIZE],
		       uint8_t ret[SAMPLE_SIZE])
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int len;
	bool is_ok = cipher && EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, hp, NULL) == 1 &&
		     EVP_EncryptUpdate(cipher, ret, &len, sample, SAMPLE_SIZE) == 1;
	EVP_CIPHER_CTX_free(cipher);
	return is_ok ? 0 : -EIO;
}

// The header as it was before it was covered.
struct clear_header {
	uint8_t first;
	uint8_t number[NUMBER_MAX];
	size_t number_len;
};

// Hands the header over as what the tag also covers.
static bool add_header(EVP_CIPHER_CTX *cipher, const struct quic_packet *packet,
		       const struct clear_header *header)
{
	int len;
	return EVP_DecryptUpdate(cipher, NULL, &len, &header->first, 1) == 1 &&
	       EVP_DecryptUpdate(cipher, NULL, &len, packet->at + 1, (int)packet->number_at - 1) ==
		       1 &&
	       EVP_DecryptUpdate(cipher, NULL, &len, header->number, (int)header->number_len) == 1;
}

static int open_body(const struct quic_packet *packet, const struct quic_keys *keys,
		     const struct clear_header *header, uint8_t *ret)
{
	uint8_t nonce[QUIC_IV_SIZE], tag[TAG_SIZE];
	int len = 0, rest;
	const uint8_t *body = packet->at + packet->number_at + header->number_len;
	size_t size = (size_t)(packet->at + packet->size - body) - TAG_SIZE;
	memcpy(nonce, keys->iv, sizeof(nonce));
	for (size_t i = 0; i < header->number_len; i++)
		nonce[QUIC_IV_SIZE - header->number_len + i] ^= header->number[i];
	memcpy(tag, body + size, TAG_SIZE);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	bool is_ok = cipher &&
		     EVP_DecryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, keys->key, nonce) == 1 &&
		     add_header(cipher, packet, header) &&
		     EVP_DecryptUpdate(cipher, ret, &len, body, (int)size) == 1 &&
		     EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
		     EVP_DecryptFinal_ex(cipher, ret + len, &rest) == 1;
	EVP_CIPHER_CTX_free(cipher);
	return is_ok ? (int)size : -EBADMSG;
}

int quic_packet_open(const struct quic_packet *packet, const struct quic_keys *keys,
		     uint8_t *ret_frames)
{
	uint8_t mask[SAMPLE_SIZE];
	const uint8_t *number = packet->at + packet->number_at;
	if (packet->size < packet->number_at + NUMBER_MAX + SAMPLE_SIZE)
		return -EBADMSG;
	int r = header_mask(keys->hp, number + NUMBER_MAX, mask);
	if (r < 0)
		return r;
	struct clear_header header = { .first = packet->at[0] ^ (mask[0] & 0x0f) };
	header.number_len = (header.first & 3u) + 1;
	for (size_t i = 0; i < header.number_len; i++)
		header.number[i] = number[i] ^ mask[1 + i];
	return open_body(packet, keys, &header, ret_frames);
}
