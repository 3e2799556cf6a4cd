#include "path/note.h"

#include "base/octets.h"

enum { AT_PLAN = 0, AT_STAMP = 4, AT_HEARD = 12, AT_STATES = 20, AT_CHOICE = 28 };

void note_encode(const struct path_note *note, uint32_t plan, uint8_t ret[NOTE_SIZE])
{
	octets_put(ret + AT_PLAN, plan, 4);
	octets_put(ret + AT_STAMP, note->stamp, 8);
	octets_put(ret + AT_HEARD, note->heard, 8);
	octets_put(ret + AT_STATES, note->states, 8);
	ret[AT_CHOICE] = note->choice;
}

bool note_decode(const uint8_t *data, size_t len, uint32_t plan, struct path_note *ret)
{
	if (len != NOTE_SIZE || octets_get(data + AT_PLAN, 4) != plan)
		return false;
	*ret = (struct path_note){
		.stamp = octets_get(data + AT_STAMP, 8),
		.heard = octets_get(data + AT_HEARD, 8),
		.states = octets_get(data + AT_STATES, 8),
		.choice = data[AT_CHOICE],
	};
	return true;
}

// FNV-1a.
static uint32_t mix(uint32_t sum, uint8_t octet)
{
	return (sum ^ octet) * 16777619u;
}

uint32_t note_plan(uint32_t plan, uint8_t number, const char *by)
{
	uint32_t sum = mix(plan ^ 2166136261u, number);
	for (const char *c = by; *c; c++)
		sum = mix(sum, (uint8_t)*c);
	return mix(sum, 0);
}
