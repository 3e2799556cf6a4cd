#include "service/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAP_LAST_TRIED = 63 };

static int set_capabilities(uint32_t kept, struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = { { kept, kept, 0 } };
	if (syscall(SYS_capset, &header, data) < 0)
		return err_set(err, -errno, "capset: %s", strerror(errno));
	return 0;
}

// What it will not need again can be had back by nothing it could start.
static int shut_bounds(uint32_t kept, struct err *err)
{
	for (unsigned cap = 0; cap <= CAP_LAST_TRIED; cap++) {
		bool is_kept = cap < 32 && kept >> cap & 1;
		if (!is_kept && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return err_set(err, -errno, "capability %u: %s", cap, strerror(errno));
	}
	return 0;
}

int sandbox_enter(const char *user, uint32_t capabilities, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "no_new_privs: %s", strerror(errno));
	if (geteuid() != 0)
		return 0;
	const struct passwd *found = getpwnam(user);
	if (!found || found->pw_uid == 0)
		return err_set(err, -EINVAL, "user: there is no unprivileged user %s on this host",
			       user);
	int r = shut_bounds(capabilities, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(found->pw_gid, found->pw_gid, found->pw_gid) < 0 ||
	    setresuid(found->pw_uid, found->pw_uid, found->pw_uid) < 0)
		return err_set(err, -errno, "cannot become %s: %s", user, strerror(errno));
	return set_capabilities(capabilities, err);
}
