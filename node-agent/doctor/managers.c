// Programs that clean up routes and interfaces they did not make: systemd-networkd and
// NetworkManager.
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#include "doctor/inside.h"

enum { CONFIG_MAX = 1024 * 1024, PIECES_MAX = 256 };

// Files of a setting's directories: a later directory's file of the same name hides an earlier
// one's, and the rest is read by name.
struct pieces {
	char path[PIECES_MAX][PATH_MAX];
	size_t count;
};

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static void add_piece(struct pieces *pieces, const char *directory, const char *name)
{
	size_t at = 0;

	while (at < pieces->count && strcmp(name_of(pieces->path[at]), name) < 0)
		at++;
	const bool hides = at < pieces->count && strcmp(name_of(pieces->path[at]), name) == 0;
	if (!hides && pieces->count == PIECES_MAX)
		return;
	if (!hides) {
		memmove(pieces->path[at + 1], pieces->path[at],
			(pieces->count - at) * sizeof pieces->path[0]);
		pieces->count++;
	}
	(void)snprintf(pieces->path[at], PATH_MAX, "%s/%s", directory, name);
}

static void add_directory(struct pieces *pieces, const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const size_t len = strlen(entry->d_name);

		if (len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0 &&
		    pieces->count + 1 < PIECES_MAX)
			add_piece(pieces, directory, entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

// Takes over the last `NAME=value` of a file.
static void read_setting(const char *path, const char *name, bool *value)
{
	CLEAN(free_ptr) char *text = NULL;
	const char *rest;

	if (file_read(path, CONFIG_MAX, &text, NULL, NULL) < 0)
		return;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		line += strspn(line, " \t");
		if (!text_starts(line, name, &rest))
			continue;
		rest += strspn(rest, " \t");
		if (*rest == '=')
			*value = strchr("1yYtToO", rest[1 + strspn(rest + 1, " \t")]) &&
				 strncasecmp(rest + 1 + strspn(rest + 1, " \t"), "off", 3) != 0;
	}
}

static bool networkd_cleans(const char *name)
{
	static const char *const directories[] = { "/lib/systemd/networkd.conf.d",
						   "/usr/lib/systemd/networkd.conf.d",
						   "/usr/local/lib/systemd/networkd.conf.d",
						   "/run/systemd/networkd.conf.d",
						   "/etc/systemd/networkd.conf.d" };
	CLEAN(free_ptr) struct pieces *pieces = calloc(1, sizeof *pieces);
	bool value = true; // its default

	read_setting("/etc/systemd/networkd.conf", name, &value);
	for (size_t i = 0; pieces && i < ARRAY_LEN(directories); i++)
		add_directory(pieces, directories[i]);
	for (size_t i = 0; pieces && i < pieces->count; i++)
		read_setting(pieces->path[i], name, &value);
	return value;
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static void check_networkd(struct examination *x)
{
	const bool routes = networkd_cleans("ManageForeignRoutes");
	const bool rules = networkd_cleans("ManageForeignRoutingPolicyRules");

	if (!routes && !rules) {
		say(x, GRADE_OK, "", "systemd-networkd leaves routes and rules of others alone");
		return;
	}
	say(x, GRADE_WARN,
	    "set it to no in /etc/systemd/networkd.conf.d/zz-weft.conf, [Network], then systemctl "
	    "restart systemd-networkd (the package's 10-weft.conf is missing or overruled)",
	    "systemd-networkd removes routes that it did not make (%s is on): Weft's come back "
	    "within 3 s, with a gap",
	    routes ? "ManageForeignRoutes" : "ManageForeignRoutingPolicyRules");
}

static void check_network_manager(struct examination *x)
{
	static const char *const places[] = { "/etc/NetworkManager/conf.d/weft.conf",
					      "/run/NetworkManager/conf.d/weft.conf",
					      "/usr/lib/NetworkManager/conf.d/weft.conf" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		CLEAN(free_ptr) char *text = NULL;

		// The first there is hides the others.
		if (file_read(places[i], CONFIG_MAX, &text, NULL, NULL) < 0)
			continue;
		if (strstr(text, "interface-name:wg????????") &&
		    (strstr(text, "managed=0") || strstr(text, "unmanaged-devices="))) {
			say(x, GRADE_OK, "", "NetworkManager leaves Weft's interfaces alone");
			return;
		}
		break;
	}
	say(x, GRADE_WARN,
	    "install the weft-agent package's /usr/lib/NetworkManager/conf.d/weft.conf again, then "
	    "nmcli general reload",
	    "NetworkManager is not told to leave Weft's interfaces alone");
}

void check_managers(struct examination *x)
{
	const bool networkd = exists("/run/systemd/netif/state");
	const bool manager = exists("/run/NetworkManager");

	if (networkd)
		check_networkd(x);
	if (manager)
		check_network_manager(x);
	if (!networkd && !manager)
		say(x, GRADE_OK, "", "neither systemd-networkd nor NetworkManager runs here");
}
