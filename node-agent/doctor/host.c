// What the host has to offer, and what was left on it.
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor/inside.h"
#include "kernel/question.h"

enum { ROOM_BAD_MB = 16, ROOM_WARN_MB = 200 };

static void check_kind(struct examination *x, const char *kind, const char *cure)
{
	struct err err = { 0 };

	if (kernel_knows_kind(kind, &err) < 0)
		say(x, GRADE_BAD, cure, "this kernel makes no %s interfaces: %s", kind, err.text);
}

static bool is_program(const char *name)
{
	static const char *const directories[] = { "/usr/bin",        "/usr/sbin", "/usr/local/bin",
						   "/usr/local/sbin", "/bin",      "/sbin" };

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		CLEAN(free_ptr) char *path = text_format("%s/%s", directories[i], name);

		if (path && access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static void check_wireguard(struct examination *x)
{
	const char *program = x->config->kernel.wireguard_go;
	struct err err = { 0 };

	if (kernel_knows_kind("wireguard", &err) == 0)
		say(x, GRADE_OK, "", "WireGuard is in the kernel");
	else if (!is_program(program ? program : "wireguard-go"))
		say(x, GRADE_BAD, "apt install wireguard-go, or boot a kernel with WireGuard",
		    "there is no WireGuard: neither in the kernel nor as wireguard-go");
	else
		say(x, GRADE_WARN, "boot a kernel with WireGuard for several times the speed",
		    "the kernel has no WireGuard, wireguard-go serves instead");
}

void check_kernel(struct examination *x)
{
	const size_t before = json_array_size(x->lines);
	CLEAN(free_ptr) char *rules = NULL;
	struct err err = { 0 };
	struct utsname name;

	check_wireguard(x);
	check_kind(x, "vxlan", "boot a kernel with VXLAN (modprobe vxlan says why not)");
	check_kind(x, "bridge", "boot a kernel with bridging (modprobe bridge says why not)");
	if (kernel_ruleset(&rules, &err) < 0)
		say(x, GRADE_BAD, "boot a kernel with nf_tables (modprobe nf_tables says why not)",
		    "%s", err.text);
	if (access("/proc/sys/net/ipv6", F_OK) < 0)
		say(x, GRADE_WARN, "", "this kernel has no IPv6");
	if (json_array_size(x->lines) == before + 1 && uname(&name) == 0)
		say(x, GRADE_OK, "", "kernel %s has vxlan, bridge, nftables and IPv6",
		    name.release);
}

void check_disk(struct examination *x)
{
	const char *dir = x->config->state_dir;
	struct statvfs fs;

	if (statvfs(dir, &fs) < 0) {
		say(x, GRADE_BAD, "create it, owned by root, mode 0700", "%s: %s", dir,
		    strerror(errno));
		return;
	}
	const unsigned long long mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	if (fs.f_flag & ST_RDONLY)
		say(x, GRADE_BAD, "mount -o remount,rw; see dmesg for why it is so",
		    "%s is on a read-only file system: a new state cannot be kept", dir);
	else if (mb < ROOM_BAD_MB || (fs.f_files && fs.f_favail < 16))
		say(x, GRADE_BAD, "make room", "%s has %llu MB left: a new state cannot be kept",
		    dir, mb);
	else
		say(x, mb < ROOM_WARN_MB ? GRADE_WARN : GRADE_OK,
		    mb < ROOM_WARN_MB ? "make room" : "", "%s has %llu MB left", dir, mb);
}

// w, then g, v or b, then eight of a-z 2-7.
static bool is_our_name(const char *name)
{
	return strlen(name) == 10 && name[0] == 'w' && strchr("gvb", name[1]) &&
	       strspn(name + 2, "abcdefghijklmnopqrstuvwxyz234567") == 8;
}

static size_t check_links(struct examination *x)
{
	size_t found = 0;

	for (size_t i = 0; i < x->seen.links_len; i++) {
		const struct kernel_link *link = &x->seen.links[i];
		const char *key;
		CLEAN(free_ptr) char *cure = text_format("ip link delete %s", link->name);
		const bool is_ours = text_starts(link->alias, KERNEL_ALIAS_PREFIX, &key);

		if (is_ours ? json_object_get(x->desired, key) != NULL : !is_our_name(link->name))
			continue;
		found++;
		say(x, GRADE_WARN, cure ? cure : "",
		    is_ours ? "the interface %s was made by Weft and is wanted no more"
			    : "the interface %s is named like Weft's, but was not made by it",
		    link->name);
	}
	return found;
}

// Sockets of wireguard-go processes that ended without their devices.
static size_t check_sockets(struct examination *x)
{
	DIR *dir = opendir("/run/wireguard");
	const struct dirent *entry;
	size_t found = 0;

	while (dir && (entry = readdir(dir))) {
		char name[IFNAMSIZ];

		if (sscanf(entry->d_name, "%15[^.].sock", name) != 1 || !is_our_name(name) ||
		    kernel_snapshot_link(&x->seen, name))
			continue;
		CLEAN(free_ptr) char *cure = text_format("rm /run/wireguard/%s", entry->d_name);
		found++;
		say(x, GRADE_WARN, cure ? cure : "",
		    "the socket of a wireguard-go for %s is left, its device is not there", name);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

void check_leftovers(struct examination *x)
{
	size_t found = check_links(x) + check_sockets(x);

	if (!x->config->identity && x->seen.guard.exists) {
		found++;
		say(x, GRADE_WARN, "weft-agent leave",
		    "the nftables table inet weft stands, but this host has not joined");
	}
	if (!found)
		say(x, GRADE_OK, "", "nothing of Weft's was left behind");
}
