#include "cli/resource.h"

#include <errno.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"

int resource_call(struct client *c, const struct kind *kind, const char *name, const char *action,
		  struct client_request request, struct client_reply *ret, struct err *err)
{
	CLEAN(free_ptr) char *encoded = client_encode(name);
	CLEAN(free_ptr)
	char *path = encoded ? text_format("/api/v1/%s/%s%s%s", kind->name, encoded,
					   action ? "/" : "", action ? action : "")
			     : NULL;
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	request.path = path;
	return client_call(c, &request, ret, err);
}

int resource_get(struct client *c, const struct kind *kind, const char *name, bool is_effective,
		 struct client_reply *ret, struct err *err)
{
	CLEAN(free_ptr) char *encoded = client_encode(name);
	CLEAN(free_ptr)
	char *path = encoded ? text_format("/api/v1/%s/%s%s", kind->name, encoded,
					   is_effective ? "?effective=true" : "")
			     : NULL;
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	return client_call(c, &(struct client_request){ .method = "GET", .path = path }, ret, err);
}

json_t *resource_fleet(const json_t *resources, bool is_effective)
{
	json_auto_t *fleet = json_object();
	size_t at;
	json_t *one;
	json_array_foreach(resources, at, one)
	{
		const char *kind = json_string_value(json_object_get(one, "kind"));
		const char *name = json_string_value(json_object_get(one, "name"));
		json_t *spec = is_effective ? json_object_get(one, "effective") : NULL;
		if (!spec)
			spec = json_object_get(one, "spec");
		if (!kind || !name || !spec)
			continue;
		json_t *names = json_object_get(fleet, kind);
		if (!names && json_object_set_new(fleet, kind, names = json_object()))
			return NULL;
		if (json_object_set(names, name, spec))
			return NULL;
	}
	return take_ptr(&fleet);
}
