// Runs a fuzz target over its seed corpus: every file of the directory given, each once. Exit 1 if
// there is none.
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clean.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *dir, const char *name)
{
	char path[4096];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	CLEAN(free_ptr) char *data = NULL;
	size_t len = 0;
	struct err err;
	if (file_read(path, (size_t)64 << 20, &data, &len, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	// An exact copy, so that a read past the end is seen.
	CLEAN(free_ptr) uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		return -1;
	for (size_t i = 0; i < len; i++)
		copy[i] = (uint8_t)data[i];
	return LLVMFuzzerTestOneInput(copy, len);
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (!dir) {
		(void)fprintf(stderr, "usage: replay CORPUS-DIRECTORY\n");
		return 2;
	}
	int count = 0;
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		if (replay_file(argv[1], e->d_name) != 0) {
			(void)closedir(dir);
			return 1;
		}
		count++;
	}
	(void)closedir(dir);
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
