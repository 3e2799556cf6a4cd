#include "fleet_up.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include "box.h"
#include "cli/fleet.h"
#include "lab.h"
#include "process.h"
#include "record.h"
#include "relay.h"
#include "wiring.h"

enum {
	CONTROLLER_PORT = 8443,
	CONTROLLER_READY_MS = 90000,
	TMPFS_MAGIC_NUMBER = 0x01021994,
	ROOT_TRIES = 20,
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

int lab_weft(const struct record *record, const char *const *words, char **ret_output,
	     struct err *err)
{
	char program[PATH_MAX];
	const char *argv[32] = { program };
	size_t n = 1;
	int r = process_program_dir(program, sizeof(program) - 8, err);
	if (r)
		return r;
	(void)strcat(program, "/weft");
	for (; *words && n < ARRAY_LEN(argv) - 1; words++)
		argv[n++] = *words;
	CLEAN(free_ptr) char *config = text_format("XDG_CONFIG_HOME=%s/config", record->dir);
	const char *environment[] = { config,    "WEFT_URL",     "WEFT_TOKEN",
				      "WEFT_CA", "WEFT_CONTEXT", NULL };
	struct process_options o = { .environment = environment, .ret_output = ret_output };
	return config ? process_run(argv, &o, NULL, err) : err_set(err, -ENOMEM, "out of memory");
}

static int box_up(struct record *record, const char *name, pid_t *ret_pid, struct err *err)
{
	int r = box_start(record->dir, name, ret_pid, err);
	// Saved at once: whatever fails later, `down` knows what to end.
	if (!r && record_add_process(record, "boxes", name, *ret_pid) != 0)
		r = err_set(err, -ENOMEM, "out of memory");
	return r ? r : record_save(record, err);
}

static int site_up(struct record *record, pid_t internet, const struct lab_node *node,
		   struct err *err)
{
	CLEAN(free_ptr) char *nat_name = text_format("%s-nat", node->name);
	CLEAN(free_ptr) char *lan_name = text_format("%s-lan", node->name);
	if (!nat_name || !lan_name)
		return err_set(err, -ENOMEM, "out of memory");
	pid_t box;
	pid_t nat;
	pid_t lan;
	int r = box_up(record, node->name, &box, err);
	if (!r && node->is_nat)
		r = box_up(record, nat_name, &nat, err);
	if (!r)
		r = node->is_nat ? wiring_nat(internet, nat, box, node, err)
				 : wiring_attach(internet, box, node, err);
	if (!r && node->n_lan > 0)
		r = box_up(record, lan_name, &lan, err);
	if (!r && node->n_lan > 0)
		r = wiring_lan(box, lan, node, err);
	return r;
}

static int write_inside(const struct record *record, const char *box, const char *file,
			const char *content, struct err *err)
{
	CLEAN(free_ptr)
	char *path = text_format(
		"/proc/%lld/root%s",
		(long long)json_integer_value(json_object_get(
			json_object_get(json_object_get(record->json, "boxes"), box), "pid")),
		file);
	return path ? file_replace(path, content, strlen(content), 0644, err)
		    : err_set(err, -ENOMEM, "out of memory");
}

// The names of the file's addresses, for every node box.
static char *hosts_file(const struct record *record, bool is_ipv6)
{
	struct text t = { 0 };
	char buf[ADDRESS_TEXT_SIZE];
	text_add(&t, "127.0.0.1 localhost\n::1 localhost\n");
	for (size_t i = 0; i < record->sites.n_nodes; i++) {
		const struct lab_node *node = &record->sites.nodes[i];
		if (node->host[0])
			text_addf(&t, "%s %s\n",
				  address_format(is_ipv6 ? &node->address6 : &node->address, buf),
				  node->host);
	}
	return text_take(&t);
}

static int sites_up(struct record *record, const struct up_options *o, struct err *err)
{
	pid_t internet;
	CLEAN(free_ptr) char *hosts = hosts_file(record, o->is_ipv6);
	int r = hosts ? box_up(record, "internet", &internet, err)
		      : err_set(err, -ENOMEM, "out of memory");
	if (!r)
		r = wiring_internet(internet, err);
	for (size_t i = 0; i < record->sites.n_nodes && !r; i++) {
		r = site_up(record, internet, &record->sites.nodes[i], err);
		if (!r)
			r = write_inside(record, record->sites.nodes[i].name, "/etc/hosts", hosts,
					 err);
	}
	return r;
}

static int controller_up(struct record *record, const struct up_options *o, struct err *err)
{
	static const char *const service[] = { "weft-controller", "run", NULL };
	struct lab_node at = { .name = "controller",
			       .index = LAB_CONTROLLER_INDEX,
			       .address = lab_address(LAB_CONTROLLER_INDEX, 0),
			       .address6 = lab_address6(LAB_CONTROLLER_INDEX, 0) };
	char v4[ADDRESS_TEXT_SIZE];
	char v6[ADDRESS_TEXT_SIZE];
	pid_t internet;
	pid_t box = 0;
	CLEAN(free_ptr)
	char *settings = text_format("advertise: [\"%s\", \"%s\"]\nmetrics_open: true\n",
				     address_format(o->is_ipv6 ? &at.address6 : &at.address, v4),
				     address_format(o->is_ipv6 ? &at.address : &at.address6, v6));
	int r = settings ? record_box(record, "internet", &internet, err)
			 : err_set(err, -ENOMEM, "out of memory");
	if (!r)
		r = box_up(record, "controller", &box, err);
	if (!r)
		r = wiring_attach(internet, box, &at, err);
	CLEAN(free_ptr) char *etc = text_format("/proc/%d/root/etc/weft", (int)box);
	if (!r)
		r = etc ? file_make_dirs(etc, 0755, err) : err_set(err, -ENOMEM, "out of memory");
	if (!r)
		r = write_inside(record, "controller", "/etc/weft/controller.yaml", settings, err);
	if (!r)
		r = box_serve(record->dir, "controller", box, service, err);
	pid_t relay;
	uint16_t port;
	if (!r)
		r = relay_start(o->port, box, CONTROLLER_PORT, &relay, &port, err);
	if (r)
		return r;
	(void)record_add_process(record, "relay", "dashboard", relay);
	(void)json_object_set_new(record->json, "port", json_integer(port));
	return record_save(record, err);
}

static void nap_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	(void)nanosleep(&t, NULL);
}

