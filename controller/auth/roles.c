#include "auth/roles.h"

#include <stddef.h>
#include <string.h>

#include "base/clean.h"

// clang-format off
static const struct {
	const char *kind; // NULL: every other kind and area
	enum auth_role read;
	enum auth_role write;
	enum auth_role write_own;
} rights[] = {
	/* kind              read               write               its own */
	{ "users",           AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_ADMIN },
	{ "tokens",          AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_VIEWER },
	{ "enrolment-keys",  AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_ADMIN },
	{ "secrets",         AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_ADMIN },
	{ "webhooks",        AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_ADMIN },
	{ "approve",         AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_ADMIN },
	{ "revoke",          AUTH_ROLE_VIEWER,  AUTH_ROLE_ADMIN,    AUTH_ROLE_ADMIN },
	{ NULL,              AUTH_ROLE_VIEWER,  AUTH_ROLE_OPERATOR, AUTH_ROLE_OPERATOR },
};
// clang-format on

static const char *const names[] = {
	[AUTH_ROLE_NONE] = "none",
	[AUTH_ROLE_VIEWER] = "viewer",
	[AUTH_ROLE_OPERATOR] = "operator",
	[AUTH_ROLE_ADMIN] = "admin",
};

enum auth_role auth_role_parse(const char *name)
{
	for (int i = AUTH_ROLE_VIEWER; name && i <= AUTH_ROLE_ADMIN; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum auth_role)i;
	}
	return AUTH_ROLE_NONE;
}

const char *auth_role_name(enum auth_role role)
{
	return names[role];
}

enum auth_role auth_role_needed(enum auth_method method, const char *kind)
{
	size_t i = 0;
	while (rights[i].kind && strcmp(rights[i].kind, kind) != 0)
		i++;
	if (method == AUTH_READ)
		return rights[i].read;
	return method == AUTH_WRITE ? rights[i].write : rights[i].write_own;
}
