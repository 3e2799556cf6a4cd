// Roles and the one table of what they may do. Pure.
#pragma once

#include "base/err.h"

enum auth_role { AUTH_ROLE_NONE, AUTH_ROLE_VIEWER, AUTH_ROLE_OPERATOR, AUTH_ROLE_ADMIN };

enum auth_method {
	AUTH_READ,
	AUTH_WRITE,
	AUTH_WRITE_OWN, // what belongs to the asker: who that is, the caller has to find out
};

// "viewer", "operator", "admin"; AUTH_ROLE_NONE for anything else.
enum auth_role auth_role_parse(const char *name);
const char *auth_role_name(enum auth_role role);

// The least role that may do `method` on `kind`. Kinds without a row follow the table's last row:
// reading takes a viewer, writing an operator; so a new network kind needs no change here.
enum auth_role auth_role_needed(enum auth_method method, const char *kind);
