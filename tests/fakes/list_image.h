// Lists of names on disk, and JSON as tests write it.
#pragma once

#include <jansson.h>

// An image with one rule, as `names/rule.h` reads it.
void list_image_write(const char *path, const char *rule);

// JSON with ' for ". The caller has the reference.
json_t *list_image_json(const char *text);
