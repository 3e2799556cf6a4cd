// Addresses, prefixes, endpoints, durations, times and names: what is understood is written and
// understood again as the same.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void try_address(const char *text)
{
	struct address a, again;
	char out[ADDRESS_TEXT_SIZE];

	if (address_parse(text, &a, NULL) < 0)
		return;
	require(address_parse(address_format(&a, out), &again, NULL) == 0);
	require(address_equal(&a, &again) && address_compare(&a, &again) == 0);
}

static void try_prefix(const char *text)
{
	struct prefix p, again, host;
	struct address first;
	char out[PREFIX_TEXT_SIZE];
	uint64_t n = 0;

	if (prefix_parse_host(text, &host, NULL) == 0) {
		require(host.length <= address_bits(&host.address));
		require(prefix_parse_host(prefix_format(&host, out), &again, NULL) == 0 &&
			prefix_equal(&host, &again));
	}
	if (prefix_parse(text, &p, NULL) < 0)
		return;
	require(prefix_parse(prefix_format(&p, out), &again, NULL) == 0);
	require(prefix_equal(&p, &again) && prefix_covers(&p, &again));
	require(prefix_nth(&p, 0, &first) && prefix_contains(&p, &first));
	require(prefix_index(&p, &first, &n) && n == 0);
}

static void try_endpoint(const char *text)
{
	struct endpoint e, again;
	char out[ENDPOINT_TEXT_SIZE];

	if (endpoint_parse(text, &e, NULL) < 0)
		return;
	require(endpoint_parse(endpoint_format(&e, out), &again, NULL) == 0);
	require(strcmp(e.host, again.host) == 0 && e.port == again.port &&
		e.is_address == again.is_address);
}

static void try_times(const char *text)
{
	char out[DURATION_TEXT_SIZE > TIME_TEXT_SIZE ? DURATION_TEXT_SIZE : TIME_TEXT_SIZE];
	int64_t ms = 0, again = 0;

	if (duration_parse(text, &ms, NULL) == 0)
		require(duration_parse(duration_format(ms, out), &again, NULL) == 0 && ms == again);
	if (time_parse(text, &ms, NULL) == 0)
		require(time_parse(time_format(ms, out), &again, NULL) == 0 && ms == again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_address(text);
	try_prefix(text);
	try_endpoint(text);
	try_times(text);
	if (name_check(text, &err) < 0)
		require(err.text[0] != '\0');
	else
		require(strlen(text) <= NAME_MAX_LEN);
	free(text);
	return 0;
}
