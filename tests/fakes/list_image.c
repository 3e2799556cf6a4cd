#include "list_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/file.h"

#include "names/list.h"

CLEAN_FUNC(struct name_list_builder, name_list_builder_free)

void list_image_write(const char *path, const char *rule_text)
{
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	CLEAN(free_ptr) void *image = NULL;
	struct name_rule rule;
	size_t size;
	if (!builder || name_rule_parse(rule_text, strlen(rule_text), &rule, NULL) < 0 ||
	    name_list_add(builder, &rule, NULL) < 0 ||
	    name_list_image(builder, &image, &size, NULL) < 0 ||
	    file_replace(path, image, size, 0644, NULL) < 0)
		abort();
}

json_t *list_image_json(const char *text)
{
	CLEAN(free_ptr) char *copy = strdup(text);
	if (!copy)
		abort();
	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json_t *json = json_loads(copy, 0, NULL);
	if (!json)
		abort();
	return json;
}
