// The state directory: who uses it, and what may be missing in it.
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#include "program.h"

char *program_state_path(const struct program *program, const char *name)
{
	return text_format("%s/%s", program->settings.state_dir, name);
}

int program_lock_state(struct program *program, struct err *err)
{
	CLEAN(free_ptr) char *path = program_state_path(program, "lock");
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, -EBUSY,
			       "%s is in use by a running weft-controller: stop it first",
			       program->settings.state_dir);
	// A later start by the directory's own user must be able to open it.
	struct stat st;
	if (geteuid() == 0 && stat(program->settings.state_dir, &st) == 0)
		(void)!fchown(fd, st.st_uid, st.st_gid);
	program->lock_fd = take_fd(&fd);
	return 0;
}

static bool is_there(const struct program *program, const char *name)
{
	CLEAN(free_ptr) char *path = program_state_path(program, name);
	return path && access(path, F_OK) == 0;
}

int program_expect_database(const struct program *program, struct err *err)
{
	// A crash in the first moments of the first start leaves a database, and maybe no keys;
	// never the other way round.
	if (is_there(program, "weft.db") ||
	    (!is_there(program, "ca.key") && !is_there(program, "secret.key")))
		return 0;
	return err_set(err, -ENOENT,
		       "%s/weft.db is missing, but the keys of a network are there: restore a "
		       "backup, or move ca.key, ca.crt and secret.key away to begin a new network",
		       program->settings.state_dir);
}

static int count_resources(struct store_tx *tx, void *arg, struct err *err)
{
	int r = store_query(tx, SQL_RESOURCE_COUNT, STORE_NO_PARAMS, NULL, NULL, err);
	if (r >= 0)
		*(bool *)arg = r == 0;
	return r < 0 ? r : 0;
}

int program_is_new(struct program *program, bool *ret_is_new, struct err *err)
{
	return store_read_sync(program->store, count_resources, ret_is_new, err) == STORE_OK ? 0
											     : -EIO;
}

void program_add_cure(const struct program *program, int code, struct err *err)
{
	const struct passwd *me = getpwuid(geteuid());
	const char *dir = program->settings.state_dir;
	const char *user = me ? me->pw_name : "the user that runs weft-controller";
	char cure[ERR_TEXT_SIZE] = "";
	if (code == -EACCES || code == -EPERM)
		(void)snprintf(cure, sizeof(cure),
			       ": %s and all in it must belong to %s (chown -R %s: %s)", dir, user,
			       user, dir);
	else if (code == -EROFS)
		(void)snprintf(cure, sizeof(cure), ": mount the file system of %s writable", dir);
	else if (code == -ENOSPC || code == -EDQUOT)
		(void)snprintf(cure, sizeof(cure), ": make room in %s", dir);
	size_t len = strlen(err->text);
	// A sentence that has its cure already keeps it.
	if (!strstr(err->text, ": make room") && !strstr(err->text, "check the owner"))
		(void)snprintf(err->text + len, sizeof(err->text) - len, "%s", cure);
}