// A password of the lab's own making, since the first one stands in the controller's log only.
static int make_password(struct record *record, pid_t box, struct err *err)
{
	static const char *const reset[] = { "weft-controller", "reset-password", "admin", NULL };
	CLEAN(free_ptr) char *output = NULL;
	int r = box_run(box, reset, &output, err);
	if (r)
		return r;
	output[strcspn(output, "\n")] = '\0';
	(void)json_object_set_new(record->json, "password", json_string(output));
	return 0;
}

static int sign_in(const struct record *record, struct err *err)
{
	char program[PATH_MAX];
	int r = process_program_dir(program, sizeof(program) - 8, err);
	if (r)
		return r;
	(void)strcat(program, "/weft");
	CLEAN(free_ptr)
	char *url = text_format("https://localhost:%d",
				(int)json_integer_value(json_object_get(record->json, "port")));
	CLEAN(free_ptr) char *ca = text_format("%s/controller/var/lib/weft/ca.crt", record->dir);
	CLEAN(free_ptr) char *config = text_format("XDG_CONFIG_HOME=%s/config", record->dir);
	if (!url || !ca || !config)
		return err_set(err, -ENOMEM, "out of memory");
	const char *argv[] = { program,     "login", url, "--user", "admin", "--password-stdin",
			       "--ca-file", ca,      NULL };
	const char *environment[] = { config, NULL };
	struct process_options o = { .environment = environment,
				     .input = json_string_value(
					     json_object_get(record->json, "password")) };
	return process_run(argv, &o, NULL, err);
}

// Until the controller answers: its password is made once, then signing in is tried again.
static int controller_ready(struct record *record, struct err *err)
{
	pid_t box;
	int r = record_box(record, "controller", &box, err);
	if (r)
		return r;
	r = -EAGAIN;
	for (int64_t end = clock_mono_ms() + CONTROLLER_READY_MS; r && clock_mono_ms() < end;
	     nap_ms(200)) {
		r = json_object_get(record->json, "password") ? 0 : make_password(record, box, err);
		if (!r)
			r = sign_in(record, err);
	}
	return r ? err_prefix(err, "the controller did not come up (its log: %s/controller/log)",
			      record->dir)
		 : record_save(record, err);
}

static int apply_files(const struct record *record, const char *const *files, struct err *err)
{
	const char *words[32] = { "apply" };
	size_t n = 1;
	for (; *files && n + 2 < ARRAY_LEN(words); files++) {
		words[n++] = "-f";
		words[n++] = *files;
	}
	return lab_weft(record, words, NULL, err);
}

