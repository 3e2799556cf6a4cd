#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clean.h"

#include "names/list.h"

int name_list_open(const char *path, struct name_list_file *ret, struct err *err)
{
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	struct name_list_file file = { .size = (size_t)st.st_size };
	if (file.size == 0)
		return err_set(err, -EINVAL, "%s: it is empty", path);
	file.map = mmap(NULL, file.size, PROT_READ, MAP_SHARED, fd, 0);
	if (file.map == MAP_FAILED)
		return err_set(err, -errno, "%s: mmap: %s", path, strerror(errno));
	int r = name_list_view(file.map, file.size, &file.list, err);
	if (r < 0) {
		name_list_close(&file);
		return err_prefix(err, "%s", path);
	}
	*ret = file;
	return r;
}

void name_list_close(struct name_list_file *file)
{
	if (file->map)
		(void)munmap(file->map, file->size);
	*file = (struct name_list_file){ 0 };
}
