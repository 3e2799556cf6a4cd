#include "base/severity.h"

#include <string.h>

const char *const severity_names[SEVERITY_COUNT] = { "info", "warning", "error" };

int severity_rank(const char *word)
{
	for (int i = 0; word && i < SEVERITY_COUNT; i++)
		if (strcmp(severity_names[i], word) == 0)
			return i;
	return -1;
}
