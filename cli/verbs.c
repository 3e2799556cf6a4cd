#include "cli/verb/verbs.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/verb.h"

const struct verb *const verb_table[] = {
	&verb_login,
	&verb_logout,
	&verb_context,
	&verb_plan,
	&verb_apply,
	&verb_confirm,
	&verb_rollback,
	&verb_get,
	&verb_edit,
	&verb_delete,
	&verb_rename,
	&verb_node_add,
	&verb_node_approve,
	&verb_node_revoke,
	&verb_node_retry,
	&verb_status,
	&verb_links,
	&verb_tree,
	&verb_explain,
	&verb_ping,
	&verb_drain,
	&verb_doctor,
	&verb_bundle,
	&verb_dns_status,
	&verb_dns_log,
	&verb_dns_lookup,
	&verb_dns_cache,
	&verb_dns_flush,
	&verb_dns_except,
	&verb_discover,
	&verb_watch,
	&verb_history,
	&verb_events,
	&verb_secret_set,
	&verb_webhook_test,
	&verb_webhook_status,
	&verb_import,
#ifdef WEFT_HAS_LAB
	&verb_lab,
#endif
	&verb_completion,
	&verb_man,
	&verb_version,
	&verb_complete,
	NULL,
};

const struct verb *verb_find(int argc, char *const *argv, int *ret_words)
{
	for (size_t i = 0; argc > 0 && verb_table[i]; i++) {
		const char *name = verb_table[i]->name;
		size_t len = strcspn(name, " ");
		if (strlen(argv[0]) != len || strncmp(argv[0], name, len) != 0)
			continue;
		bool has_second = name[len] == ' ';
		if (has_second && (argc < 2 || strcmp(argv[1], name + len + 1) != 0))
			continue;
		*ret_words = has_second ? 2 : 1;
		return verb_table[i];
	}
	return NULL;
}

int verb_unknown(int argc, char *const *argv, struct err *err)
{
	CLEAN(text_free) struct text second = { 0 };
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; verb_table[i]; i++) {
		const char *rest = NULL;
		if (text_starts(verb_table[i]->name, argv[0], &rest) && *rest == ' ')
			text_addf(&second, "%s%s", second.len ? ", " : "", rest + 1);
		if (!verb_table[i]->is_hidden && n + 1 < ARRAY_LEN(names))
			names[n++] = verb_table[i]->name;
	}
	names[n] = NULL;
	if (second.len && argc > 1)
		(void)err_set(err, -EINVAL, "weft %s has no verb \"%.60s\", only %s", argv[0],
			      argv[1], second.data);
	else if (second.len)
		(void)err_set(err, -EINVAL, "weft %s needs one of: %s", argv[0], second.data);
	else if (text_nearest(argv[0], names))
		(void)err_set(err, -EINVAL, "\"%.60s\" is no verb, did you mean %s?", argv[0],
			      text_nearest(argv[0], names));
	else
		(void)err_set(err, -EINVAL, "\"%.60s\" is no verb; `weft --help` lists them",
			      argv[0]);
	return CLI_USAGE;
}
