// Applies one JSON file {"key":{body},…} of entries to the kernel of this network namespace and
// prints what came of it:
//
//	weft-reconcile-once [--key BASE64] [--state FILE] [--observe] [--samples] ENTRIES.json |
//--remove 	weft-reconcile-once --public-key BASE64
//
// --every MS runs until it is killed, on kernel events and every MS, so that drift and endpoints
// can be watched. Exit status 1 when an entry failed.
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#include "reconcile/reconcile.h"

struct options {
	const char *key, *state, *entries, *public_of;
	bool observe, samples, remove;
	int every_ms;
};

static int public_of(const struct kernel_key *private_key, struct kernel_key *ret)
{
	size_t len = sizeof ret->bytes;
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key->bytes,
						      sizeof private_key->bytes);
	int ok = pkey && EVP_PKEY_get_raw_public_key(pkey, ret->bytes, &len);

	EVP_PKEY_free(pkey);
	return ok ? 0 : -EINVAL;
}

static int save_restore(void *context, const json_t *former, struct err *err)
{
	const char *path = context;
	char *text = json_dumps(former, JSON_COMPACT | JSON_SORT_KEYS);
	int rc = path && text ? file_replace(path, text, strlen(text), 0600, err) : 0;

	free(text);
	return rc;
}

static int load_entries(const char *path, struct entry_set *set, struct err *err)
{
	json_error_t at;
	json_t *file = json_load_file(path, 0, &at), *body;
	const char *key;
	int rc = file ? 0 : err_set(err, -EINVAL, "%s: %s", path, at.text);

	json_object_foreach(file, key, body)
	{
		char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);

		if (rc >= 0)
			rc = entry_set_put(set, key, text, strlen(text), err);
		free(text);
	}
	json_decref(file);
	return rc < 0 ? rc : 0;
}

static struct reconcile_now now(void)
{
	return (struct reconcile_now){ .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };
}

static int run_once(struct reconcile *r, const struct entry_set *set, struct err *err)
{
	struct reconcile_result result = { 0 };
	const struct reconcile_now at = now();

	int rc = reconcile_run(r, set, &at, &result, err);
	if (rc < 0)
		return rc;
	printf("writes=%u endpoint_moves=%u errors=%zu drifts=%zu\n", result.writes,
	       result.endpoint_moves, result.errors_len, result.drifts_len);
	for (size_t i = 0; i < result.errors_len; i++)
		printf("error %s: %s\n", result.errors[i].entry, result.errors[i].text);
	for (size_t i = 0; i < result.drifts_len; i++)
		printf("drift %s\n", result.drifts[i].text);
	(void)fflush(stdout);
	rc = result.errors_len ? 1 : 0;
	reconcile_result_done(&result);
	return rc;
}

static int show(struct reconcile *r, const struct options *o, struct err *err)
{
	const struct reconcile_self self = { .version = "0", .boot_id = "0" };
	const struct reconcile_now at = now();
	CLEAN(entry_set_free_ptr) struct entry_set *seen = entry_set_new();
	struct entry_change c;
	json_t *samples = NULL;
	int rc = 0;

	if (o->observe)
		rc = reconcile_observe(r, &self, &at, seen, err);
	for (size_t i = 0; rc == 0 && entry_set_next(seen, &i, &c);)
		printf("%s %s\n", c.key, c.body);
	if (rc == 0 && o->samples)
		rc = reconcile_samples(r, &at, &samples, err);
	if (samples) {
		(void)json_dumpf(samples, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
		printf("\n");
	}
	json_decref(samples);
	return rc;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--observe") == 0)
			o->observe = true;
		else if (strcmp(argv[i], "--samples") == 0)
			o->samples = true;
		else if (strcmp(argv[i], "--remove") == 0)
			o->remove = true;
		else if (argv[i][0] != '-')
			o->entries = argv[i];
		else if (!value)
			return -EINVAL;
		else if (strcmp(argv[i], "--key") == 0)
			o->key = argv[++i];
		else if (strcmp(argv[i], "--state") == 0)
			o->state = argv[++i];
		else if (strcmp(argv[i], "--every") == 0)
			o->every_ms = atoi(argv[++i]);
		else if (strcmp(argv[i], "--public-key") == 0)
			o->public_of = argv[++i];
		else
			return -EINVAL;
	}
	return o->entries || o->remove || o->public_of ? 0 : -EINVAL;
}

static int print_public(const char *text, struct err *err)
{
	struct kernel_key key, public;
	char out[KERNEL_KEY_TEXT_SIZE];

	int rc = kernel_key_parse(text, &key, err);
	if (rc < 0 || public_of(&key, &public) < 0)
		return rc;
	kernel_key_format(&public, out);
	printf("%s\n", out);
	return 0;
}

// Kernel events end the wait early.
static void wait_for_hint(struct kernel_events *events, int ms)
{
	struct pollfd p = { .fd = kernel_events_fd(events), .events = POLLIN };

	if (poll(&p, 1, ms) > 0)
		printf("hints=%u\n", kernel_events_read(events));
}

static int work(const struct options *o, struct err *err)
{
	CLEAN(kernel_events_free_ptr) struct kernel_events *events = NULL;
	CLEAN(kernel_close_ptr) struct kernel *k = NULL;
	CLEAN(reconcile_free_ptr) struct reconcile *r = NULL;
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
	struct reconcile_config config = { .save_restore = save_restore,
					   .context = (char *)o->state };
	json_t *restore = o->state ? json_load_file(o->state, 0, NULL) : NULL;

	config.restore = restore;
	int rc = kernel_open(&(struct kernel_config){ .wireguard = getenv("WEFT_WIREGUARD") }, &k,
			     err);
	if (rc == 0 && o->key)
		rc = kernel_key_parse(o->key, &config.private_key, err);
	if (rc == 0)
		rc = public_of(&config.private_key, &config.public_key);
	config.kernel = k;
	if (rc == 0)
		rc = reconcile_new(&config, &r, err);
	json_decref(restore);
	if (rc < 0)
		return rc;
	if (o->remove)
		return reconcile_remove_all(r, err);
	rc = load_entries(o->entries, set, err);
	if (rc == 0)
		rc = kernel_events_open(0, &events, err);
	if (rc < 0)
		return rc;
	do {
		rc = run_once(r, set, err);
		if (rc >= 0 && show(r, o, err) < 0)
			rc = err->code;
		if (o->every_ms)
			wait_for_hint(events, o->every_ms);
	} while (o->every_ms && rc >= 0);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct err err = { 0 };

	if (parse_options(argc, argv, &o) < 0) {
		(void)fprintf(stderr, "usage: %s [options] ENTRIES.json | --remove\n", argv[0]);
		return 2;
	}
	int rc = o.public_of ? print_public(o.public_of, &err) : work(&o, &err);
	if (rc < 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return rc < 0 ? 2 : rc;
}
