// {"state": "trial", "revision": N, "digest": "...", "before": N, "round": N}. Times are not kept:
// a clock may be wrong after a boot, so the windows begin anew.
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/clean.h"

#include "lockout/lockout.h"

CLEAN_FUNC(json_t, json_decref)

static const char *const names[] = {
	[LOCKOUT_CALM] = "calm",
	[LOCKOUT_TRIAL] = "trial",
	[LOCKOUT_UNDONE] = "undone",
	[LOCKOUT_REFUSED] = "refused",
};

char *lockout_write(const struct lockout *l)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(l->digest, digest);
	CLEAN(json_decref_ptr)
	json_t *json = json_pack("{s:s, s:I, s:s, s:I, s:i}", "state", names[l->state], "revision",
				 (json_int_t)l->revision, "digest", digest, "before",
				 (json_int_t)l->before, "round", (int)l->round);
	return json ? json_dumps(json, JSON_INDENT(1)) : NULL;
}

int lockout_read(struct lockout *l, const char *text, struct err *err)
{
	struct lockout read = { 0 };
	CLEAN(json_decref_ptr) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *state = json_string_value(json_object_get(json, "state"));
	const char *digest = json_string_value(json_object_get(json, "digest"));
	json_int_t round = json_integer_value(json_object_get(json, "round"));
	size_t at = 0;
	while (state && at < ARRAY_LEN(names) && strcmp(state, names[at]) != 0)
		at++;
	if (!state || at == ARRAY_LEN(names) || !digest || digest_parse(digest, &read.digest) < 0 ||
	    round < 0 || round >= LOCKOUT_ROUNDS)
		return err_set(err, -EINVAL, "the record of the revision on trial is damaged");
	read.state = (enum lockout_state)at;
	read.revision = json_integer_value(json_object_get(json, "revision"));
	read.before = json_integer_value(json_object_get(json, "before"));
	read.round = (unsigned)round;
	*l = read;
	return 0;
}
