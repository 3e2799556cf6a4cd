#include "rest/ownership.h"

#include <errno.h>
#include <string.h>

#include "intent/intent.h"
#include "rest/server.h"

static const char *owner_of(const json_t *spec)
{
	return json_string_value(json_object_get(spec, "owner"));
}

// Is it a token of the asker's user, or none yet?
static int check_present(const struct auth_identity *who, const struct intent_resource *now,
			 struct err *err)
{
	const char *owner = now ? owner_of(now->spec) : NULL;
	if (!who->user[0])
		return err_set(err, -EPERM, "%s acts for no user and has no tokens of its own",
			       who->actor);
	if (now && (!owner || strcmp(owner, who->user) != 0))
		return err_set(err, -EPERM, "tokens/%s does not belong to %s", now->name,
			       who->user);
	return 0;
}

static int check_wanted(const struct auth_identity *who, const json_t *spec, struct err *err)
{
	const json_t *owner = json_object_get(spec, "owner");
	const char *role = json_string_value(json_object_get(spec, "role"));
	// What it makes would not be bound by its scopes.
	if (who->scope_count > 0)
		return err_set(err, -EPERM, "%s has scopes and may not write tokens", who->actor);
	if (owner && (!json_is_string(owner) || strcmp(json_string_value(owner), who->user) != 0))
		return err_set(err, -EPERM, "%s may write only tokens of their own", who->user);
	if (role && auth_role_parse(role) > who->role)
		return err_set(err, -EPERM, "%s has the role %s, a token of theirs cannot be %s",
			       who->actor, auth_role_name(who->role), role);
	return 0;
}

// Who made it keeps it: a spec that names no owner leaves a present token as it is.
static int note_owner(const struct auth_identity *who, const struct intent_resource *now,
		      json_t *spec, struct err *err)
{
	const char *owner = now ? owner_of(now->spec) : who->user;
	if (!json_is_object(spec) || json_object_get(spec, "owner") || !owner || !owner[0])
		return 0;
	return json_object_set_new(spec, "owner", json_string(owner)) < 0
		       ? err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

int ownership_check(const struct request *request, const char *name, json_t *spec, bool is_patch,
		    struct err *err)
{
	const struct auth_identity *who = &request->who;
	const struct intent_resource *now =
		intent_find(request->rest->services.intent, "tokens", name);
	int r = 0;
	if (auth_allow(who, AUTH_WRITE, "tokens", NULL) < 0) {
		r = auth_allow(who, AUTH_WRITE_OWN, "tokens", err);
		if (r >= 0)
			r = check_present(who, now, err);
		if (r >= 0 && spec)
			r = check_wanted(who, spec, err);
	}
	if (r >= 0 && spec && !is_patch)
		r = note_owner(who, now, spec, err);
	return r;
}
