// The handlers of the route table, by file.
#pragma once

struct request;

// resource.c
void resource_list(struct request *request);
void resource_get(struct request *request);
void resource_delete(struct request *request);
void resource_rename(struct request *request);

// write.c
void resource_put(struct request *request);
void resource_patch(struct request *request);

// secret.c
void secret_value_put(struct request *request);

// webhook.c
void webhook_status_get(struct request *request);
void webhook_test_post(struct request *request);

// domain_list.c
void list_status_get(struct request *request);
void list_refresh_post(struct request *request);

// blocklist.c
void blocklist_except_post(struct request *request);

// dns.c
void dns_log_get(struct request *request);
void dns_cache_get(struct request *request);
void dns_flush_post(struct request *request);
void dns_lookup_get(struct request *request);

// explain.c
void explain_get(struct request *request);

// apply.c
void apply_post(struct request *request);

// confirm.c
void confirm_post(struct request *request);
void rollback_post(struct request *request);

// retry.c
void node_retry(struct request *request);

// session.c
void session_login(struct request *request);
void session_logout(struct request *request);
void session_get(struct request *request);

// state.c
void state_get(struct request *request);
void observed_get(struct request *request);

// topology.c
void topology_get(struct request *request);

// tree.c
void tree_get(struct request *request);

// ping.c
void ping_post(struct request *request);

// doctor.c
void doctor_post(struct request *request);

// membership.c
void node_revoke(struct request *request);
void node_approve(struct request *request);

// enrol.c
void ca_get(struct request *request);
void enrol_post(struct request *request);

// operation.c
void operation_get(struct request *request);

// link_history.c
void link_history_get(struct request *request);

// history.c
void history_get(struct request *request);
void log_get(struct request *request);

// events.c
void events_get(struct request *request);

// metrics.c
void metrics_get(struct request *request);

// health.c
void health_get(struct request *request);
void ready_get(struct request *request);

// docs.c
void openapi_get(struct request *request);
void docs_get(struct request *request);
void docs_style_get(struct request *request);

// join.c
void join_get(struct request *request);

// packages.c
void package_get(struct request *request);

// assets.c
void assets_get(struct request *request);
