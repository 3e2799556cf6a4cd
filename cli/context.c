#include "cli/context.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"
#include "model/json.h"
#include "settings/yaml.h"
#include "settings/yaml_emit.h"

void context_done(struct context *c)
{
	free(c->name);
	free(c->url);
	free(c->token);
	free(c->pin);
	free(c->ca_file);
	*c = (struct context){ 0 };
}

// Caller frees; NULL when neither XDG_CONFIG_HOME nor HOME is set.
static char *directory(void)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	if (config && *config == '/')
		return text_format("%s/weft", config);
	const char *home = getenv("HOME");
	return home && *home ? text_format("%s/.config/weft", home) : NULL;
}

int context_file_read(json_t **ret_file, struct err *err)
{
	CLEAN(free_ptr) char *dir = directory();
	CLEAN(free_ptr) char *path = dir ? text_format("%s/contexts.yaml", dir) : NULL;
	json_auto_t *file = NULL;
	if (path && access(path, F_OK) == 0) {
		int r = yaml_read_file(path, NULL, &file, err);
		if (r)
			return r;
	}
	if (!file || json_is_null(file)) {
		json_decref(file);
		file = json_object();
	}
	if (!json_is_object(file))
		return err_set(err, -EINVAL, "%s: it is not a map", path);
	if (!json_object_get(file, "contexts"))
		(void)json_object_set_new(file, "contexts", json_object());
	if (!json_is_object(json_object_get(file, "contexts")))
		return err_set(err, -EINVAL, "%s: contexts is not a map", path);
	*ret_file = take_ptr(&file);
	return 0;
}

int context_file_write(const json_t *file, struct err *err)
{
	CLEAN(free_ptr) char *dir = directory();
	if (!dir)
		return err_set(err, -ENOENT, "HOME is not set, so the context cannot be kept");
	CLEAN(free_ptr) char *path = text_format("%s/contexts.yaml", dir);
	CLEAN(free_ptr) char *body = yaml_format(file);
	if (!path || !body)
		return err_set(err, -ENOMEM, "out of memory");
	int r = file_make_dirs(dir, 0700, err);
	if (!r)
		r = file_replace(path, body, strlen(body), 0600, err);
	explicit_bzero(body, strlen(body));
	return r;
}

int context_url(const char *typed, char **ret_url, struct err *err)
{
	const char *host = typed;
	if (!text_starts(typed, "https://", &host) && strstr(typed, "://"))
		return err_set(err, -EINVAL, "%.100s: only https:// is spoken", typed);
	size_t len = strcspn(host, "/");
	if (len == 0 || host[len + strspn(host + len, "/")] ||
	    strcspn(host, " \t\r\n@?#\"'\\") < len)
		return err_set(err, -EINVAL, "%.100s is no URL of the form https://HOST:PORT",
			       typed);
	const char *bracket = memrchr(host, ']', len);
	const char *colon = memrchr(host, ':', len);
	bool has_port = colon && (!bracket || colon > bracket);
	char *url = text_format("https://%.*s%s", (int)len, host, has_port ? "" : ":8443");
	if (!url)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_url = url;
	return 0;
}

static void copy_field(char **field, const char *value)
{
	if (!value || !*value)
		return;
	free(*field);
	*field = strdup(value);
}

static int from_file(const char *wanted, struct context *c, struct err *err)
{
	json_auto_t *file = NULL;
	int r = context_file_read(&file, err);
	if (r)
		return r;
	const char *name = wanted ? wanted : json_string_value(json_object_get(file, "current"));
	const json_t *row = name ? json_object_get(json_object_get(file, "contexts"), name) : NULL;
	if (!row && wanted)
		return err_set(err, -ENOENT, "there is no context \"%.60s\"", wanted);
	if (!row)
		return err_set(err, -ENOENT,
			       "no controller is chosen: run `weft login https://HOST:8443` first");
	copy_field(&c->name, name);
	copy_field(&c->url, json_string_value(json_object_get(row, "url")));
	copy_field(&c->token, json_string_value(json_object_get(row, "token")));
	copy_field(&c->pin, json_string_value(json_object_get(row, "pin")));
	copy_field(&c->ca_file, json_string_value(json_object_get(row, "ca_file")));
	if (!c->url)
		return err_set(err, -EINVAL, "context %.60s has no url", name);
	return 0;
}

static void from_environment(struct context *c, const char *url)
{
	copy_field(&c->url, url);
	copy_field(&c->token, getenv("WEFT_TOKEN"));
	const char *trust = getenv("WEFT_CA");
	if (!trust || !*trust)
		return;
	bool is_pin = text_starts(trust, "sha256//", NULL);
	free(c->pin);
	free(c->ca_file);
	c->pin = is_pin ? strdup(trust) : NULL;
	c->ca_file = is_pin ? NULL : strdup(trust);
}

int context_resolve(const char *name, struct context *ret, struct err *err)
{
	CLEAN(context_done) struct context c = { 0 };
	const char *typed = getenv("WEFT_URL");
	CLEAN(free_ptr) char *url = NULL;
	if (typed && *typed) {
		int r = context_url(typed, &url, err);
		if (r)
			return err_prefix(err, "WEFT_URL");
	}
	if (!name || !*name)
		name = getenv("WEFT_CONTEXT");
	if (name && !*name)
		name = NULL;
	if (name || !url) {
		int r = from_file(name, &c, err);
		if (r)
			return r;
	}
	from_environment(&c, url);
	*ret = c;
	c = (struct context){ 0 };
	return 0;
}
