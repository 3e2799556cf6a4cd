#include "reconcile/body.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/hex.h"
#include "base/text.h"

void prefix_list_done(struct prefix_list *list)
{
	free(list->items);
	*list = (struct prefix_list){ 0 };
}

bool body_has(const json_t *body, const char *name)
{
	const json_t *field = json_object_get(body, name);

	return field && !json_is_null(field);
}

int body_string(const json_t *body, const char *name, const char **ret, struct err *err)
{
	const char *value = json_string_value(json_object_get(body, name));

	if (!value || !*value)
		return err_set(err, -EINVAL, "%s: a string is missing", name);
	*ret = value;
	return 0;
}

int body_u32(const json_t *body, const char *name, uint32_t min, uint32_t max, uint32_t *ret,
	     struct err *err)
{
	const json_t *field = json_object_get(body, name);
	json_int_t value = json_integer_value(field);

	if (!json_is_integer(field))
		return err_set(err, -EINVAL, "%s: a whole number is missing", name);
	if (value < min || value > max)
		return err_set(err, -EINVAL, "%s: %lld is not in %u..%u", name, (long long)value,
			       min, max);
	*ret = (uint32_t)value;
	return 0;
}

int body_bool(const json_t *body, const char *name, bool *ret, struct err *err)
{
	const json_t *field = json_object_get(body, name);

	if (!json_is_boolean(field))
		return err_set(err, -EINVAL, "%s: true or false is missing", name);
	*ret = json_is_true(field);
	return 0;
}

int body_seconds(const json_t *body, const char *name, uint32_t *ret_hundredths, struct err *err)
{
	const json_t *field = json_object_get(body, name);
	double value = json_number_value(field);

	if (!json_is_number(field) || !(value >= 0 && value <= 10000))
		return err_set(err, -EINVAL, "%s: a number of seconds in 0..10000 is missing",
			       name);
	*ret_hundredths = (uint32_t)lround(value * 100);
	return 0;
}

int body_device(const json_t *body, const char *name, char ret[IFNAMSIZ], struct err *err)
{
	const char *value = NULL;

	int rc = body_string(body, name, &value, err);
	if (rc < 0)
		return rc;
	// The characters are those of the planner's names, so that a name is safe in nft's language
	// too.
	if (strlen(value) >= IFNAMSIZ ||
	    value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
		return err_set(err, -EINVAL, "%s: `%.40s` is no name of a device", name, value);
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

int body_ip(const json_t *body, const char *name, struct kernel_ip *ret, struct err *err)
{
	const char *value = NULL;

	int rc = body_string(body, name, &value, err);
	if (rc == 0 && kernel_ip_parse(value, ret, err) < 0)
		rc = err_prefix(err, "%s", name);
	return rc;
}

int body_prefix(const json_t *body, const char *name, struct kernel_prefix *ret, struct err *err)
{
	const char *value = NULL;

	int rc = body_string(body, name, &value, err);
	if (rc == 0 && kernel_prefix_parse(value, ret, err) < 0)
		rc = err_prefix(err, "%s", name);
	return rc;
}

int body_prefixes(const json_t *body, const char *name, struct prefix_list *ret, struct err *err)
{
	const json_t *array = json_object_get(body, name);
	const size_t len = json_array_size(array);

	if (!json_is_array(array))
		return err_set(err, -EINVAL, "%s: a list is missing", name);
	struct kernel_prefix *items = calloc(len + 1, sizeof *items);
	if (!items)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < len; i++) {
		const char *value = json_string_value(json_array_get(array, i));

		if (kernel_prefix_parse(value ? value : "", &items[i], err) < 0) {
			free(items);
			return err_prefix(err, "%s[%zu]", name, i);
		}
	}
	ret->items = items;
	ret->len = len;
	return 0;
}

int body_addresses(const json_t *body, const char *name, struct kernel_ip ret[2], struct err *err)
{
	const json_t *list = json_object_get(body, name), *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, -EINVAL, "%s: a list is missing", name);
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);
		struct kernel_ip ip;

		if (kernel_ip_parse(text ? text : "", &ip, err) < 0)
			return err_prefix(err, "%s[%zu]", name, i);
		ret[ip.family == AF_INET6] = ip;
	}
	return 0;
}

int body_foreign_device(const json_t *body, const char *name, char ret[IFNAMSIZ], struct err *err)
{
	const char *value = "";

	int rc = body_string(body, name, &value, err);
	if (rc < 0)
		return rc;
	// What has a meaning in nft's language cannot be written there.
	if (!*value || strlen(value) >= IFNAMSIZ || strpbrk(value, "/: \t\n\v\f\r\"*\\"))
		return err_set(err, -EINVAL, "%s: `%.40s` is no name of a device", name, value);
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

int body_id(const json_t *body, const char *name, uint64_t *ret, struct err *err)
{
	const json_int_t value = json_integer_value(json_object_get(body, name));

	if (value <= 0)
		return err_set(err, -EINVAL, "%s: a number from 1 on is missing", name);
	*ret = (uint64_t)value;
	return 0;
}

int body_mac(const json_t *body, const char *name, uint8_t ret[6], struct err *err)
{
	const char *value = NULL;

	int rc = body_string(body, name, &value, err);
	if (rc == 0 && kernel_mac_parse(value, ret, err) < 0)
		rc = err_prefix(err, "%s", name);
	return rc;
}

int body_secret(const json_t *body, const char *name, uint8_t ret[BODY_SECRET_SIZE],
		struct err *err)
{
	const char *text = "";

	int rc = body_string(body, name, &text, err);
	if (rc < 0)
		return rc;
	if (strlen(text) == 2 * BODY_SECRET_SIZE && hex_read(text, 2 * BODY_SECRET_SIZE, ret))
		return 0;
	return err_set(err, -EINVAL, "%s: 64 hexadecimal digits are missing", name);
}

void key_list_done(struct key_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct key_list){ 0 };
}

static int copy_key(const char *value, const char *kind, char **ret, struct err *err)
{
	if (!value || !text_starts(value, kind, NULL))
		return err_set(err, -EINVAL, "`%.60s` does not begin with %s", value ? value : "",
			       kind);
	*ret = strdup(value);
	return *ret ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int body_key(const json_t *body, const char *name, const char *kind, char **ret, struct err *err)
{
	const char *value = NULL;

	int rc = body_string(body, name, &value, err);
	if (rc < 0)
		return rc;
	rc = copy_key(value, kind, ret, err);
	return rc < 0 ? err_prefix(err, "%s", name) : 0;
}

int body_keys(const json_t *body, const char *name, const char *kind, struct key_list *ret,
	      struct err *err)
{
	const json_t *list = json_object_get(body, name), *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, -EINVAL, "%s: a list is missing", name);
	ret->items = calloc(json_array_size(list) + 1, sizeof *ret->items);
	if (!ret->items)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach((json_t *)list, i, item)
	{
		if (copy_key(json_string_value(item), kind, &ret->items[i], err) < 0)
			return err_prefix(err, "%s[%zu]", name, i);
		ret->len++;
	}
	return 0;
}
