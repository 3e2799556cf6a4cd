// The agent's packages this controller offers, the newest per architecture and release of the
// system, with their hashes.
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define PACKAGES_MAX         32
#define PACKAGE_ARCH_SIZE    16
#define PACKAGE_RELEASE_SIZE 32
#define PACKAGE_HASH_SIZE    65

struct package {
	char arch[PACKAGE_ARCH_SIZE];
	char release[PACKAGE_RELEASE_SIZE]; // "bookworm"; "*" when the name tells none
	char file[128];                     // "" when it is gone
	char hash[PACKAGE_HASH_SIZE];
	time_t mtime;
	off_t size;
};

struct package_list {
	struct package items[PACKAGES_MAX];
	size_t count;
};

// Brings the list up to date with the directory (NULL: none); unchanged files are not read again.
void packages_scan(struct package_list *list, const char *dir);
