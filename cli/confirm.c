#include "cli/confirm.h"

#include "base/clean.h"

#include "cli/diff.h"
#include "cli/show.h"

void confirm_sentence(struct text *t, const json_t *confirmation)
{
	long long left_s = (long long)json_integer_value(json_object_get(confirmation, "left_ms"));
	left_s = (left_s + 999) / 1000;
	text_addf(t, "Revision %lld will be undone in %lld:%02lld unless confirmed",
		  (long long)json_integer_value(json_object_get(confirmation, "revision")),
		  left_s / 60, left_s % 60);
}

int confirm_show_result(const struct call *call, const json_t *result, bool is_dry, struct err *err)
{
	int r = 0;
	if (show_as_asked(call, result, err, &r))
		return r;
	CLEAN(text_free) struct text t = { 0 };
	const struct diff_style style = { .is_coloured = call->is_coloured,
					  .is_verbose = call_has(call, "verbose"),
					  .is_done = !is_dry };
	diff_render(&t, result, &style);
	const json_t *waits = json_object_get(result, "confirmation");
	// Another revision's is no news here.
	if (!is_dry && waits &&
	    json_equal(json_object_get(waits, "revision"), json_object_get(result, "revision"))) {
		confirm_sentence(&t, waits);
		text_add(&t, ": run `weft confirm`.\n");
	}
	return show_text(call, &t, err);
}
