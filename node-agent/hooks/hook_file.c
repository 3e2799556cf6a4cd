#include "hooks/hook_file.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "settings/yaml.h"

#define AT(field) offsetof(struct hook, field)

// `run` stands beside these: a list of commands.
static const struct setting table[] = {
	{ "events", SETTING_STRING_LIST, AT(events), .help = "events that it may be run for" },
	{ "subjects", SETTING_STRING_LIST, AT(subjects),
	  .help = "links and groups for whose events it runs by itself, or any" },
	{ "user", SETTING_STRING, AT(user), .text = "nobody", .help = "who runs it" },
	{ "timeout", SETTING_DURATION_MS, AT(timeout_ms), .min = 100, .max = 3600000,
	  .number = 30000, .help = "time for each command" },
	{ "retry.first", SETTING_DURATION_MS, AT(retry_first_ms), .min = 100, .max = 3600000,
	  .number = 1000, .help = "pause before a failed hook is run again; it doubles" },
	{ "retry.most", SETTING_DURATION_MS, AT(retry_most_ms), .min = 100, .max = 86400000,
	  .number = 300000, .help = "longest pause" },
	{ 0 },
};

static const struct yaml_limits limits = { .bytes = 65536, .depth = 8, .nodes = 4096 };

void hook_free(struct hook *hook)
{
	if (!hook)
		return;
	for (size_t s = 0; s < hook->n_steps; s++) {
		for (size_t a = 0; hook->argv[s][a]; a++)
			free(hook->argv[s][a]);
	}
	settings_done(table, hook);
	free(hook);
}

// Nobody but root may decide what the agent runs.
static int check_owner(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_set(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, -EPERM, "%s belongs to another user than root", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM, "%s may be written by others than its owner", path);
	return 0;
}

static int read_step(const json_t *step, char **ret_argv, struct err *err)
{
	size_t n = json_array_size(step);
	if (n == 0 || n > HOOK_ARGUMENTS_MAX)
		return err_set(err, -EINVAL, "run: a command is a list of 1 to %d words",
			       HOOK_ARGUMENTS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(step, i));
		if (!text)
			return err_set(err, -EINVAL,
				       "run: the words of a command are strings; quote them");
		int r = hook_words_check(text, err);
		if (r < 0)
			return err_prefix(err, "run");
		ret_argv[i] = strdup(text);
		if (!ret_argv[i])
			return err_set(err, -ENOMEM, "out of memory");
	}
	if (ret_argv[0][0] != '/')
		return err_set(err, -EINVAL, "run: %s is not an absolute path", ret_argv[0]);
	return 0;
}

static int read_steps(const json_t *run, struct hook *hook, struct err *err)
{
	size_t n = json_array_size(run);
	if (n == 0 || n > HOOK_STEPS_MAX)
		return err_set(err, -EINVAL, "run: must be a list of 1 to %d commands",
			       HOOK_STEPS_MAX);
	for (size_t i = 0; i < n; i++) {
		hook->n_steps = i + 1;
		int r = read_step(json_array_get(run, i), hook->argv[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_fields(struct hook *hook, struct err *err)
{
	if (hook->events.len == 0)
		return err_set(err, -EINVAL, "events: must name at least one event");
	for (size_t i = 0; i < hook->events.len; i++) {
		enum hook_event event;
		if (!hook_event_parse(hook->events.items[i], &event))
			return err_set(err, -EINVAL, "events: %s is no event for hooks",
				       hook->events.items[i]);
		hook->events_mask |= 1u << event;
	}
	errno = 0;
	const struct passwd *user = getpwnam(hook->user);
	if (!user)
		return err_set(err, -EINVAL, "user: there is no user %s", hook->user);
	hook->uid = user->pw_uid;
	hook->gid = user->pw_gid;
	if (geteuid() != 0 && hook->uid != geteuid())
		return err_set(err, -EPERM, "user: only root may run a hook as %s", hook->user);
	return 0;
}

static int read_hook(const char *path, struct hook *hook, struct err *err)
{
	json_t *file = NULL;
	int r = yaml_read_file(path, &limits, &file, err);
	if (r < 0)
		return r;
	json_t *run = json_incref(json_object_get(file, "run"));
	(void)json_object_del(file, "run");
	r = settings_parse(table, file, hook, err);
	if (r == 0)
		r = read_steps(run, hook, err);
	if (r == 0)
		r = check_fields(hook, err);
	json_decref(run);
	json_decref(file);
	return r < 0 ? err_prefix(err, "%s", path) : 0;
}

int hook_load(const char *dir, const char *name, struct hook **ret_hook, struct err *err)
{
	// The controller gives the name.
	if (!*name || strlen(name) >= HOOK_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
		return err_set(err, -EINVAL, "\"%.64s\" is no name of a hook", name);
	CLEAN(free_ptr) char *path = text_format("%s/%s.yaml", dir, name);
	CLEAN(hook_free_ptr) struct hook *hook = calloc(1, sizeof *hook);
	if (!path || !hook)
		return err_set(err, -ENOMEM, "out of memory");
	int r = check_owner(dir, err);
	if (r == 0)
		r = check_owner(path, err);
	if (r == 0)
		r = read_hook(path, hook, err);
	if (r == 0)
		*ret_hook = take_ptr(&hook);
	return r;
}

bool hook_listens(const struct hook *hook, enum hook_event event, const char *subject)
{
	for (size_t i = 0; hook->events_mask >> event & 1 && i < hook->subjects.len; i++) {
		const char *wanted = hook->subjects.items[i];
		if (strcmp(wanted, "any") == 0 || strcmp(wanted, subject) == 0)
			return true;
	}
	return false;
}

static int is_hook_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return entry->d_name[0] != '.' && dot && strcmp(dot, ".yaml") == 0;
}

int hook_names(const char *dir, char ***ret_names, size_t *ret_n, struct err *err)
{
	struct dirent **found = NULL;
	int n = scandir(dir, &found, is_hook_file, alphasort);
	if (n < 0 && errno != ENOENT)
		return err_set(err, -errno, "cannot read %s: %s", dir, strerror(errno));
	n = n < 0 ? 0 : n;
	char **names = calloc((size_t)n + 1, sizeof *names);
	size_t kept = 0;
	for (int i = 0; i < n; i++) {
		if (names) {
			*strrchr(found[i]->d_name, '.') = '\0';
			names[kept] = strdup(found[i]->d_name);
			kept += names[kept] != NULL;
		}
		free(found[i]);
	}
	free(found);
	if (!names)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_names = names;
	*ret_n = kept;
	return 0;
}
