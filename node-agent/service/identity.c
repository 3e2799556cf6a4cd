#include "service/identity.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

// A running program's inode is not given to another file, also when its path is.
void identity_of(const char *path, char ret[IDENTITY_SIZE])
{
	struct stat file;
	ret[0] = '\0';
	if (stat(path, &file) == 0)
		(void)snprintf(ret, IDENTITY_SIZE, "%jx:%jx", (uintmax_t)file.st_dev,
			       (uintmax_t)file.st_ino);
}

void identity_of_self(char ret[IDENTITY_SIZE])
{
	identity_of("/proc/self/exe", ret);
}
