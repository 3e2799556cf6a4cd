#include "uplink/identity.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "uplink/credential.h"

CLEAN_FUNC(json_t, json_decref)

// The PEM and key files; each is one field of struct identity.
static const struct {
	const char *file;
	size_t field;
} identity_files[] = {
	{ "ca.crt", offsetof(struct identity, ca_pem) },
	{ "agent.crt", offsetof(struct identity, certificate_pem) },
	{ "agent.key", offsetof(struct identity, key_pem) },
	{ "wg.key", offsetof(struct identity, wg_private_key) },
};

static char **field_of(const struct identity *identity, size_t offset)
{
	return (char **)(void *)((char *)(uintptr_t)identity + offset);
}

static int path_of(char *path, size_t size, const char *dir, const char *file, struct err *err)
{
	if ((size_t)snprintf(path, size, "%s/%s", dir, file) >= size)
		return err_set(err, -ENAMETOOLONG, "the path %s/%s is too long", dir, file);
	return 0;
}

static void wipe(char *secret)
{
	if (secret)
		OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
}

void identity_set_wg_key(struct identity *identity, char *key)
{
	wipe(identity->wg_private_key);
	identity->wg_private_key = key;
}

void identity_done(struct identity *identity)
{
	free(identity->name);
	free(identity->id);
	for (size_t i = 0; i < identity->controller_count; i++)
		free(identity->controllers[i]);
	for (size_t i = 0; i < identity->hub_count; i++)
		free(identity->hubs[i]);
	free(identity->unknown);
	free(identity->ca_pem);
	free(identity->certificate_pem);
	wipe(identity->key_pem);
	wipe(identity->wg_private_key);
	*identity = (struct identity){ 0 };
}

int identity_read_list(const json_t *json, char **list, size_t *count)
{
	size_t i;
	const json_t *item;
	json_array_foreach(json, i, item)
	{
		if (!json_is_string(item) || i == IDENTITY_LIST_MAX)
			break;
		list[i] = strdup(json_string_value(item));
		if (!list[i])
			return -ENOMEM;
		*count = i + 1;
	}
	return 0;
}

// Whether the parts are what their names say and belong together.
static int check_parts(const struct identity *identity, const char **ret_file, struct err *err)
{
	*ret_file = "ca.crt";
	int r = credential_check_certificate(identity->ca_pem, err);
	if (r == 0) {
		*ret_file = "agent.crt";
		r = credential_check_certificate(identity->certificate_pem, err);
	}
	if (r == 0) {
		*ret_file = "agent.key";
		r = credential_check_key(identity->certificate_pem, identity->key_pem, err);
	}
	return r;
}

// Fields that a later version wrote outlive this one's use of the file.
static char *unknown_fields(json_t *json)
{
	static const char *const known[] = { "name", "id", "controllers", "hubs" };
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		(void)json_object_del(json, known[i]);
	return json_object_size(json) ? json_dumps(json, JSON_COMPACT) : NULL;
}

