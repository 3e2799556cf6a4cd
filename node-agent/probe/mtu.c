#include "probe/mtu.h"

void mtu_start(struct mtu_search *search, uint32_t full)
{
	*search = (struct mtu_search){
		.phase = MTU_SMALL_FIRST, .full = full, .fails = full + 1, .trying = MTU_SMALL
	};
}

uint32_t mtu_next(const struct mtu_search *search)
{
	return search->phase == MTU_DONE ? 0 : search->trying;
}

static void halve(struct mtu_search *search)
{
	if (search->fails - search->passes <= MTU_GRAIN) {
		search->phase = MTU_DONE;
		return;
	}
	search->phase = MTU_SEARCH;
	search->trying = search->passes + (search->fails - search->passes) / 2;
}

void mtu_answer(struct mtu_search *search, bool answered)
{
	if (search->phase == MTU_DONE)
		return;
	if (!answered && ++search->lost < MTU_TRIES)
		return;
	search->lost = 0;
	if (answered)
		search->passes = search->trying;
	else
		search->fails = search->trying;
	if (search->phase == MTU_SMALL_FIRST && answered && search->trying < search->full) {
		search->phase = MTU_FULL;
		search->trying = search->full;
	} else if (search->phase == MTU_SMALL_FIRST || (search->phase == MTU_FULL && answered)) {
		search->phase = MTU_DONE;
	} else {
		halve(search);
	}
}

bool mtu_result(const struct mtu_search *search, uint32_t *ret_path_mtu, bool *ret_whole)
{
	if (search->phase != MTU_DONE || search->passes == 0)
		return false;
	*ret_path_mtu = search->passes;
	*ret_whole = search->passes == search->full;
	return true;
}
