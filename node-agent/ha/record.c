#include "ha/record.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

enum { RECORD_MAX = 128 };

char *record_path(const char *state_dir, uint32_t group)
{
	return text_format("%s/ha/%u", state_dir, group);
}

bool record_load(const char *path, struct lease_record *ret, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	struct lease_record r = { 0 };
	int end = 0;

	int rc = file_read(path, RECORD_MAX, &text, NULL, err);
	if (rc == -ENOENT)
		return false;
	if (rc == 0 &&
	    sscanf(text, "1 %" SCNu64 " %" SCNu32 " %" SCNd64 " end\n%n", &r.epoch, &r.holder,
		   &r.longest_us, &end) == 3 &&
	    end > 0 && text[end] == '\0' && r.longest_us >= 0 && r.longest_us <= LEASE_LONGEST_US) {
		*ret = r;
		return true;
	}
	if (rc == 0)
		(void)err_set(err, -EINVAL, "%s is damaged", path);
	*ret = (struct lease_record){ .longest_us = LEASE_LONGEST_US };
	return true;
}

int record_save(const char *path, const struct lease_record *record, struct err *err)
{
	char text[RECORD_MAX];
	const int len = snprintf(text, sizeof text, "1 %" PRIu64 " %" PRIu32 " %" PRId64 " end\n",
				 record->epoch, record->holder, record->longest_us);

	return file_replace(path, text, (size_t)len, 0600, err);
}

int record_delete_all(const char *state_dir, struct err *err)
{
	CLEAN(free_ptr) char *path = text_format("%s/ha", state_dir);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;

	if (!dir)
		return !path ? err_set(err, -ENOMEM, "out of memory") : 0;
	while ((entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0); // "." and ".." refuse
	(void)closedir(dir);
	if (rmdir(path) < 0)
		return err_set(err, -errno, "cannot remove %s: %s", path, strerror(errno));
	return 0;
}
