// Makes the image of a list of names, for the running agent:
//   weft-agent list NAME HASH SIZE
// of DIR/NAME.rules where that has this hash, else of what the controller hands out under it.
// Prints
// {"rules":…,"bad":…,"sha256":…}, which is kept beside the image, or {"error": one sentence}.
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/program.h"
#include "base/text.h"

#include "command/command.h"
#include "uplink/credential.h"
#include "uplink/enrol_key.h"
#include "uplink/http.h"
#include "uplink/identity.h"

CLEAN_FUNC(json_t, json_decref)
CLEAN_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)

enum {
	HASH_SIZE = 65,
	PATH_SIZE = 4096,
	FETCH_S = 300,
	MAKE_MS = 240000,
	OUTPUT_MAX = 4096,
	NOTE_MODE = 0644,
	STATUS_OK = 200,
	CHUNK_SIZE = 65536,
};

struct making {
	const struct agent_settings *settings;
	const char *name, *hash;
	int64_t size;
	char rules[PATH_SIZE], text[PATH_SIZE], image[PATH_SIZE], note[PATH_SIZE];
};

static int hash_file(const char *path, char ret[HASH_SIZE], struct err *err)
{
	unsigned char chunk[CHUNK_SIZE], sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t n;
	CLEAN(close_file) FILE *file = fopen(path, "re");
	CLEAN(EVP_MD_CTX_free_ptr) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	if (!file)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (!digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL))
		return err_set(err, -ENOMEM, "out of memory");
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		(void)EVP_DigestUpdate(digest, chunk, n);
	if (ferror(file))
		return err_set(err, -EIO, "cannot read %s", path);
	(void)EVP_DigestFinal_ex(digest, sum, &len);
	hex_write(sum, len, ret);
	return 0;
}

// ---- fetching ----

static int fetch_from(const struct making *making, const struct identity *identity, const char *hub,
		      int64_t time_s, struct err *err)
{
	char host[256];
	int port = 0;
	CLEAN(free_ptr) char *path = text_format("/api/v1/lists/%s", making->hash);
	CLEAN(free_ptr) char *body = NULL;
	CLEAN(close_file) FILE *file = fopen(making->text, "we");
	if (!path || !file)
		return err_set(err, -errno, "cannot write %s: %s", making->text, strerror(errno));
	if (enrol_key_host_port(hub, 0, host, sizeof host, &port) < 0)
		return err_set(err, -EINVAL, "%s is no address of a controller", hub);
	const struct http_request request = { .host = host,
					      .port = port,
					      .path = path,
					      .ca_pem = identity->ca_pem,
					      .certificate_pem = identity->certificate_pem,
					      .key_pem = identity->key_pem,
					      .verify_time_s = time_s,
					      .timeout_s = FETCH_S,
					      .file = file,
					      .file_max = making->size };
	int status = http_request(&request, &body, err);
	if (status >= 0 && status != STATUS_OK)
		return err_set(err, -EIO, "the controller %s does not hand it out (status %d)", hub,
			       status);
	if (status >= 0 && fflush(file) != 0)
		return err_set(err, -errno, "cannot write %s: %s", making->text, strerror(errno));
	return status < 0 ? status : 0;
}

static int fetch(const struct making *making, struct err *err)
{
	const struct setting_list *own = &making->settings->controllers;
	CLEAN(identity_done) struct identity identity = { 0 };
	CLEAN(free_ptr) char *clock = agent_state_path(making->settings, "clock");
	char hash[HASH_SIZE];
	int r = identity_load(making->settings->state_dir, &identity, err);
	if (r < 0)
		return r;
	char *const *hubs = own->len ? own->items : identity.hubs;
	size_t count = own->len ? own->len : identity.hub_count;
	r = err_set(err, -ENOENT, "no controller is known");
	for (size_t i = 0; i < count && r < 0; i++)
		r = fetch_from(making, &identity, hubs[i],
			       credential_verify_time(clock ? clock : ""), err);
	if (r == 0)
		r = hash_file(making->text, hash, err);
	if (r == 0 && strcmp(hash, making->hash) != 0)
		r = err_set(err, -EBADMSG, "what the controller handed out is another list");
	return r;
}

// ---- the image ----

static int make_image(const struct making *making, const char *source, json_t **ret_note,
		      struct err *err)
{
	char program[PATH_SIZE];
	CLEAN(free_ptr) char *output = NULL;
	program_beside("weft-dns", program, sizeof program);
	const char *const argv[] = { program, "image", source, making->image, NULL };
	int r = program_output(argv, MAKE_MS, OUTPUT_MAX, &output, NULL);
	if (r < 0)
		return err_set(err, r,
			       r == -ECHILD ? "it is no list of names, or there is no room for it"
					    : "weft-dns does not make an image of it");
	CLEAN(json_decref_ptr) json_t *note = json_loads(output, 0, NULL);
	if (!note)
		return err_set(err, -EIO, "weft-dns does not make an image of it");
	(void)json_object_set_new(note, "sha256", json_string(making->hash));
	*ret_note = take_ptr(&note);
	return 0;
}

static int make(const struct making *making, json_t **ret_note, struct err *err)
{
	char hash[HASH_SIZE] = "";
	const char *source = making->rules;
	int r = 0;
	if (hash_file(making->rules, hash, NULL) < 0 || strcmp(hash, making->hash) != 0) {
		source = making->text;
		r = fetch(making, err);
	}
	if (r == 0)
		r = make_image(making, source, ret_note, err);
	(void)remove(making->text);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *note = json_dumps(*ret_note, JSON_COMPACT);
	return note ? file_replace(making->note, note, strlen(note), NOTE_MODE, err)
		    : err_set(err, -ENOMEM, "out of memory");
}

int command_list(const struct agent_settings *settings, int argc, char **argv)
{
	struct err err = { 0 };
	json_t *note = NULL;
	if (argc != 4 || strchr(argv[1], '/') || strlen(argv[2]) != HASH_SIZE - 1)
		return EXIT_USAGE;
	struct making making = { .settings = settings,
				 .name = argv[1],
				 .hash = argv[2],
				 .size = strtoll(argv[3], NULL, 10) };
	(void)snprintf(making.rules, PATH_SIZE, "%s/%s.rules", settings->dns_dir, argv[1]);
	(void)snprintf(making.text, PATH_SIZE, "%s/%s.text", settings->dns_dir, argv[1]);
	(void)snprintf(making.image, PATH_SIZE, "%s/%s.image", settings->dns_dir, argv[1]);
	(void)snprintf(making.note, PATH_SIZE, "%s/%s.json", settings->dns_dir, argv[1]);
	int r = make(&making, &note, &err);
	CLEAN(json_decref_ptr) json_t *said = r < 0 ? json_pack("{s:s}", "error", err.text) : note;
	if (r < 0)
		json_decref(note);
	(void)json_dumpf(said, stdout, JSON_COMPACT);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
