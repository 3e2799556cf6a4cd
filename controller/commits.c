// From a commit: deltas to the nodes it touches, the present to live, users and tokens to auth.
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "model/net.h"

#include "program.h"

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

// Tells live of one node: name, site, target.
static void introduce(struct program *program, const struct intent_resource *node)
{
	struct err err = { 0 };
	const char *site = member(node->spec, "site");
	const char *slash = site ? strchr(site, '/') : NULL;
	if (live_node_put(program->live, node->id, node->name, slash ? slash + 1 : site, &err) < 0)
		log_error("node %s: %s", node->name, err.text);
	live_node_drain(program->live, node->id, json_is_true(json_object_get(node->spec, "drain")),
			clock_wall_ms());
}

static void set_target(struct program *program, int64_t node_id, int64_t revision, const char *text)
{
	struct digest digest;
	if (digest_parse(text, &digest) == 0)
		live_node_target(program->live, node_id, revision, digest, clock_wall_ms());
}

static bool introduce_each(void *arg, const struct intent_resource *node)
{
	struct program *program = arg;
	struct intent_target target;
	introduce(program, node);
	if (intent_node_target(program->intent, node->id, &target))
		set_target(program, node->id, target.revision, target.digest);
	return true;
}

void program_introduce_nodes(struct program *program)
{
	intent_list(program->intent, "nodes", NULL, introduce_each, program);
}

static void drop_node(struct program *program, int64_t node_id)
{
	if (node_id == 0)
		return;
	hub_disconnect(program->hub, node_id, "the node was deleted", false);
	live_node_drop(program->live, node_id);
}

static bool is_deletion(const json_t *change)
{
	const char *action = member(change, "action");
	return action && strcmp(action, "delete") == 0;
}

// What is deleted is told by its old name, which another node may have got in the same commit: it
// goes before that one is introduced under it.
static void drop_deleted(struct program *program, const json_t *changes)
{
	size_t i;
	json_t *change;
	json_array_foreach((json_t *)(uintptr_t)changes, i, change)
	{
		const char *kind = member(change, "kind");
		const char *name = member(change, "name");
		if (kind && name && strcmp(kind, "nodes") == 0 && is_deletion(change))
			drop_node(program, live_node_id(program->live, name));
	}
}

// One change of a node that remains.
static void follow_node(struct program *program, const json_t *change)
{
	const char *name = member(change, "name");
	const char *action = member(change, "action");
	if (!name || !action || strcmp(action, "none") == 0)
		return;
	const struct intent_resource *node = intent_find(program->intent, "nodes", name);
	if (strcmp(action, "rename") == 0 || !node)
		program_introduce_nodes(program);
	else
		introduce(program, node);
}

static void follow_changes(struct program *program, const json_t *changes)
{
	size_t i;
	json_t *change;
	bool is_access = false;
	bool is_webhook = false;
	bool is_list = false;
	drop_deleted(program, changes);
	json_array_foreach((json_t *)(uintptr_t)changes, i, change)
	{
		const char *kind = member(change, "kind");
		if (kind && strcmp(kind, "nodes") == 0 && !is_deletion(change))
			follow_node(program, change);
		if (kind && (strcmp(kind, "users") == 0 || strcmp(kind, "tokens") == 0))
			is_access = true;
		if (kind && (strcmp(kind, "webhooks") == 0 || strcmp(kind, "secrets") == 0))
			is_webhook = true;
		if (kind && strcmp(kind, "domain-lists") == 0)
			is_list = true;
	}
	if (is_list)
		program_follow_lists(program);
	if (is_webhook)
		program_follow_webhooks(program);
	if (is_access)
		auth_reload(program->auth, NULL, NULL);
}

static int fill_delta(struct entry_delta *to, const struct intent_delta *from)
{
	int r = digest_parse(from->base_digest, &to->base);
	if (r >= 0)
		r = digest_parse(from->digest, &to->digest);
	for (size_t i = 0; i < from->drop_count && r >= 0; i++)
		r = entry_delta_add(to, from->drop[i], NULL, 0);
	for (size_t i = 0; i < from->set_count && r >= 0; i++)
		r = entry_delta_add(to, from->set[i].key, from->set[i].body,
				    strlen(from->set[i].body));
	return r;
}

