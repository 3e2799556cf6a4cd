#include "proxy/learned.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "proxy/seen.h"
#include "service/service.h"

enum {
	KEPT = 1024,    // answers
	KEPT_MS = 5000, // so long
	ASKED_MAX = 32, // questions at a time
	TOLD_MAX = 8,   // and what is told
	TOLD_WAITING_MAX = 256,
	AGAIN_MS = 100,
	PATIENCE_MS = 2000,
};

struct kept {
	struct address address;
	int64_t until_ms;
	json_t *answer;
};

// Under way, or to be tried again.
struct asking {
	struct asking *next;
	struct learned *learned;
	struct proxy_config *config;
	struct letter *letter;
	struct service_question *question; // NULL: it waits for its turn
	int64_t began_ms;
};

struct telling {
	struct learned *learned;
	struct service_question *question;
	struct letter *letter;
};

struct learned {
	uv_loop_t *loop;
	uv_timer_t timer;
	struct asking *first, **last; // the oldest first
	unsigned n_asked;
	struct telling *told[TOLD_MAX];
	struct letter *waiting, **waiting_last; // to be told
	unsigned n_waiting;
	struct kept kept[KEPT];
	struct seen seen;
};

static void on_timer(uv_timer_t *timer);
static void ask_more(struct learned *learned);

struct learned *learned_new(uv_loop_t *loop)
{
	struct learned *learned = calloc(1, sizeof(*learned));
	if (!learned)
		return NULL;
	learned->loop = loop;
	learned->last = &learned->first;
	learned->waiting_last = &learned->waiting;
	(void)uv_timer_init(loop, &learned->timer);
	learned->timer.data = learned;
	return learned;
}

// ---- answers that hold ----

static struct kept *place_of_address(struct learned *learned, const struct address *address)
{
	uint32_t hash = address->family;
	for (size_t i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * 16777619u;
	return &learned->kept[hash % KEPT];
}

static const json_t *kept_get(struct learned *learned, const struct address *address)
{
	const struct kept *kept = place_of_address(learned, address);
	if (!kept->answer || kept->until_ms < clock_mono_ms() ||
	    !address_equal(&kept->address, address))
		return NULL;
	return kept->answer;
}

static void kept_put(struct learned *learned, const struct address *address, const json_t *answer)
{
	struct kept *kept = place_of_address(learned, address);
	json_decref(kept->answer);
	*kept = (struct kept){ *address, clock_mono_ms() + KEPT_MS, json_deep_copy(answer) };
}

// ---- questions ----

static struct verdict_learned read_answer(const struct decide *decide, const json_t *answer,
					  const char *name)
{
	struct verdict_learned known = { 0 };
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(answer, "lists"), i, item)
	{
		const char *list = json_string_value(item);
		for (size_t place = 0; list && place < decide->n_lists; place++)
			if (strcmp(decide->lists[place].name, list) == 0)
				decide_set_put(&known.lists, place);
	}
	json_array_foreach(json_object_get(answer, "names"), i, item)
	{
		const char *one = json_string_value(json_object_get(item, "name"));
		known.is_of_name = known.is_of_name || (one && name && strcmp(one, name) == 0);
	}
	return known;
}

// The letter goes back with the answer; NULL: there was none.
static void answer_letter(struct proxy_config *config, struct letter *letter, const json_t *answer)
{
	letter->kind = LETTER_LEARNED;
	letter->is_failed = !answer;
	letter->config = proxy_config_keep(config);
	if (answer)
		letter->learned = read_answer(config->decide, answer, letter->name);
	mailbox_post(letter->from, letter);
}

static void asking_free(struct asking *asking)
{
	struct asking **at = &asking->learned->first;
	while (*at != asking)
		at = &(*at)->next;
	*at = asking->next;
	if (!asking->next)
		asking->learned->last = at;
	service_question_cancel(asking->question);
	proxy_config_release(asking->config);
	letter_free(asking->letter);
	free(asking);
}

static void on_answer(void *context, const json_t *answer, const char *why)
{
	struct asking *asking = context;
	struct learned *learned = asking->learned;
	(void)why;
	asking->question = NULL;
	learned->n_asked--;
	if (json_object_get(answer, "error")) // it may be of another version
		answer = NULL;
	const bool is_well = answer;
	if (is_well)
		kept_put(learned, &asking->letter->address, answer);
	else if (clock_mono_ms() - asking->began_ms < PATIENCE_MS)
		return; // the timer tries again
	answer_letter(asking->config, take_ptr(&asking->letter), answer);
	asking_free(asking);
	if (is_well)
		ask_more(learned);
}

static void try_to_ask(struct learned *learned, struct asking *asking)
{
	const struct service_at at = { "weft-dns", asking->config->settings.dns };
	char text[ADDRESS_TEXT_SIZE];
	if (learned->n_asked >= ASKED_MAX)
		return;
	asking->question = service_ask(learned->loop, &at,
				       json_pack("{s:s, s:s}", "do", "learned", "address",
						 address_format(&asking->letter->address, text)),
				       on_answer, asking);
	learned->n_asked += asking->question != NULL;
}

