// From a list as it was fetched to the image that look-ups are made in.
#pragma once

#include "base/err.h"

#include "names/rule.h"

// Takes the place of `image_path` only when it is whole; who has the old one mapped keeps it.
int dns_image_make(const char *list_path, const char *image_path, struct name_lines *ret,
		   struct err *err);
