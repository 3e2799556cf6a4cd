// Questions to nodes, and their answers or the lack of them; answers to theirs.

#include <errno.h>

#include "base/clock.h"

#include "hub/inside.h"

int hub_request(struct hub *hub, int64_t node_id, const struct hub_question *question,
		uint64_t *ret_id, struct err *err)
{
	struct session *s = session_of_node(hub, node_id);

	if (!s)
		return err_set(err, -ENOTCONN, "the node is not connected");
	if (s->requests >= REQUESTS_MAX)
		return err_set(err, -EBUSY, "the node has %d open questions", REQUESTS_MAX);
	struct request *r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	*r = (struct request){ .next = hub->requests,
			       .id = ++hub->last_request,
			       .session = s,
			       .until_ms = clock_mono_ms() + question->timeout_ms,
			       .answer = question->answer,
			       .ctx = question->ctx };
	struct msg msg = {
		.type = MSG_REQUEST,
		.request = { .id = (int64_t)r->id, .verb = question->verb, .args = question->args }
	};
	// Before it is on the list: if this ends the session, no answer may come.
	queue_message(s, &msg);
	if (s->state != SESSION_OPEN) {
		free(r);
		return err_set(err, -ENOTCONN, "the node is not connected");
	}
	hub->requests = r;
	s->requests++;
	if (ret_id)
		*ret_id = r->id;
	return 0;
}

void hub_answer(struct hub *hub, int64_t node_id, int64_t id, const json_t *result,
		const char *error)
{
	struct session *s = session_of_node(hub, node_id);
	const struct msg msg = {
		.type = MSG_ANSWER,
		.answer = { .id = id, .ok = result != NULL, .result = result, .error = error }
	};

	if (s)
		queue_message(s, &msg);
}

void hub_vote(struct hub *hub, int64_t node_id, const char *message)
{
	struct session *s = session_of_node(hub, node_id);
	const struct msg msg = { .type = MSG_VOTE, .vote = { .message = message } };

	if (s)
		queue_message(s, &msg);
}

static struct request *take_request(struct hub *hub, uint64_t id)
{
	for (struct request **at = &hub->requests; *at; at = &(*at)->next) {
		struct request *r = *at;

		if (r->id != id)
			continue;
		*at = r->next;
		r->session->requests--;
		return r;
	}
	return NULL;
}

void hub_request_cancel(struct hub *hub, uint64_t id)
{
	free(take_request(hub, id));
}

static void finish(struct hub *hub, uint64_t id, const json_t *result, const char *error)
{
	struct request *r = take_request(hub, id);

	if (r)
		r->answer(r->ctx, result, error);
	free(r);
}

void request_response(struct session *s, const struct msg_response *response)
{
	for (const struct request *r = s->hub->requests; r; r = r->next) {
		if (r->id != (uint64_t)response->id || r->session != s)
			continue;
		if (response->ok)
			finish(s->hub, r->id, response->result ? response->result : json_null(),
			       NULL);
		else
			finish(s->hub, r->id, NULL, response->error);
		return;
	}
}

// An answer may ask again or cancel: the search begins anew after each.
static const struct request *find_of(const struct hub *hub, const struct session *s)
{
	const struct request *r = hub->requests;

	while (r && r->session != s)
		r = r->next;
	return r;
}

void request_end_all(struct session *s, const char *reason)
{
	char text[HUB_REASON_SIZE + 32];

	(void)snprintf(text, sizeof(text), "the node went away: %s", reason);
	for (const struct request *r; (r = find_of(s->hub, s));)
		finish(s->hub, r->id, NULL, text);
}

static const struct request *find_late(const struct hub *hub, int64_t now_ms)
{
	const struct request *r = hub->requests;

	while (r && r->until_ms > now_ms)
		r = r->next;
	return r;
}

void request_tick(struct hub *hub, int64_t now_ms)
{
	for (const struct request *r; (r = find_late(hub, now_ms));)
		finish(hub, r->id, NULL, "the node did not answer in time");
}
