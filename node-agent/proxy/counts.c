#include "proxy/counts.h"

const char *const count_names[COUNTS] = {
	[COUNT_CONNECTIONS] = "connections",
	[COUNT_ACTIVE] = "active",
	[COUNT_NAMED] = "named",
	[COUNT_UNKNOWN] = "unknown",
	[COUNT_FOREIGN] = "foreign",
	[COUNT_REFUSED] = "refused",
	[COUNT_FAILED] = "failed",
	[COUNT_FULL] = "full",
	[COUNT_BYTES_UP] = "bytes_up",
	[COUNT_BYTES_DOWN] = "bytes_down",
	[COUNT_QUIC] = "quic",
	[COUNT_QUIC_ACTIVE] = "quic_active",
	[COUNT_QUIC_LOST] = "quic_lost",
};
