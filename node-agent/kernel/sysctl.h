// Kernel settings as files below /proc/sys, and transmit checksum offload of a device.
#pragma once

#include <stddef.h>

#include "base/err.h"

int sysctl_read(const char *name, char *ret, size_t size, struct err *err);
int sysctl_write(const char *name, const char *value, struct err *err);
int offload_checksum_off(const char *device, struct err *err);
