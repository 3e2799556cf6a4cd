// GET /packages/FILE: the .deb files that the join script installs.
#include "rest/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "base/text.h"

#include "rest/handlers.h"
#include "rest/server.h"

#define HASH_BLOCK 65536

static bool is_package_name(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-";
	return name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

static int open_package(const char *dir, const char *name, struct stat *ret_stat)
{
	if (!dir || !is_package_name(name))
		return -ENOENT;
	CLEAN(close_fd) int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(close_fd) int fd = at < 0 ? -1 : openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, ret_stat) < 0 || !S_ISREG(ret_stat->st_mode))
		return -ENOENT;
	return take_fd(&fd);
}

void package_get(struct request *request)
{
	struct stat st;
	int fd = open_package(request->rest->config.packages_dir, request->params.name, &st);
	if (fd < 0) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "there is no package %s",
				request->params.name);
		return;
	}
	struct MHD_Response *response = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
	if (response)
		(void)MHD_add_response_header(response, "Content-Type", "application/octet-stream");
	else
		(void)close(fd);
	request_answer_response(request, MHD_HTTP_OK, response);
}

static int hash_file(int fd, char ret_hex[PACKAGE_HASH_SIZE])
{
	gnutls_hash_hd_t hash;
	unsigned char sum[32];
	CLEAN(free_ptr) char *block = malloc(HASH_BLOCK);
	if (!block || gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return -ENOMEM;
	ssize_t len;
	while ((len = read(fd, block, HASH_BLOCK)) > 0)
		(void)gnutls_hash(hash, block, (size_t)len);
	gnutls_hash_deinit(hash, sum);
	hex_write(sum, sizeof(sum), ret_hex);
	return len < 0 ? -EIO : 0;
}

// "weft-agent_0.1.0-1~bookworm_amd64.deb" -> "amd64", "bookworm"; "weft-agent_0.1.0_amd64.deb" ->
// "amd64", "*". Only the part behind the hyphen names a release: 0.2.0~rc1 is a version.
static bool target_of(const char *name, struct package *ret)
{
	if (!text_starts(name, "weft-agent_", NULL) || !is_package_name(name))
		return false;
	const char *arch = strrchr(name, '_') + 1;
	const char *end = strstr(arch, ".deb");
	if (!end || end[4] != '\0' || end - arch >= PACKAGE_ARCH_SIZE || end == arch)
		return false;
	(void)snprintf(ret->arch, sizeof(ret->arch), "%.*s", (int)(end - arch), arch);
	const char *version = name + strlen("weft-agent_");
	const char *revision = memrchr(version, '-', (size_t)(end - version));
	const char *release = revision ? strchr(revision, '~') : NULL;
	size_t len = release ? strcspn(++release, "_.+~-") : 0;
	if (len > 0 && len < sizeof(ret->release))
		(void)snprintf(ret->release, sizeof(ret->release), "%.*s", (int)len, release);
	else
		(void)snprintf(ret->release, sizeof(ret->release), "*");
	return true;
}

static struct package *slot_for(struct package_list *list, const struct package *target)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].arch, target->arch) == 0 &&
		    strcmp(list->items[i].release, target->release) == 0)
			return &list->items[i];
	if (list->count == PACKAGES_MAX)
		return NULL;
	struct package *slot = &list->items[list->count++];
	*slot = *target;
	return slot;
}

// Keeps the newest file of each target; hashes it again only when it changed.
static void consider(struct package_list *list, const char *dir, const char *name)
{
	struct package target = { 0 };
	struct stat st;
	if (!target_of(name, &target) || strlen(name) >= sizeof(list->items[0].file))
		return;
	CLEAN(close_fd) int fd = open_package(dir, name, &st);
	struct package *slot = fd < 0 ? NULL : slot_for(list, &target);
	if (!slot)
		return;
	bool is_same = strcmp(slot->file, name) == 0;
	if (is_same ? slot->mtime == st.st_mtime && slot->size == st.st_size
		    : slot->mtime > st.st_mtime)
		return;
	char hash[PACKAGE_HASH_SIZE];
	if (hash_file(fd, hash) < 0)
		return;
	slot->mtime = st.st_mtime;
	slot->size = st.st_size;
	(void)snprintf(slot->file, sizeof(slot->file), "%s", name);
	memcpy(slot->hash, hash, sizeof(hash));
}

void packages_scan(struct package_list *list, const char *dir)
{
	for (size_t i = 0; i < list->count; i++) {
		struct stat st;
		int fd = open_package(dir, list->items[i].file, &st);
		if (fd >= 0)
			(void)close(fd);
		else
			list->items[i].file[0] = '\0';
		if (fd < 0)
			list->items[i].mtime = 0;
	}
	DIR *d = dir ? opendir(dir) : NULL;
	if (!d)
		return;
	const struct dirent *entry;
	while ((entry = readdir(d)))
		consider(list, dir, entry->d_name);
	(void)closedir(d);
}
