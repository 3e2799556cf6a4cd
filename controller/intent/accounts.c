// Rules of users and tokens: an admin always remains, and a token neither outlives nor outranks the
// user it acts for.
#include <errno.h>
#include <string.h>

#include "intent/parts.h"

static const char *member(const struct resource *r, const char *name)
{
	return json_string_value(json_object_get(r->spec, name));
}

// Greater is more; a role that is not known ranks below all.
static int rank_of(const struct resource *r)
{
	static const char *const roles[] = { "viewer", "operator", "admin" };
	const char *role = member(r, "role");

	for (size_t i = 0; role && i < ARRAY_LEN(roles); i++) {
		if (strcmp(roles[i], role) == 0)
			return (int)i;
	}
	return -1;
}

static bool is_admin(const struct resource *r)
{
	const char *role = member(r, "role");

	return role && strcmp(role, "admin") == 0;
}

// ---- what follows from an edit of a user ----

static int give_token(struct resource *token, const char *owner, struct edits *edits)
{
	json_auto_t *spec = json_copy(token->spec);

	if (!spec || json_object_set_new(spec, "owner", json_string(owner)) < 0)
		return -ENOMEM;
	struct resource_parts parts = {
		.kind = token->kind,
		.id = token->pub.id,
		.name = token->name,
		.spec = spec,
		.set = token->set,
	};
	struct resource *after = resource_new(token, &parts);
	return after ? edits_add(edits, token, after) : -ENOMEM;
}

// The tokens of a user go with him, or end; `heir` NULL ends them.
static int follow_user(const struct intent *intent, const char *user, const char *heir,
		       struct edits *edits)
{
	void *value;
	int rc = 0;

	for (size_t at = 0; rc >= 0 && map_next(intent->by_name[KIND_TOKENS], &at, NULL, &value);) {
		struct resource *token = value;
		const char *owner = member(token, "owner");

		if (owner && strcmp(owner, user) == 0 && !edits_hold(edits, token))
			rc = heir ? give_token(token, heir, edits) : edits_add(edits, token, NULL);
	}
	return rc;
}

int accounts_follow(const struct intent *intent, struct edits *edits, struct outcome *outcome)
{
	size_t count = edits->count; // what follows has nothing that follows from it

	for (size_t i = 0; i < count; i++) {
		const struct edit e = edits->items[i];
		const char *heir = e.after ? e.after->name : NULL;
		int rc = 0;

		if (!e.before || e.before->kind != KIND_USERS)
			continue;
		if (!e.after || rank_of(e.after) < rank_of(e.before))
			rc = follow_user(intent, e.before->name, NULL, edits);
		else if (strcmp(e.before->name, heir) != 0)
			rc = follow_user(intent, e.before->name, heir, edits);
		if (rc < 0)
			return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
	}
	return 0;
}

// ---- what must hold after it ----

static void check_token(const struct intent *intent, const struct resource *token,
			struct problem_list *problems)
{
	const char *owner = member(token, "owner");
	const struct resource *user = owner ? resource_find(intent, KIND_USERS, owner) : NULL;
	CLEAN(free_ptr)
	char *field = text_format("tokens.%s.%s", token->name, user ? "role" : "owner");

	if (!owner || (user && rank_of(token) <= rank_of(user)))
		return;
	if (user)
		problem_add(problems, field ? field : "", "%s is more than the role of user %s",
			    member(token, "role"), owner);
	else
		problem_add(problems, field ? field : "", "there is no user %s", owner);
}

static bool has_admin(const struct intent *intent)
{
	void *value;

	for (size_t at = 0; map_next(intent->by_name[KIND_USERS], &at, NULL, &value);) {
		if (is_admin(value))
			return true;
	}
	return false;
}

int accounts_check(const struct intent *intent, const struct edits *edits, struct outcome *outcome)
{
	struct err err = { 0 };

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const struct resource *r = e->after ? e->after : e->before;

		if (r->kind == KIND_USERS && e->before && is_admin(e->before) && !has_admin(intent))
			return outcome_set(outcome, INTENT_CONFLICT,
					   "%s is the last admin: make another user admin first",
					   e->before->name);
		if (r->kind == KIND_TOKENS && e->after)
			check_token(intent, e->after, &outcome->problems);
	}
	if (!problem_list_any(&outcome->problems))
		return 0;
	(void)problem_list_err(&outcome->problems, &err);
	return outcome_set(outcome, INTENT_INVALID, "%s", err.text);
}
