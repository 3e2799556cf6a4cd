#include "run/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "ha/record.h"

CLEAN_FUNC(json_t, json_decref)

enum { RESTORE_MAX = 1 << 20 };

int storage_paths(const struct agent_settings *settings, struct agent_paths *ret_paths,
		  struct err *err)
{
	*ret_paths =
		(struct agent_paths){ .desired = agent_state_path(settings, "desired.json"),
				      .lockout = agent_state_path(settings, "lockout.json"),
				      .before = agent_state_path(settings, "before.json"),
				      .tried = agent_state_path(settings, "tried.json"),
				      .restore = agent_state_path(settings, "restore.json"),
				      .wg_key = agent_state_path(settings, "wg.key"),
				      .settings = agent_state_path(settings, AGENT_CONFIG_COPY),
				      .clock = agent_state_path(settings, "clock"),
				      .control = agent_run_path(settings, "control.sock"),
				      .lock = agent_run_path(settings, "lock"),
				      .tree = agent_run_path(settings, "tree") };
	if (!ret_paths->desired || !ret_paths->lockout || !ret_paths->before || !ret_paths->tried ||
	    !ret_paths->restore || !ret_paths->clock || !ret_paths->control || !ret_paths->lock ||
	    !ret_paths->wg_key || !ret_paths->settings || !ret_paths->tree)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

void storage_paths_done(struct agent_paths *paths)
{
	free(paths->desired);
	free(paths->lockout);
	free(paths->before);
	free(paths->tried);
	free(paths->restore);
	free(paths->wg_key);
	free(paths->settings);
	free(paths->clock);
	free(paths->control);
	free(paths->lock);
	free(paths->tree);
	*paths = (struct agent_paths){ 0 };
}

int storage_make_run_dir(const struct agent_settings *settings, struct err *err)
{
	return file_make_dirs(settings->run_dir, 0755, err);
}

// A file_take_fn.
static int take_restore(void *context, const char *path, struct err *err)
{
	json_t **ret_former = context;
	json_error_t where;
	CLEAN(free_ptr) char *text = NULL;
	int r = file_read(path, RESTORE_MAX, &text, NULL, err);
	if (r < 0)
		return r;
	CLEAN(json_decref_ptr) json_t *former = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	if (!former && json_error_code(&where) == json_error_out_of_memory)
		return err_set(err, -ENOMEM, "out of memory");
	if (!json_is_object(former))
		return err_set(err, -EINVAL, "%s is damaged", path);
	*ret_former = take_ptr(&former);
	return 0;
}

enum file_source storage_load_restore(const char *path, json_t **ret_former, struct err *err)
{
	return file_load_kept(path, take_restore, ret_former, err);
}

int storage_save_restore(const char *path, const json_t *former, struct err *err)
{
	CLEAN(free_ptr) char *text = json_dumps(former, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	return file_replace_kept(path, text, strlen(text), 0600, err);
}

int storage_delete(const struct agent_settings *settings, struct err *err)
{
	struct agent_paths paths = { 0 };
	int r = storage_paths(settings, &paths, err);
	if (r == 0)
		r = identity_delete(settings->state_dir, err);
	if (r == 0)
		r = file_delete_kept(paths.desired, err);
	if (r == 0)
		r = file_delete_kept(paths.before, err);
	if (r == 0)
		r = file_delete_kept(paths.tried, err);
	if (r == 0)
		r = file_delete_kept(paths.restore, err);
	if (r == 0)
		r = file_delete_kept(paths.settings, err);
	if (r == 0)
		r = record_delete_all(settings->state_dir, err);
	if (r == 0) {
		(void)unlink(paths.clock);
		(void)unlink(paths.lockout);
		(void)unlink(paths.tree);
		// Still held by this process; only the name goes.
		(void)unlink(paths.lock);
		(void)rmdir(settings->state_dir);
	}
	storage_paths_done(&paths);
	return r;
}

void storage_boot_id(char *ret, size_t size)
{
	CLEAN(free_ptr) char *text = NULL;
	ret[0] = '\0';
	if (file_read("/proc/sys/kernel/random/boot_id", 128, &text, NULL, NULL) == 0)
		(void)snprintf(ret, size, "%.*s", (int)strcspn(text, "\n"), text);
}
