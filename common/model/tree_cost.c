#include "model/tree_cost.h"

#define ROOT_SCALE 100 // the square root is taken to a hundredth
#define COST_SCALE 100 // a wire of 1 ms costs 3

// The greatest integer whose square is not above `n`.
static uint64_t square_root(uint64_t n)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= n)
			root += bit;
	return root;
}

uint32_t tree_cost(uint32_t tenths)
{
	const uint64_t t = tenths > TREE_COST_TENTHS ? TREE_COST_TENTHS : tenths;
	const uint64_t root = square_root(t * ROOT_SCALE * ROOT_SCALE);
	const uint64_t cost = t * t * root / (ROOT_SCALE * COST_SCALE);

	if (cost < 1)
		return 1;
	return cost > TREE_COST_MAX ? TREE_COST_MAX : (uint32_t)cost;
}
