#include "backup/archive.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#define BLOCK          512
#define SIZE_MAX_OCTAL 077777777777LL // eleven digits: 8 GiB

CLEAN_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)

// POSIX.1-1988 ustar; numbers are octal text.
struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static unsigned checksum_of(const struct header *header)
{
	struct header copy = *header;
	const unsigned char *bytes = (const unsigned char *)&copy;
	unsigned sum = 0;
	memset(copy.checksum, ' ', sizeof(copy.checksum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += bytes[i];
	return sum;
}

static int write_failed(struct err *err)
{
	int code = errno ? -errno : -EIO;
	return err_set(err, code, "cannot write the archive: %s", strerror(-code));
}

// Copies `size` bytes and hashes them; the padding to a whole block is the caller's.
static int copy(FILE *from, FILE *to, struct archive_member *member, struct err *err)
{
	CLEAN(EVP_MD_CTX_free_ptr) EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char buffer[16384];
	if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_set(err, -ENOMEM, "out of memory");
	for (int64_t left = member->size; left > 0;) {
		size_t part = left < (int64_t)sizeof(buffer) ? (size_t)left : sizeof(buffer);
		errno = 0;
		if (fread(buffer, 1, part, from) != part)
			return err_set(err, -EBADMSG, "%s is cut short", member->name);
		if (fwrite(buffer, 1, part, to) != part)
			return write_failed(err);
		if (EVP_DigestUpdate(hash, buffer, part) != 1)
			return err_set(err, -EIO, "cannot hash %s", member->name);
		left -= (int64_t)part;
	}
	if (EVP_DigestFinal_ex(hash, digest, &len) != 1)
		return err_set(err, -EIO, "cannot hash %s", member->name);
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(member->sha256 + 2 * (size_t)i, 3, "%02x", digest[i]);
	return 0;
}

static size_t padding(int64_t size)
{
	return (size_t)((BLOCK - size % BLOCK) % BLOCK);
}

static int size_of(FILE *from, const char *name, int64_t *ret_size, struct err *err)
{
	long size = fseek(from, 0, SEEK_END) == 0 ? ftell(from) : -1;
	if (size < 0 || fseek(from, 0, SEEK_SET) != 0)
		return err_set(err, -errno, "cannot read %s: %s", name, strerror(errno));
	if (size > SIZE_MAX_OCTAL)
		return err_set(err, -EFBIG, "%s is larger than 8 GiB", name);
	*ret_size = size;
	return 0;
}

int archive_put(FILE *out, const char *name, FILE *from, struct archive_member *ret_member,
		struct err *err)
{
	static const char zeros[BLOCK];
	struct archive_member member = { 0 };
	struct header header = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	(void)snprintf(member.name, sizeof(member.name), "%s", name);
	int r = size_of(from, name, &member.size, err);
	if (r < 0)
		return r;
	memcpy(header.name, member.name, strlen(member.name));
	(void)snprintf(header.mode, sizeof(header.mode), "%07o", 0600U);
	(void)snprintf(header.uid, sizeof(header.uid), "%07o", 0U);
	(void)snprintf(header.gid, sizeof(header.gid), "%07o", 0U);
	(void)snprintf(header.size, sizeof(header.size), "%011llo", (long long)member.size);
	(void)snprintf(header.mtime, sizeof(header.mtime), "%011o", 0U);
	(void)snprintf(header.checksum, sizeof(header.checksum), "%06o", checksum_of(&header));
	if (fwrite(&header, sizeof(header), 1, out) != 1)
		return write_failed(err);
	r = copy(from, out, &member, err);
	size_t pad = padding(member.size);
	if (r == 0 && pad > 0 && fwrite(zeros, pad, 1, out) != 1)
		r = write_failed(err);
	if (r == 0)
		*ret_member = member;
	return r;
}

int archive_end(FILE *out, struct err *err)
{
	static const char zeros[2 * BLOCK];
	return fwrite(zeros, sizeof(zeros), 1, out) == 1 && fflush(out) == 0 ? 0
									     : write_failed(err);
}

static int not_ours(struct err *err)
{
	return err_set(err, -EBADMSG, "this is no backup of Weft, or it was cut short or damaged");
}

int archive_next(FILE *in, struct archive_member *ret_member, struct err *err)
{
	struct header header;
	struct archive_member member = { 0 };
	char *end;
	if (fread(&header, sizeof(header), 1, in) != 1)
		return not_ours(err);
	if (header.name[0] == '\0')
		return 0;
	// Each number ends with NUL in what archive_put wrote; a foreign archive is refused.
	header.size[sizeof(header.size) - 1] = header.checksum[sizeof(header.checksum) - 1] = '\0';
	if (memcmp(header.magic, "ustar", 5) != 0 || header.type != '0' ||
	    strtoul(header.checksum, &end, 8) != checksum_of(&header))
		return not_ours(err);
	member.size = strtoll(header.size, &end, 8);
	if (member.size < 0 || *end || memchr(header.name, '\0', sizeof(header.name)) == NULL)
		return not_ours(err);
	memcpy(member.name, header.name, sizeof(member.name));
	*ret_member = member;
	return 1;
}

int archive_take(FILE *in, struct archive_member *member, FILE *to, struct err *err)
{
	char pad[BLOCK];
	int r = copy(in, to, member, err);
	size_t skip = padding(member->size);
	if (r == 0 && skip > 0 && fread(pad, skip, 1, in) != 1)
		r = not_ours(err);
	return r;
}
