// What somebody on this host asks the controller by way of the agent.
#include <string.h>

#include "base/clock.h"

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { ANSWER_MS = 15000 };

static void settle(struct agent *agent, struct agent_ask *ask, const json_t *result,
		   const char *error)
{
	CLEAN(json_decref_ptr)
	json_t *answer = json_pack("{s:b, s:s, s:O?}", "ok", error == NULL, "line",
				   error ? error : "", "result", result);
	uint64_t ticket = ask->ticket;
	*ask = (struct agent_ask){ 0 };
	control_answer(agent->control, ticket, answer);
}

json_t *ask_controller(struct agent *agent, const char *verb, const json_t *args, uint64_t ticket)
{
	for (size_t i = 0; agent->is_welcome && i < ARRAY_LEN(agent->asks); i++) {
		struct agent_ask *ask = &agent->asks[i];
		if (ask->ticket)
			continue;
		*ask = (struct agent_ask){ .ticket = ticket,
					   .id = ++agent->last_ask,
					   .until_ms = clock_mono_ms() + ANSWER_MS };
		const struct msg msg = { .type = MSG_ASK,
					 .ask = { .id = ask->id, .verb = verb, .args = args } };
		session_send(agent, &msg, false);
		return json_null();
	}
	return json_pack("{s:b, s:s}", "ok", false, "line",
			 agent->is_welcome ? "the agent is busy with other questions"
					   : "there is no session with a controller");
}

void ask_answered(struct agent *agent, const struct msg_response *answer)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->asks); i++) {
		struct agent_ask *ask = &agent->asks[i];
		if (ask->ticket && ask->id == answer->id)
			settle(agent, ask, answer->ok ? answer->result : NULL,
			       answer->ok ? NULL : answer->error);
	}
}

void ask_tick(struct agent *agent)
{
	int64_t now = clock_mono_ms();
	for (size_t i = 0; i < ARRAY_LEN(agent->asks); i++) {
		struct agent_ask *ask = &agent->asks[i];
		if (ask->ticket && (now >= ask->until_ms || !agent->is_welcome))
			settle(agent, ask, NULL,
			       agent->is_welcome ? "the controller did not answer"
						 : "the session with the controller was lost");
	}
}
