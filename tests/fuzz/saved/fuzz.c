// What the agent finds on its disk at a start, whatever became of it: the desired state with the
// bodies of every entry kind, and the identity. The first byte says which of the two.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "wire/limits.h"

#include "desired/desired.h"
#include "reconcile/guard_rules.h"
#include "reconcile/kind.h"
#include "uplink/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/weft-fuzz-XXXXXX";

static void remove_states(void)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%s/desired.json", dir);
	(void)file_delete_kept(path, NULL);
}

static void remove_dir(void)
{
	remove_states();
	(void)identity_delete(dir, NULL);
	(void)rmdir(dir);
}

static void write_file(const char *name, const void *data, size_t len)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
		abort();
}

// Once; the directory goes with the process.
static void make_dir(void)
{
	static const char *const files[] = { "ca.crt", "agent.crt", "agent.key", "wg.key" };
	static bool is_made;

	if (is_made)
		return;
	is_made = true;
	if (!mkdtemp(dir) || atexit(remove_dir) != 0)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		write_file(files[i], "x\n", 2);
}

// Rules are text for nft: nothing that was let in may break out of its quotes or its line.
static void try_guard(const struct entry *e)
{
	const struct guard *const guards[] = { e->body };
	CLEAN(text_free) struct text rules = { 0 };
	unsigned quotes = 0;

	guard_rules_render(&rules, guards, 1, NULL);
	for (size_t i = 0; i < rules.len; i++) {
		if (rules.data[i] == '"')
			quotes++;
		if (rules.data[i] == '\n' && quotes % 2)
			abort();
	}
}

static void try_entries(const struct entry_set *set)
{
	struct entry *entries = NULL;
	size_t len = 0;

	if (entries_load(set, &entries, &len, NULL) < 0)
		return;
	if (len != entry_set_count(set))
		abort();
	for (size_t i = 0; i < len; i++)
		if (!entries[i].body && entries[i].error.text[0] == '\0')
			abort(); // refused without a word
		else if (entries[i].kind == &kind_guard && entries[i].body)
			try_guard(&entries[i]);
	entries_free(entries, len);
}

static void try_desired(const uint8_t *data, size_t size)
{
	CLEAN(desired_free_ptr) struct desired *desired = desired_new();
	struct err err = { 0 };
	char path[64];

	(void)snprintf(path, sizeof path, "%s/desired.json", dir);
	write_file("desired.json", data, size);
	const enum file_source found = desired ? desired_load(desired, path, &err) : FILE_NONE;
	if (found != FILE_FOUND && found != FILE_NONE && err.text[0] == '\0')
		abort();
	if (found == FILE_FOUND)
		try_entries(desired_entries(desired));
	remove_states();
}

// The digest of a saved state keeps a mutation from ever being read: bodies are tried by themselves
// too, "kind/name" on the first line and the body behind it.
static void try_body(const uint8_t *data, size_t size)
{
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
	const uint8_t *end = memchr(data, '\n', size);
	char key[WIRE_KEY_MAX + 1] = "";

	if (!set || !end || (size_t)(end - data) >= sizeof key)
		return;
	memcpy(key, data, (size_t)(end - data));
	const size_t rest = size - (size_t)(end - data) - 1;
	if (entry_set_put(set, key, (const char *)end + 1, rest, NULL) >= 0)
		try_entries(set);
}

static void try_identity(const uint8_t *data, size_t size)
{
	CLEAN(identity_done) struct identity identity = { 0 };
	struct err err = { 0 };

	write_file("identity.json", data, size);
	if (identity_load(dir, &identity, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	if (!identity.name || !identity.id || identity.hub_count == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	make_dir();
	if (data[0] == 'd')
		try_desired(data + 1, size - 1);
	else if (data[0] == 'i')
		try_identity(data + 1, size - 1);
	else
		try_body(data + 1, size - 1);
	return 0;
}
