#include "model/host_numbers.h"

#include <errno.h>

bool mark_mask_is_good(uint32_t mask)
{
	return mask != 0 && mask / (mask & -mask) == MARK_MASK_LOWEST;
}

int host_numbers_check(struct host_numbers *numbers, struct err *err)
{
	struct host_numbers n = *numbers;

	n.mark_mask = n.mark_mask ? n.mark_mask : MARK_MASK_DEFAULT;
	n.table_base = n.table_base ? n.table_base : TABLE_BASE_DEFAULT;
	n.priority_base = n.priority_base ? n.priority_base : PRIORITY_BASE_DEFAULT;
	if (n.mark_mask > MARK_MASK_DEFAULT || !mark_mask_is_good(n.mark_mask))
		return err_set(err, -EINVAL,
			       "mark_mask: 0x%08x is not 12 bits one beside the other, from "
			       "0x%08x to 0x%08x",
			       n.mark_mask, MARK_MASK_LOWEST, MARK_MASK_DEFAULT);
	*numbers = n;
	return 0;
}
