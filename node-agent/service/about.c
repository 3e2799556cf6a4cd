#include "service/about.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"

enum { EXIT_USAGE = 2 };

int service_about(const char *name, const char *usage, int argc, char *const *argv)
{
	const char *asked = argc == 2 ? argv[1] : "";

	if (strcmp(asked, "--version") == 0) {
		(void)printf("%s %s\n", name, weft_version());
		return EXIT_SUCCESS;
	}
	bool is_help = strcmp(asked, "--help") == 0 || strcmp(asked, "-h") == 0;
	(void)fputs(usage, is_help ? stdout : stderr);
	return is_help ? EXIT_SUCCESS : EXIT_USAGE;
}
