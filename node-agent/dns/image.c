#include "dns/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/file.h"

#include "names/list.h"

enum { IMAGE_MODE = 0644 };
#define LIST_LIMIT (512u << 20)

CLEAN_FUNC(struct name_list_builder, name_list_builder_free)

struct adding {
	struct name_list_builder *builder;
	struct err *err;
};

static int add(void *context, const struct name_rule *rule)
{
	const struct adding *adding = context;
	return name_list_add(adding->builder, rule, adding->err);
}

int dns_image_make(const char *list_path, const char *image_path, struct name_lines *ret,
		   struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	CLEAN(free_ptr) void *image = NULL;
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	struct adding adding = { builder, err };
	size_t len, size;
	if (!builder)
		return err_set(err, -ENOMEM, "out of memory");
	int r = file_read(list_path, LIST_LIMIT, &text, &len, err);
	if (r < 0)
		return r;
	r = name_lines_read(text, len, add, &adding, ret, err);
	if (r == 0)
		r = name_list_image(builder, &image, &size, err);
	if (r == 0)
		r = file_replace(image_path, image, size, IMAGE_MODE, err);
	return r < 0 ? err_prefix(err, "%s", list_path) : 0;
}
