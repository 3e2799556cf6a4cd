#include "run/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { RESTORE_MAX = 1 << 20 };

int storage_paths(const struct agent_settings *settings, struct agent_paths *ret_paths,
		  struct err *err)
{
	*ret_paths = (struct agent_paths){ .desired = agent_state_path(settings, "desired.json"),
					   .restore = agent_state_path(settings, "restore.json"),
					   .clock = agent_state_path(settings, "clock"),
					   .control = agent_run_path(settings, "control.sock"),
					   .lock = agent_run_path(settings, "lock") };
	if (!ret_paths->desired || !ret_paths->restore || !ret_paths->clock ||
	    !ret_paths->control || !ret_paths->lock)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

void storage_paths_done(struct agent_paths *paths)
{
	free(paths->desired);
	free(paths->restore);
	free(paths->clock);
	free(paths->control);
	free(paths->lock);
	*paths = (struct agent_paths){ 0 };
}

int storage_make_run_dir(const struct agent_settings *settings, struct err *err)
{
	return file_make_dirs(settings->run_dir, 0755, err);
}

int storage_load_restore(const char *path, json_t **ret_former, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		*ret_former = NULL;
		return 0;
	}
	int r = file_read(path, RESTORE_MAX, &text, NULL, err);
	if (r < 0)
		return r;
	json_t *former = json_loads(text, 0, NULL);
	if (!former)
		return err_set(
			err, -EINVAL,
			"%s is damaged: mend or delete it (it holds the sysctls from before Weft)",
			path);
	*ret_former = former;
	return 0;
}

int storage_save_restore(const char *path, const json_t *former, struct err *err)
{
	CLEAN(free_ptr) char *text = json_dumps(former, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	return file_replace(path, text, strlen(text), 0600, err);
}

int storage_delete(const struct agent_settings *settings, struct err *err)
{
	struct agent_paths paths = { 0 };
	int r = storage_paths(settings, &paths, err);
	if (r == 0)
		r = identity_delete(settings->state_dir, err);
	if (r == 0)
		r = desired_delete(paths.desired, err);
	if (r == 0 && unlink(paths.restore) < 0 && errno != ENOENT)
		r = err_set(err, -errno, "cannot delete %s: %s", paths.restore, strerror(errno));
	if (r == 0) {
		(void)unlink(paths.clock);
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
