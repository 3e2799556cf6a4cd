#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"
#include "model/net.h"
#include "settings/yaml.h"
#include "settings/yaml_emit.h"

#include "cli/call.h"
#include "cli/show.h"
#include "cli/split_import.h"
#include "cli/verb/verbs.h"
#include "cli/vpndns_import.h"
#include "cli/vpnham_check.h"
#include "cli/vpnham_import.h"
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

static int import_wg(struct call *call, struct err *err)
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

// ---- vpnham ----

// DIR/NODE/HOOK.yaml; with one host DIR/HOOK.yaml. Nothing that is there already is written over.
static int write_hooks(const char *dir, const json_t *hooks, bool is_one, struct err *err)
{
	const char *name;
	json_t *text;
	json_object_foreach((json_t *)(uintptr_t)hooks, name, text)
	{
		const char *slash = strchr(name, '/');
		CLEAN(free_ptr)
		char *path = text_format("%s/%s", dir, is_one ? slash + 1 : name);
		CLEAN(free_ptr) char *above = path ? strdup(path) : NULL;
		if (!above)
			return err_set(err, -ENOMEM, "out of memory");
		*strrchr(above, '/') = '\0';
		if (access(path, F_OK) == 0)
			return err_set(err, -EEXIST,
				       "%s exists: give another directory with --hooks", path);
		int r = file_make_dirs(above, 0755, err);
		if (!r)
			r = file_replace(path, json_string_value(text), json_string_length(text),
					 0644, err);
		if (r)
			return r;
		fprintf(stderr, "wrote %s\n", path);
	}
	return 0;
}

static int read_vpnham(struct vpnham_file *file, struct err *err)
{
	int r = yaml_read_file(file->path, NULL, &file->config, err);
	if (r)
		return r;
	r = vpnham_check(file->config, err);
	return r ? err_prefix(err, "%s", file->path) : 0;
}

static int show_vpnham(struct call *call, struct vpnham_result *result, bool is_one,
		       struct err *err)
{
	const char *dir = call_option(call, "hooks");
	CLEAN(text_free) struct text t = { 0 };
	int r = write_hooks(dir ? dir : "./hooks.d", result->hooks, is_one, err);
	if (r)
		return r;
	fputs(result->notes.data ? result->notes.data : "", stderr);
	yaml_emit(&t, result->resources);
	return show_text(call, &t, err);
}

static int import_vpnham(struct call *call, struct err *err)
{
	size_t n = call->n_args - 1;
	struct vpnham_file *files = calloc(n ? n : 1, sizeof(*files));
	CLEAN(vpnham_result_done) struct vpnham_result result = { 0 };
	if (!files)
		return err_set(err, -ENOMEM, "out of memory");
	int r = 0;
	for (size_t i = 0; i < n && !r; i++) {
		files[i].path = call_arg(call, i + 1);
		r = read_vpnham(&files[i], err);
	}
	if (!r)
		r = vpnham_import(files, n, &result, err);
	if (!r)
		r = show_vpnham(call, &result, n == 1, err);
	for (size_t i = 0; i < n; i++)
		json_decref(files[i].config);
	free(files);
	return r;
}

static int show_imported(struct call *call, const struct import_result *result, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	fputs(result->notes.data ? result->notes.data : "", stderr);
	yaml_emit(&t, result->resources);
	return show_text(call, &t, err);
}

// ---- vpndns ----

enum { VPNDNS_BYTES_MAX = 1 << 20, RECORDS_BYTES_MAX = 8 << 20 };

// Its own sample has comments behind tabs, where YAML has no place for them.
static void blank_comments(char *text)
{
	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n"), blank = strspn(line, " \t");
		if (blank < len && line[blank] == '#')
			memset(line, ' ', len);
		line += len + (line[len] == '\n');
	}
}

static int read_vpndns(struct vpndns_file *file, char **ret_records, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	int r = file_read(file->path, VPNDNS_BYTES_MAX, &text, NULL, err);
	if (r < 0)
		return r;
	blank_comments(text);
	r = yaml_parse(text, strlen(text), file->path, NULL, &file->config, err);
	const char *records = r < 0 ? NULL : vpndns_records_path(file->config);
	if (records && file_read(records, RECORDS_BYTES_MAX, ret_records, NULL, NULL) == 0)
		file->records = *ret_records;
	return r;
}

static int import_vpndns(struct call *call, struct err *err)
{
	CLEAN(import_result_done) struct import_result result = { 0 };
	CLEAN(free_ptr) char *records = NULL;
	struct vpndns_file file = { .path = call_arg(call, 1), .node = call_option(call, "node") };
	if (call->n_args > 2)
		return err_set(err, -EINVAL, "vpndns: one file, of the one host that it runs on");
	int r = read_vpndns(&file, &records, err);
	if (!r)
		r = vpndns_import(&file, &result, err);
	if (!r)
		r = show_imported(call, &result, err);
	json_decref(file.config);
	return r;
}

