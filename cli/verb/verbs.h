// Every verb's row; verbs.c puts them in the order of help.
#pragma once

#include "cli/verb.h"

extern const struct verb verb_apply, verb_bundle, verb_complete, verb_completion, verb_confirm,
	verb_context, verb_delete, verb_discover, verb_dns_cache, verb_dns_except, verb_dns_flush,
	verb_dns_log, verb_dns_lookup, verb_dns_status, verb_doctor, verb_drain, verb_edit,
	verb_events, verb_explain, verb_get, verb_history, verb_import, verb_lab, verb_links,
	verb_login, verb_logout, verb_man, verb_node_add, verb_node_approve, verb_node_retry,
	verb_node_revoke, verb_ping, verb_plan, verb_rename, verb_rollback, verb_secret_set,
	verb_status, verb_tree, verb_version, verb_watch, verb_webhook_status, verb_webhook_test;
