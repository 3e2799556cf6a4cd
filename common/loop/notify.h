// Tells systemd that the program is ready, alive or stopping (sd_notify(3) by hand); does nothing
// elsewhere.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// Sends "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=…" to $NOTIFY_SOCKET. Never blocks, never
// fails loudly: 0 when sent, -ENOENT when there is no such socket, another negative errno else.
int notify_ready(void);
int notify_stopping(void);
int notify_watchdog(void);
int notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// Sends "MAINPID=…": another process is the service's from now on.
int notify_main_pid(pid_t pid);
// Waits until systemd has read all that this process sent before ("BARRIER=1"). -ETIMEDOUT; the
// errors of the others.
int notify_barrier(int timeout_ms);

// How often notify_watchdog() should be called, in milliseconds: half of $WATCHDOG_USEC, 0 when no
// watchdog is asked for or it is meant for another process.
uint64_t notify_watchdog_interval_ms(void);