int lab_join(struct record *record, const char *node, struct err *err)
{
	const char *add[] = { "node", "add", node, "-o", "json", NULL };
	// Like the systemd unit's condition: after `leave` nothing is started again.
	static const char *const service[] = {
		"sh", "-c", "[ -e /var/lib/weft-agent/identity.json ] && exec weft-agent run", NULL
	};
	CLEAN(free_ptr) char *output = NULL;
	pid_t box;
	int r = record_box(record, node, &box, err);
	if (!r)
		r = lab_weft(record, add, &output, err);
	if (r)
		return r;
	json_auto_t *key = json_loads(output, 0, NULL);
	const char *text = json_string_value(json_object_get(key, "key"));
	if (!text)
		return err_set(err, -EBADMSG, "`weft node add %s` gave no key", node);
	const char *join[] = { "weft-agent", "join", text, NULL };
	r = box_run(box, join, NULL, err);
	return r ? r : box_serve(record->dir, node, box, service, err);
}

static int prepare_root(const struct record *record, struct err *err)
{
	struct statfs fs;
	int r = file_make_dirs(LAB_ROOT, 0755, err);
	if (r)
		return r;
	// Copy-on-write layers need a file system that is none itself.
	if (statfs(LAB_ROOT, &fs) < 0 || ((unsigned long)fs.f_type != TMPFS_MAGIC_NUMBER &&
					  mount("weft-lab", LAB_ROOT, "tmpfs", 0, "mode=755") < 0))
		return err_set(err, -errno, "cannot mount a tmpfs on %s: %s", LAB_ROOT,
			       strerror(errno));
	if (access(record->dir, F_OK) == 0)
		return err_set(err, -EEXIST,
			       "a lab of that name is up already: `weft lab down` ends it");
	return file_make_dirs(record->dir, 0700, err);
}

static int bring_up(struct record *record, const struct up_options *o, struct err *err)
{
	say("Making %zu sites, an Internet between them and a controller", record->sites.n_nodes);
	int r = sites_up(record, o, err);
	if (!r)
		r = controller_up(record, o, err);
	if (!r)
		r = controller_ready(record, err);
	if (!r) {
		say("Applying the fleet file");
		r = apply_files(record, o->files, err);
	}
	for (size_t i = 0; i < record->sites.n_nodes && !r && !o->is_bare; i++) {
		say("Joining %s", record->sites.nodes[i].name);
		r = lab_join(record, record->sites.nodes[i].name, err);
	}
	return r;
}

int lab_up(const struct up_options *o, struct err *err)
{
	CLEAN(fleet_done) struct fleet fleet = { 0 };
	CLEAN(record_done) struct record record = { 0 };
	if (geteuid() != 0)
		return err_set(err, -EPERM, "the lab makes network namespaces: run it as root");
	int r = 0;
	for (const char *const *file = o->files; *file && !r; file++)
		r = fleet_read(&fleet, *file, err);
	if (!r)
		r = record_new(&record, o->lab, fleet.resources, o->nat, err);
	if (!r)
		r = prepare_root(&record, err);
	if (r)
		return r;
	r = record_save(&record, err);
	return r ? r : bring_up(&record, o, err);
}

static void stop_all(const json_t *group)
{
	const char *name;
	json_t *process;
	json_object_foreach((json_t *)group, name, process)
		box_stop((pid_t)json_integer_value(json_object_get(process, "pid")),
			 (unsigned long long)json_integer_value(json_object_get(process, "start")));
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;
	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return dir && n == 2; // "." and ".."
}

// The last lab takes the directory with it, and the mount where one was needed. Another that comes
// or goes at this moment may be in the way.
static int remove_root(struct err *err)
{
	const struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };

	for (int tries = 0; is_empty(LAB_ROOT); tries++) {
		if ((umount(LAB_ROOT) == 0 || errno == EINVAL) && rmdir(LAB_ROOT) == 0)
			break;
		const bool is_passing = errno == EBUSY || errno == ENOTEMPTY || errno == ENOENT;
		if (!is_passing || tries == ROOT_TRIES)
			return err_set(err, -errno, "cannot remove %s: %s", LAB_ROOT,
				       strerror(errno));
		(void)nanosleep(&moment, NULL);
	}
	return 0;
}

int lab_down(const char *lab, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	int r = record_load(&record, lab, err);
	if (r)
		return r;
	stop_all(json_object_get(record.json, "relay"));
	stop_all(json_object_get(record.json, "boxes"));
	const char *argv[] = { "rm", "-rf", "--one-file-system", record.dir, NULL };
	r = process_run(argv, NULL, NULL, err);
	return r ? r : remove_root(err);
}
