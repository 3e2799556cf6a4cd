#include "base/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/program.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/version.h"

enum { HIDDEN_MAX = 64, OUTPUT_MAX = 16 * 1024 * 1024, PROGRAM_MS = 10000, TAR_MS = 60000 };

struct bundle {
	char *root; // a directory of our own in the temporary directory
	char *dir;  // the one inside it that is packed
	char *name;
	char *hidden[HIDDEN_MAX];
	size_t hidden_len;
};

int bundle_new(const char *name, struct bundle **ret_bundle, struct err *err)
{
	CLEAN(bundle_free_ptr) struct bundle *bundle = calloc(1, sizeof *bundle);
	const char *tmp = getenv("TMPDIR");
	CLEAN(free_ptr) char *pattern = text_format("%s/weft-bundle-XXXXXX", tmp ? tmp : "/tmp");
	if (!bundle || !pattern)
		return err_set(err, -ENOMEM, "out of memory");
	if (!mkdtemp(pattern))
		return err_set(err, -errno, "cannot make a directory in %s: %s", tmp ? tmp : "/tmp",
			       strerror(errno));
	bundle->root = take_ptr(&pattern);
	bundle->name = strdup(name);
	bundle->dir = text_format("%s/%s", bundle->root, name);
	if (!bundle->name || !bundle->dir)
		return err_set(err, -ENOMEM, "out of memory");
	if (mkdir(bundle->dir, 0700) < 0)
		return err_set(err, -errno, "cannot make %s: %s", bundle->dir, strerror(errno));
	*ret_bundle = take_ptr(&bundle);
	return 0;
}

static void empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		CLEAN(free_ptr) char *file = text_format("%s/%s", path, entry->d_name);
		if (file && entry->d_name[0] != '.')
			(void)unlink(file);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	if (bundle->dir)
		empty(bundle->dir);
	if (bundle->root)
		(void)rmdir(bundle->root);
	for (size_t i = 0; i < bundle->hidden_len; i++) {
		explicit_bzero(bundle->hidden[i], strlen(bundle->hidden[i]));
		free(bundle->hidden[i]);
	}
	free(bundle->root);
	free(bundle->dir);
	free(bundle->name);
	free(bundle);
}

int bundle_hide(struct bundle *bundle, const char *secret, struct err *err)
{
	char *copy = bundle->hidden_len < HIDDEN_MAX ? strdup(secret) : NULL;
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	bundle->hidden[bundle->hidden_len++] = copy;
	return 0;
}

int bundle_add(struct bundle *bundle, const char *file, const char *text, struct err *err)
{
	CLEAN(free_ptr) char *path = text_format("%s/%s", bundle->dir, file);
	CLEAN(text_free) struct text safe = { 0 };
	redact(&safe, text, (const char *const *)bundle->hidden, bundle->hidden_len);
	if (!path || safe.failed)
		return err_set(err, -ENOMEM, "out of memory");
	return file_replace(path, safe.data ? safe.data : "", safe.len, 0600, err);
}

int bundle_add_version(struct bundle *bundle, const char *program, struct err *err)
{
	char text[128];
	(void)snprintf(text, sizeof text, "%s %s\n", program, weft_version());
	return bundle_add(bundle, "version.txt", text, err);
}

int bundle_add_output(struct bundle *bundle, const char *file, const char *const *argv,
		      struct err *err)
{
	CLEAN(free_ptr) char *output = NULL;
	struct err why = { 0 };
	int r = program_output(argv, PROGRAM_MS, OUTPUT_MAX, &output, &why);
	return bundle_add(bundle, file, r < 0 ? why.text : output, err);
}

int bundle_write(const struct bundle *bundle, const char *path, struct err *err)
{
	const char *const argv[] = { "tar",  "-C", bundle->root, "--owner=0", "--group=0",
				     "-czf", path, bundle->name, NULL };
	CLEAN(free_ptr) char *output = NULL;
	mode_t before = umask(0077);
	int r = program_output(argv, TAR_MS, OUTPUT_MAX, &output, err);
	(void)umask(before);
	return r < 0 ? err_prefix(err, "%s cannot be written", path) : 0;
}
