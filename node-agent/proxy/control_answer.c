// What the control socket answers.
//
//   {"do":"status"}  {"do":"connections","client":…}  {"do":"reload"}
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/server.h"

static const char *text_of(const json_t *request, const char *field)
{
	return json_string_value(json_object_get(request, field));
}

static void refuse(struct service_talk *talk, const struct err *err)
{
	service_say(talk, service_refusal(err));
}

// ---- status ----

static json_t *counts(const struct proxy_server *server)
{
	json_t *all = json_object();
	for (unsigned i = 0; all && i < COUNTS; i++) {
		uint64_t sum = server->quic ? count_get(proxy_quic_counts(server->quic), i) : 0;
		for (size_t k = 0; k < server->n_workers; k++)
			sum += count_get(proxy_worker_counts(server->workers[k]), i);
		(void)json_object_set_new(all, count_names[i], json_integer((json_int_t)sum));
	}
	return all;
}

static void status(struct proxy_server *server, struct service_talk *talk, const json_t *request)
{
	(void)request;
	json_t *all = service_status(&server->reread);
	(void)json_object_set_new(all, "since_ms", json_integer(server->since_ms));
	(void)json_object_set_new(all, "workers", json_integer((json_int_t)server->n_workers));
	(void)json_object_set_new(all, "counts", counts(server));
	service_say(talk, all);
}

// ---- connections ----

static void roll_free(struct proxy_roll *roll)
{
	json_decref(roll->rows);
	free(roll);
}

static void connections(struct proxy_server *server, struct service_talk *talk,
			const json_t *request)
{
	struct letter form = { .kind = LETTER_LIST, .list = service_talk_id(talk) };
	const char *client = text_of(request, "client");
	struct err err = { 0 };
	struct proxy_roll *roll = NULL;
	if (client && address_parse(client, &form.address, &err) < 0) {
		refuse(talk, &err);
		return;
	}
	roll = calloc(1, sizeof(*roll));
	if (!roll) {
		service_say(talk, NULL);
		return;
	}
	*roll = (struct proxy_roll){ .next = server->rolls,
				     .talk = form.list,
				     .missing = server->n_workers,
				     .rows = json_array() };
	server->rolls = roll;
	proxy_server_post(server, &form);
}

void proxy_control_rows(struct proxy_server *server, struct letter *letter)
{
	CLEAN(letter_free_ptr) struct letter *owned = letter;
	struct proxy_roll **at = &server->rolls;
	while (*at && (*at)->talk != letter->list)
		at = &(*at)->next;
	struct proxy_roll *roll = *at;
	if (!roll)
		return;
	(void)json_array_extend(roll->rows, letter->rows);
	if (--roll->missing > 0)
		return;
	*at = roll->next;
	struct service_talk *talk =
		server->control ? service_find(server->control, roll->talk) : NULL;
	if (talk)
		service_say(talk, json_pack("{s:O}", "rows", roll->rows));
	roll_free(roll);
}

void proxy_control_done(struct proxy_server *server)
{
	while (server->rolls) {
		struct proxy_roll *roll = server->rolls;
		server->rolls = roll->next;
		roll_free(roll);
	}
}

// ---- the rest ----

static void reload(struct proxy_server *server, struct service_talk *talk, const json_t *request)
{
	(void)request;
	service_reread(&server->reread);
	service_say(talk, json_pack("{s:b}", "reloading", true));
}

void proxy_control_answer(void *context, struct service_talk *talk, const json_t *request)
{
	static const struct {
		const char *name;
		void (*answer)(struct proxy_server *server, struct service_talk *talk,
			       const json_t *request);
	} verbs[] = { { "status", status }, { "connections", connections }, { "reload", reload } };
	const char *wanted = text_of(request, "do");
	struct err err = { 0 };
	for (size_t i = 0; wanted && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, wanted) == 0) {
			verbs[i].answer(context, talk, request);
			return;
		}
	}
	(void)err_set(&err, -EINVAL, "%.40s is nothing that can be asked here",
		      wanted ? wanted : "this");
	refuse(talk, &err);
}
