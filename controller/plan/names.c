#include "plan/names.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define NAME_CHARS 8

static void name_make(char name[DEVICE_NAME_SIZE], char letter, const char *text)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char hash[SHA256_DIGEST_LENGTH];
	uint64_t bits = 0;

	(void)SHA256((const unsigned char *)text, strlen(text), hash);
	for (int i = 0; i < 5; i++)
		bits = bits << 8 | hash[i];
	name[0] = 'w';
	name[1] = letter;
	for (int i = 0; i < NAME_CHARS; i++)
		name[2 + i] = alphabet[bits >> (35 - 5 * i) & 31];
	name[2 + NAME_CHARS] = 0;
}

void name_wireguard(char name[DEVICE_NAME_SIZE], int64_t network_id)
{
	char text[64];

	(void)snprintf(text, sizeof text, "networks/%lld", (long long)network_id);
	name_make(name, 'g', text);
}

void name_bridge(char name[DEVICE_NAME_SIZE], int64_t segment_id)
{
	char text[64];

	(void)snprintf(text, sizeof text, "segments/%lld", (long long)segment_id);
	name_make(name, 'b', text);
}

void name_wire(char name[DEVICE_NAME_SIZE], int64_t segment_id, int64_t peer_id)
{
	char text[64];

	(void)snprintf(text, sizeof text, "segments/%lld/%lld", (long long)segment_id,
		       (long long)peer_id);
	name_make(name, 'v', text);
}

void name_gateway_wire(char name[DEVICE_NAME_SIZE], int64_t gateway_id, int64_t ingress_id)
{
	char text[64];

	(void)snprintf(text, sizeof text, "gateways/%lld/%lld", (long long)gateway_id,
		       (long long)ingress_id);
	name_make(name, 'v', text);
}

void name_mac(char mac[MAC_TEXT_SIZE], int64_t segment_id, int64_t node_id)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	const uint32_t n = (uint32_t)node_id;
	char text[64];

	(void)snprintf(text, sizeof text, "mac/%lld", (long long)segment_id);
	(void)SHA256((const unsigned char *)text, strlen(text), hash);
	(void)snprintf(mac, MAC_TEXT_SIZE, "02:%02x:%02x:%02x:%02x:%02x", hash[0], n >> 24 & 0xff,
		       n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
}
