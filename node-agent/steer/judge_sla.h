// The part of a judge that measures: latency, jitter and loss, what is usual, and the sla.
#pragma once

#include "steer/judge.h"

// Starts measuring anew; forgets only the losses of the time before.
void sla_reset(struct judge *j);
void sla_forget_losses(struct judge *j);
// One outcome more for the loss; one reply more for the rest.
void sla_outcome(struct judge *j, bool is_lost);
void sla_reply(struct judge *j, const struct judge_reply *reply);
// Moves the link's baseline by what `dt_us` of its present values are worth.
void sla_learn(struct judge *j, int64_t dt_us);

// Looks at every limit. Then: has one been broken for long enough, or (`at_once`) is it broken at
// all? The cause is filled if so.
void sla_look(struct judge *j);
bool sla_is_broken(const struct judge *j, bool at_once, struct judge_cause *ret);
// Since when all are kept; JUDGE_NEVER when one is not.
int64_t sla_kept_us(const struct judge *j);
// When one of the two questions will be answered differently if nothing else happens.
int64_t sla_due_us(const struct judge *j);
