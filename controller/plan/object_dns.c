// Parses domain lists and resolvers.
#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "model/kinds.h"

#include "plan/object.h"
#include "plan/plan.h"

char *plan_list_text(const json_t *spec)
{
	const json_t *names = json_object_get(spec, "names"), *item;
	struct text text = { 0 };
	size_t i;

	text_add(&text, "");
	json_array_foreach((json_t *)names, i, item)
		text_addf(&text, "%s\n", json_string_value(item));
	return text_take(&text);
}

bool plan_list_is_inline(const json_t *spec)
{
	const json_t *names = json_object_get(spec, "names"), *item;
	size_t bytes = 0, i;

	json_array_foreach((json_t *)names, i, item) bytes += json_string_length(item) + 3;
	return names && json_array_size(names) <= LIST_RULES_MAX && bytes <= LIST_INLINE_MAX;
}

static int list_hash(struct fleet_object *o, struct err *err)
{
	CLEAN(free_ptr) char *text = plan_list_text(o->spec);
	unsigned char sum[SHA256_DIGEST_LENGTH];

	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	o->as.list.size = (int64_t)strlen(text);
	(void)SHA256((const unsigned char *)text, strlen(text), sum);
	hex_write(sum, sizeof sum, o->as.list.sha256);
	return 0;
}

int fleet_list_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_list *list = &o->as.list;
	const char *sha256 = json_string_value(json_object_get(o->facts, "sha256"));

	list->is_inline = plan_list_is_inline(o->spec);
	if (list->is_inline)
		return 0;
	if (json_object_get(o->spec, "names"))
		return list_hash(o, err);
	if (sha256)
		(void)snprintf(list->sha256, sizeof list->sha256, "%s", sha256);
	list->size = json_integer_value(json_object_get(o->facts, "size"));
	return 0;
}

// NULL when `list` is; -ENOMEM.
static int name_set(const json_t *list, enum kind_id kind, struct map **ret_set)
{
	const json_t *item;
	size_t i;

	*ret_set = list ? map_new(NULL) : NULL;
	if (list && !*ret_set)
		return -ENOMEM;
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);
		const char *name = text ? kind_reference_name(kind, text, NULL) : NULL;

		if (name && map_set(*ret_set, name, (void *)name) < 0)
			return -ENOMEM;
	}
	return 0;
}

int fleet_resolver_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_resolver *resolver = &o->as.resolver;
	const char *site = json_string_value(json_object_get(o->spec, "site"));

	resolver->site = site ? kind_reference_name(KIND_SITES, site, NULL) : NULL;
	if (name_set(json_object_get(o->spec, "nodes"), KIND_NODES, &resolver->nodes) < 0 ||
	    name_set(json_object_get(o->spec, "blocklists"), KIND_BLOCKLISTS,
		     &resolver->blocklists) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}
