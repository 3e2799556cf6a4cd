#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/show.h"
#include "cli/verb/verbs.h"
#include "cli/wg_import.h"

static int read_one(const char *path, struct wg_quick **ret, struct err *err)
{
	char *data = NULL;
	size_t len = 0;
	int r = file_read(path, WG_QUICK_BYTES_MAX, &data, &len, err);
	if (r)
		return r;
	r = wg_quick_parse(data, len, ret, err);
	if (r)
		(void)err_prefix(err, "%s", path);
	explicit_bzero(data, len);
	free(data);
	return r;
}

static int import(struct call *call, struct err *err)
{
	size_t n = call->n_args - 1;
	struct wg_import_file *files = calloc(n ? n : 1, sizeof(*files));
	if (!files)
		return err_set(err, -ENOMEM, "out of memory");
	int r = 0;
	for (size_t i = 0; i < n && !r; i++) {
		files[i].path = call_arg(call, i + 1);
		r = read_one(files[i].path, &files[i].conf, err);
	}
	CLEAN(text_free) struct text t = { 0 };
	if (!r)
		r = wg_import(files, n, &t, err);
	for (size_t i = 0; i < n; i++)
		wg_quick_free(files[i].conf);
	free(files);
	return r ? r : show_text(call, &t, err);
}

static const struct verb_arg args[] = {
	{ .name = "FORMAT", .word = WORD_CHOICE, .choices = "wg-quick", .help = "wg-quick" },
	{ .name = "FILE",
	  .word = WORD_FILE,
	  .is_many = true,
	  .help = "Configuration files, best of all hosts at once" },
	{ 0 },
};

const struct verb verb_import = {
	.name = "import",
	.summary = "Turn configuration files of other programs into a fleet file",
	.text = "wg-quick: give the files of all hosts together; peers are matched by the public "
		"keys\n"
		"of the private keys in them. A file is named after its host: rho.conf, or "
		"rho/wg0.conf.\n"
		"Nothing secret is printed, and comments say what could not be carried over.\n"
		"\n"
		" weft import wg-quick */wg0.conf > fleet.yaml\n"
		" weft plan -f fleet.yaml",
	.args = args,
	.run = import,
};