// ---- split ----

enum { SPLIT_BYTES_MAX = 4 << 20 };

static json_t *lans_of(const struct call *call, struct err *err)
{
	json_t *lans = json_array();
	const char *text;
	for (size_t i = 0; lans && (text = call_option_at(call, "lan", i)); i++) {
		struct prefix prefix;
		if (prefix_parse(text, &prefix, err) < 0) {
			(void)err_prefix(err, "--lan");
			json_decref(lans);
			return NULL;
		}
		(void)json_array_append_new(lans, json_string(text));
	}
	return lans;
}

static int import_split(struct call *call, struct err *err)
{
	CLEAN(import_result_done) struct import_result result = { 0 };
	CLEAN(free_ptr) char *text = NULL;
	json_auto_t *config = NULL, *lans = lans_of(call, err);
	const char *path = call_arg(call, 1);
	if (!lans)
		return -EINVAL;
	if (call->n_args > 2)
		return err_set(err, -EINVAL, "split: one file, of the one host that it runs on");
	int r = file_read(path, SPLIT_BYTES_MAX, &text, NULL, err);
	if (!r)
		r = yaml_parse(text, strlen(text), path, NULL, &config, err);
	if (!r)
		r = split_import(&(struct split_file){ .path = path,
						       .text = text,
						       .config = config,
						       .node = call_option(call, "node"),
						       .lans = lans },
				 &result, err);
	return r ? r : show_imported(call, &result, err);
}

// ---- all of them ----

static const struct format {
	const char *name;
	int (*run)(struct call *call, struct err *err);
	const char *options; // that go with it
} formats[] = {
	{ "wg-quick", import_wg, "" },
	{ "vpnham", import_vpnham, "hooks" },
	{ "vpndns", import_vpndns, "node" },
	{ "split", import_split, "node lan" },
};

static int check_options(const struct call *call, const struct format *format, struct err *err)
{
	static const char *const options[][2] = { { "hooks", "vpnham" },
						  { "node", "vpndns and split" },
						  { "lan", "split" } };
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (call_has(call, options[i][0]) && !strstr(format->options, options[i][0]))
			return err_set(err, -EINVAL, "--%s goes with %s, not with %s",
				       options[i][0], options[i][1], format->name);
	if (call_has(call, "lan") && call_has(call, "node"))
		return err_set(
			err, -EINVAL,
			"--lan is for a new node: the site of --node says what is behind it");
	const char *node = call_option(call, "node");
	return node && name_check(node, err) < 0 ? err_prefix(err, "--node") : 0;
}

static int import(struct call *call, struct err *err)
{
	const struct format *format = formats;
	while (strcmp(format->name, call_arg(call, 0)) != 0)
		format++; // the words of the row below are these
	int r = check_options(call, format, err);
	return r ? r : format->run(call, err);
}

static const struct verb_arg args[] = {
	{ .name = "FORMAT",
	  .word = WORD_CHOICE,
	  .choices = "wg-quick|vpnham|vpndns|split",
	  .help = "wg-quick, vpnham, vpndns or split" },
	{ .name = "FILE",
	  .word = WORD_FILE,
	  .is_many = true,
	  .help = "Configuration files, best of all hosts at once" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "hooks",
	  .value = "DIR",
	  .word = WORD_FILE,
	  .help = "vpnham: where the hook files go, ./hooks.d if not given" },
	{ .name = "node",
	  .value = "NODE",
	  .word = WORD_NODE,
	  .help = "vpndns, split: the node that it ran on, a new one if not given" },
	{ .name = "lan",
	  .value = "PREFIX",
	  .is_many = true,
	  .help = "split: a prefix of the clients behind a new node" },
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
		" weft plan -f fleet.yaml\n"
		"\n"
		"vpnham: give the files of all hosts, best of both sides. Hosts become nodes, "
		"bridges sites "
		"and\n"
		"HA groups, tunnels external links. Scripts become hook files, for "
		"/etc/weft/hooks.d of each "
		"host;\n"
		"what could not be carried over is told line by line.\n"
		"\n"
		" weft import vpnham left-a.yaml left-b.yaml --hooks hooks > fleet.yaml\n"
		"\n"
		"vpndns: give its configuration, best where the file of static records lies. "
		"Nameservers "
		"become\n"
		"DNS forwards, blocklists a list that the controller reads, static records zones; "
		"what "
		"has no\n"
		"counterpart or another meaning is told line by line.\n"
		"\n"
		" weft import vpndns sample.yml --node rho > dns.yaml\n"
		"\n"
		"split: give the split.yaml of envoy-split-proxy. Its interface becomes an uplink "
		"and "
		"a gateway,\n"
		"its names domain lists, one for each comment above them, and a policy sends them "
		"that way.\n"
		"\n"
		" weft import split split.yaml --lan 192.168.1.0/24 > split-fleet.yaml",
	.args = args,
	.options = options,
	.run = import,
};