void learned_ask(struct learned *learned, struct proxy_config *config, struct letter *letter)
{
	const json_t *answer = kept_get(learned, &letter->address);
	struct asking *asking = answer ? NULL : calloc(1, sizeof(*asking));
	if (answer || !asking || !config->settings.dns) {
		free(asking);
		answer_letter(config, letter, answer);
		return;
	}
	asking->learned = learned;
	asking->config = proxy_config_keep(config);
	asking->letter = letter;
	asking->began_ms = clock_mono_ms();
	*learned->last = asking;
	learned->last = &asking->next;
	try_to_ask(learned, asking);
	if (!uv_is_active((uv_handle_t *)&learned->timer))
		(void)uv_timer_start(&learned->timer, on_timer, AGAIN_MS, AGAIN_MS);
}

// One that waits for its turn: it may be answered by now, or have waited too long.
static void take_turn(struct learned *learned, struct asking *asking)
{
	const json_t *answer = kept_get(learned, &asking->letter->address);
	if (answer || clock_mono_ms() - asking->began_ms >= PATIENCE_MS) {
		answer_letter(asking->config, take_ptr(&asking->letter), answer);
		asking_free(asking);
	} else {
		try_to_ask(learned, asking);
	}
}

static void ask_more(struct learned *learned)
{
	for (struct asking *asking = learned->first, *next; asking && learned->n_asked < ASKED_MAX;
	     asking = next) {
		next = asking->next;
		if (!asking->question)
			take_turn(learned, asking);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct learned *learned = timer->data;
	for (struct asking *asking = learned->first, *next; asking; asking = next) {
		next = asking->next;
		if (!asking->question)
			take_turn(learned, asking);
	}
	if (!learned->first)
		(void)uv_timer_stop(timer);
}

// ---- names that were said ----

static void tell_next(struct learned *learned);

static void telling_free(struct telling *telling)
{
	service_question_cancel(telling->question);
	letter_free(telling->letter);
	free(telling);
}

static void on_told(void *context, const json_t *answer, const char *why)
{
	struct telling *telling = context;
	struct learned *learned = telling->learned;
	(void)answer;
	(void)why; // a name that could not be told is said again
	telling->question = NULL;
	for (unsigned i = 0; i < TOLD_MAX; i++)
		if (learned->told[i] == telling)
			learned->told[i] = NULL;
	telling_free(telling);
	tell_next(learned);
}

static struct telling *tell(struct learned *learned, struct letter *letter)
{
	char client[ADDRESS_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
	struct telling *telling = calloc(1, sizeof(*telling));
	if (!telling) {
		letter_free(letter);
		return NULL;
	}
	const struct service_at at = { "weft-dns", letter->config->settings.dns };
	telling->learned = learned;
	telling->letter = letter;
	telling->question =
		service_ask(learned->loop, &at,
			    json_pack("{s:s, s:s, s:s, s:s}", "do", "saw", "name", letter->name,
				      "client", address_format(&letter->client, client), "address",
				      address_format(&letter->address, address)),
			    on_told, telling);
	if (telling->question)
		return telling;
	telling_free(telling);
	return NULL;
}

static void tell_next(struct learned *learned)
{
	for (unsigned i = 0; i < TOLD_MAX && learned->waiting; i++) {
		if (learned->told[i])
			continue;
		struct letter *letter = learned->waiting;
		learned->waiting = letter->next;
		if (!learned->waiting)
			learned->waiting_last = &learned->waiting;
		learned->n_waiting--;
		learned->told[i] = tell(learned, letter);
	}
}

void learned_tell(struct learned *learned, struct proxy_config *config, struct letter *letter)
{
	// Each thread tells only what it has not told lately: here they come together.
	if (!config->settings.dns || !letter->name || learned->n_waiting >= TOLD_WAITING_MAX ||
	    !seen_is_new(&learned->seen, letter->name, strlen(letter->name), clock_mono_ms())) {
		letter_free(letter);
		return;
	}
	letter->config = proxy_config_keep(config);
	letter->next = NULL;
	*learned->waiting_last = letter;
	learned->waiting_last = &letter->next;
	learned->n_waiting++;
	tell_next(learned);
}

// ---- the end ----

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void learned_free(struct learned *learned)
{
	if (!learned)
		return;
	while (learned->first)
		asking_free(learned->first);
	for (unsigned i = 0; i < TOLD_MAX; i++)
		if (learned->told[i])
			telling_free(learned->told[i]);
	while (learned->waiting) {
		struct letter *letter = learned->waiting;
		learned->waiting = letter->next;
		letter_free(letter);
	}
	for (unsigned i = 0; i < KEPT; i++)
		json_decref(learned->kept[i].answer);
	uv_close((uv_handle_t *)&learned->timer, on_closed);
}
