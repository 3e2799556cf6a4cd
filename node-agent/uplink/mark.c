// libwebsockets 4.1 makes and connects its socket in one go, without a callback in between, and a
// mark that comes after connect() is too late: the first packet has gone by another table, or was
// refused by it, and the connection keeps the source address of that way. So the program's own
// socket() stands in for libc's; the dynamic linker gives it to every library.
#include "uplink/mark.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local uint32_t mark;

void mark_begin(uint32_t value)
{
	mark = value;
}

void mark_end(void)
{
	mark = 0;
}

__attribute__((visibility("default"))) int socket(int domain, int type, int protocol)
{
	int fd = (int)syscall(SYS_socket, domain, type, protocol);
	if (fd >= 0 && mark && (domain == AF_INET || domain == AF_INET6))
		(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	return fd;
}