static void push(struct program *program, int64_t revision, const struct intent_delta *delta)
{
	struct entry_delta entries = { 0 };
	if (delta->is_gone) {
		drop_node(program, delta->node_id);
		return;
	}
	set_target(program, delta->node_id, revision, delta->digest);
	if (delta->is_whole && fill_delta(&entries, delta) >= 0)
		hub_push(program->hub, delta->node_id, revision, &entries);
	else
		hub_resync(program->hub, delta->node_id);
	entry_delta_done(&entries);
}

// The item "revision" of the event stream: who did what, without the fields.
static json_t *summary(const struct intent_commit *commit)
{
	char at[TIME_TEXT_SIZE];
	size_t i;
	json_t *change;
	json_t *changes = json_array();
	json_array_foreach((json_t *)(uintptr_t)commit->changes, i,
			   change) if (member(change, "action") &&
				       strcmp(member(change, "action"), "none") != 0)
		json_array_append_new(changes, json_pack("{s:s?, s:s?, s:s?}", "kind",
							 member(change, "kind"), "name",
							 member(change, "name"), "action",
							 member(change, "action")));
	return json_pack("{s:s, s:s?, s:o}", "at", time_format(commit->at_ms, at), "user",
			 commit->actor, "changes", changes);
}

void program_committed(void *arg, const struct intent_commit *commit)
{
	struct program *program = arg;
	if (program->is_stopping)
		return;
	if (commit->is_first) {
		log_info("revision %lld by %s: %zu nodes touched", (long long)commit->revision,
			 commit->actor ? commit->actor : "?", commit->nodes_touched);
		follow_changes(program, commit->changes);
	}
	for (size_t i = 0; i < commit->delta_count; i++)
		push(program, commit->revision, &commit->deltas[i]);
	if (!commit->is_last)
		return;
	json_auto_t *what = summary(commit);
	live_revision(program->live, commit->revision, what);
}

static char *news_text(enum intent_news news, const struct intent_confirmation *of,
		       const char *actor, const char *detail)
{
	long long revision = of->revision;
	switch (news) {
	case INTENT_WAITS:
		return text_format("revision %lld by %s will be undone in %lld s unless confirmed",
				   revision, actor, (long long)(of->due_ms - of->at_ms) / 1000);
	case INTENT_CONFIRMED:
		return text_format("revision %lld was confirmed by %s", revision, actor);
	case INTENT_UNDONE:
		return strcmp(actor, "controller") == 0
			       ? text_format(
					 "revision %lld was undone: nobody confirmed it in time",
					 revision)
			       : text_format("revision %lld was undone by %s", revision, actor);
	case INTENT_STUCK:
		break;
	}
	return text_format("revision %lld was not confirmed and could not be undone: %s", revision,
			   detail ? detail : "");
}

void program_confirmation(void *arg, enum intent_news news, const struct intent_confirmation *of,
			  const char *actor, const char *detail)
{
	static const struct {
		const char *kind;
		const char *severity;
	} words[] = {
		[INTENT_WAITS] = { "revision_waits", "info" },
		[INTENT_CONFIRMED] = { "revision_confirmed", "info" },
		[INTENT_UNDONE] = { "revision_unconfirmed", "warning" },
		[INTENT_STUCK] = { "revision_stuck", "error" },
	};
	struct program *program = arg;
	CLEAN(free_ptr) char *text = news_text(news, of, actor, detail);
	if (program->is_stopping || !text)
		return;
	log_info("%s", text);
	program_tell(program, words[news].severity, words[news].kind, NULL, text);
}

void program_tell(void *ctx, const char *severity, const char *kind, const char *entry,
		  const char *text)
{
	struct program *program = ctx;
	const struct live_event event = { .at_ms = clock_wall_ms(),
					  .severity = severity,
					  .kind = kind,
					  .entry = entry,
					  .text = text };
	live_event_own(program->live, &event);
}
