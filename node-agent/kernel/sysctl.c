#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clean.h"

#define SYSCTL_PATH_SIZE 256

// A name with a slash has dots of its own; see sysctl(8).
static int path_of(const char *name, char path[SYSCTL_PATH_SIZE], struct err *err)
{
	int len = snprintf(path, SYSCTL_PATH_SIZE, "/proc/sys/%s", name);

	if (len >= SYSCTL_PATH_SIZE || strstr(name, "..") || name[0] == '/' || name[0] == '\0')
		return err_set(err, -EINVAL, "`%.80s` is no name of a sysctl", name);
	if (!strchr(name, '/'))
		for (char *p = path + strlen("/proc/sys/"); *p; p++)
			if (*p == '.')
				*p = '/';
	return 0;
}

int sysctl_read(const char *name, char *ret, size_t size, struct err *err)
{
	char path[SYSCTL_PATH_SIZE], value[256];
	CLEAN(close_fd) int fd = -1;

	int rc = path_of(name, path, err);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, value, sizeof value - 1);
	if (n < 0)
		return err_set(err, -errno, "sysctl %s cannot be read: %s", name, strerror(errno));
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	if (strlen(value) >= size)
		return err_set(err, -EMSGSIZE, "the value of sysctl %s is too long", name);
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

int sysctl_write(const char *name, const char *value, struct err *err)
{
	char path[SYSCTL_PATH_SIZE];
	CLEAN(close_fd) int fd = -1;

	int rc = path_of(name, path, err);
	if (rc < 0)
		return rc;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return err_set(err, -errno, "sysctl %s cannot be set to %s: %s", name, value,
			       strerror(errno));
	return 0;
}

int offload_checksum_off(const char *device, struct err *err)
{
	CLEAN(close_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value value = { .cmd = ETHTOOL_STXCSUM, .data = 0 };
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
	request.ifr_data = (char *)&value;
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0)
		return err_set(err, -errno, "checksum offload of %s cannot be switched off: %s",
			       device, strerror(errno));
	return 0;
}