static int read_json(const char *text, struct identity *identity, struct err *err)
{
	CLEAN(json_decref_ptr) json_t *json = json_loads(text, 0, NULL);
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *id = json_string_value(json_object_get(json, "id"));
	if (!name || !id)
		return err_set(err, -EBADMSG, "it holds no name and no id");
	identity->name = strdup(name);
	identity->id = strdup(id);
	if (!identity->name || !identity->id ||
	    identity_read_list(json_object_get(json, "controllers"), identity->controllers,
			       &identity->controller_count) < 0 ||
	    identity_read_list(json_object_get(json, "hubs"), identity->hubs,
			       &identity->hub_count) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (identity->hub_count == 0)
		return err_set(err, -EBADMSG, "it names no controller");
	identity->unknown = unknown_fields(json);
	return 0;
}

// The first part that a session needs and that is damaged: *ret_file.
static int read_parts(const char *state_dir, struct identity *identity, const char **ret_file,
		      struct err *err)
{
	char path[PATH_MAX];
	CLEAN(free_ptr) char *text = NULL;
	*ret_file = "identity.json";
	int first = path_of(path, sizeof path, state_dir, *ret_file, err);
	if (first == 0)
		first = file_read(path, IDENTITY_FILE_MAX, &text, NULL, err);
	if (first == 0)
		first = read_json(text, identity, err);
	for (size_t i = 0; i < ARRAY_LEN(identity_files); i++) {
		char **field = field_of(identity, identity_files[i].field);
		bool counts = first == 0 && field != &identity->wg_private_key;
		struct err *why = counts ? err : NULL;
		int r = path_of(path, sizeof path, state_dir, identity_files[i].file, why);
		if (r == 0)
			r = file_read(path, IDENTITY_FILE_MAX, field, NULL, why);
		if (r < 0 && counts) {
			*ret_file = identity_files[i].file;
			first = r;
		}
	}
	return first < 0 ? first : check_parts(identity, ret_file, err);
}

int identity_load(const char *state_dir, struct identity *ret_identity, struct err *err)
{
	char path[PATH_MAX];
	const char *file;
	CLEAN(identity_done) struct identity identity = { 0 };
	int r = path_of(path, sizeof path, state_dir, "identity.json", err);
	if (r < 0)
		return r;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(
			err, -ENOENT,
			"this host has not joined a Weft controller: run weft-agent join KEY");
	r = read_parts(state_dir, &identity, &file, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		char why[ERR_TEXT_SIZE];
		(void)snprintf(why, sizeof why, "%s", err ? err->text : "");
		r = err_set(err, -EBADMSG,
			    "%s/%s is damaged (%.200s): put it back from a backup or run "
			    "weft-agent join KEY again (weft node add %s prints the line); until "
			    "then there is no session with a controller",
			    state_dir, file, why, identity.name ? identity.name : "NAME");
	}
	if (identity.wg_private_key)
		identity.wg_private_key[strcspn(identity.wg_private_key, "\r\n")] = '\0';
	*ret_identity = identity;
	identity = (struct identity){ 0 };
	return r;
}

static json_t *list_json(char *const *list, size_t count)
{
	json_t *json = json_array();
	for (size_t i = 0; json && i < count; i++)
		(void)json_array_append_new(json, json_string(list[i]));
	return json;
}

static int save_file(const char *dir, const char *file, const char *data, struct err *err)
{
	char path[PATH_MAX];
	int r = path_of(path, sizeof path, dir, file, err);
	return r < 0 ? r : file_replace(path, data, strlen(data), 0600, err);
}

int identity_save(const char *state_dir, const struct identity *identity, struct err *err)
{
	CLEAN(json_decref_ptr)
	json_t *json = json_pack("{s:s, s:s, s:o, s:o}", "name", identity->name, "id", identity->id,
				 "controllers",
				 list_json(identity->controllers, identity->controller_count),
				 "hubs", list_json(identity->hubs, identity->hub_count));
	CLEAN(json_decref_ptr)
	json_t *unknown = identity->unknown ? json_loads(identity->unknown, 0, NULL) : NULL;
	if (json_is_object(unknown))
		(void)json_object_update_missing(json, unknown);
	CLEAN(free_ptr)
	char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	int r = file_make_dirs(state_dir, 0700, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(identity_files); i++)
		r = save_file(state_dir, identity_files[i].file,
			      *field_of(identity, identity_files[i].field), err);
	return r < 0 ? r : save_file(state_dir, "identity.json", text, err);
}

int identity_save_certificate(const char *state_dir, const char *certificate_pem, struct err *err)
{
	return save_file(state_dir, "agent.crt", certificate_pem, err);
}

int identity_delete(const char *state_dir, struct err *err)
{
	char path[PATH_MAX];
	int r = path_of(path, sizeof path, state_dir, "identity.json", err);
	// The first to go, so that a half deleted identity is none.
	if (r == 0)
		r = file_delete_kept(path, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(identity_files); i++) {
		r = path_of(path, sizeof path, state_dir, identity_files[i].file, err);
		if (r == 0)
			r = file_delete_kept(path, err);
	}
	return r;
}
