// The dashboard's files inside the program, as the build found them.
#pragma once

#include <stddef.h>

struct asset {
	const char *path; // "/index.html", "/assets/app.js"
	const unsigned char *data;
	const unsigned char *end;
	const char *etag; // quoted
};

// Ends with a path of NULL.
extern const struct asset assets[];
