#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"

#define AT(field) offsetof(struct controller_settings, field)

#define MINUTE_MS            60000
#define DAY_MS               (24u * 3600 * 1000)
#define CERTIFICATE_DAYS_MAX 825

// clang-format off: one setting a row
const struct setting controller_settings_table[] = {
	{ "state_dir", SETTING_PATH, AT(state_dir), .text = "/var/lib/weft",
	  .help = "where the database, the CA and the keys live" },
	{ "log.level", SETTING_LOG_LEVEL, AT(log_level), .text = "info",
	  .help = "error, warn, info or debug" },
	{ "advertise", SETTING_STRING_LIST, AT(advertise), .text = NULL,
	  .help = "host names and addresses by which nodes reach this controller, the best first; "
		  "default: this host's own" },
	{ "rest.listen", SETTING_STRING_LIST, AT(rest_listen), .text = "0.0.0.0:8443 [::]:8443",
	  .help = "addresses of the API and the dashboard" },
	{ "rest.connections", SETTING_U32, AT(rest_connections), .min = 16, .max = 15000,
	  .number = 2000, .help = "most connections to the API at once" },
	{ "rest.connections_per_address", SETTING_U32, AT(rest_connections_per_address), .min = 4,
	  .max = 15000, .number = 200, .help = "most of them from one address" },
	{ "rest.anonymous_time", SETTING_DURATION_MS, AT(rest_anonymous_ms), .min = 1000,
	  .max = 3600000, .number = 120000,
	  .help = "so long a connection may be open without a request of somebody known; with "
		  "three quarters of rest.connections open, the oldest of those goes" },
	{ "rest.streams_per_user", SETTING_U32, AT(rest_streams_per_user), .min = 1, .max = 15000,
	  .number = 100, .help = "most event streams of one user or token at once" },
	{ "hub.listen", SETTING_STRING_LIST, AT(hub_listen), .text = "0.0.0.0:8444 [::]:8444",
	  .help = "addresses for the agents" },
	{ "hub.nodes", SETTING_U32, AT(hub_nodes), .min = 1, .max = 100000, .number = 12000,
	  .help = "most nodes connected at once" },
	{ "hub.handshakes", SETTING_U32, AT(hub_handshakes), .min = 1, .max = 15000, .number = 512,
	  .help = "most connections that have not shown yet which node they are" },
	{ "hub.handshakes_per_address", SETTING_U32, AT(hub_handshakes_per_address), .min = 1,
	  .max = 15000, .number = 512, .help = "most of them from one address" },
	{ "hub.handshake_time", SETTING_DURATION_MS, AT(hub_handshake_ms), .min = 1000,
	  .max = 600000, .number = 10000, .help = "and how long they may take" },
	{ "hub.messages_per_second", SETTING_U32, AT(hub_messages_per_s), .min = 1, .max = 100000,
	  .number = 100, .help = "of one node on average; more ends its session" },
	{ "hub.messages_burst", SETTING_U32, AT(hub_messages_burst), .min = 10, .max = 1000000,
	  .number = 1000, .help = "and at once" },
	{ "hub.bytes_per_second", SETTING_U32, AT(hub_bytes_per_s), .min = 1024, .max = 1000000000,
	  .number = 1 << 20, .help = "of one node on average; more ends its session" },
	{ "hub.bytes_burst", SETTING_U32, AT(hub_bytes_burst), .min = 1 << 20, .max = 1000000000,
	  .number = 32 << 20, .help = "and at once" },
	{ "hub.queue_bytes", SETTING_U32, AT(hub_queue_bytes), .min = 1 << 20, .max = 1000000000,
	  .number = 4 << 20,
	  .help = "waiting for one node that reads slowly; more ends its session" },
	{ "hub.receive_bytes", SETTING_U32, AT(hub_receive_bytes), .min = 1 << 20,
	  .max = 1000000000, .number = 64 << 20,
	  .help = "of half-received messages, all nodes together" },
	{ "nodes.entries", SETTING_U32, AT(node_entries), .min = 100, .max = 1000000,
	  .number = 16384, .help = "that one node may report" },
	{ "nodes.bytes", SETTING_U32, AT(node_bytes), .min = 65536, .max = 1000000000,
	  .number = 8 << 20, .help = "of what one node reports" },
	{ "nodes.events_burst", SETTING_U32, AT(events_burst), .min = 1, .max = 100000,
	  .number = 50, .help = "events of one node that are kept at once; more are only counted" },
	{ "nodes.events_per_hour", SETTING_U32, AT(events_per_hour), .min = 1, .max = 1000000,
	  .number = 720, .help = "and on average" },
	{ "nodes.changes_burst", SETTING_U32, AT(changes_burst), .min = 1, .max = 100000,
	  .number = 30,
	  .help = "changes of one node's addresses and keys that become revisions at once" },
	{ "nodes.changes_wait", SETTING_DURATION_MS, AT(changes_wait_ms), .min = 1, .max = 3600000,
	  .number = 10000, .help = "and one more each" },
	{ "login.attempts", SETTING_U32, AT(login_attempts), .min = 1, .max = 100000, .number = 10,
	  .help = "failed sign-ins from one address (an IPv6 /64) at once" },
	{ "login.wait", SETTING_DURATION_MS, AT(login_wait_ms), .min = 1, .max = 3600000,
	  .number = 6000, .help = "and one more each" },
	{ "login.user_attempts", SETTING_U32, AT(login_user_attempts), .min = 1, .max = 100000,
	  .number = 20, .help = "failed sign-ins of one user at once, wherever from" },
	{ "login.user_wait", SETTING_DURATION_MS, AT(login_user_wait_ms), .min = 1, .max = 3600000,
	  .number = 3000, .help = "and one more each" },
	{ "enrol.attempts", SETTING_U32, AT(enrol_attempts), .min = 1, .max = 100000, .number = 30,
	  .help = "refused enrolments from one address (an IPv6 /64) at once" },
	{ "enrol.wait", SETTING_DURATION_MS, AT(enrol_wait_ms), .min = 1, .max = 3600000,
	  .number = 2000, .help = "and one more each" },
	{ "tls.certificate", SETTING_PATH, AT(tls_certificate), .text = NULL,
	  .help = "your own certificate chain for the dashboard, PEM; default: one from Weft's own "
		  "CA" },
	{ "tls.key", SETTING_PATH, AT(tls_key), .text = NULL, .help = "its private key, PEM" },
	{ "metrics_links", SETTING_U32, AT(metrics_links), .max = 10000000, .number = 20000,
	  .help = "most peers, wires and ports of all nodes that /metrics tells one by one; beyond "
		  "it, ask for a node's: /metrics?node=NAME" },
	{ "metrics_open", SETTING_BOOL, AT(metrics_open), .number = 0,
	  .help = "serve /metrics without a token to clients on this host" },
	{ "packages_dir", SETTING_PATH, AT(packages_dir), .text = "/usr/share/weft/packages",
	  .help = "where the agent's .deb files for joining hosts lie" },
	{ "lists_dir", SETTING_PATH, AT(lists_dir), .text = "/etc/weft/lists",
	  .help = "where the files that domain lists name lie" },
	{ "web_dir", SETTING_PATH, AT(web_dir), .text = NULL,
	  .help = "serve the dashboard from this directory instead of the built-in one" },
	{ "vxlan_port", SETTING_U32, AT(vxlan_port), .min = 1, .max = 65535, .number = 4789,
	  .help = "UDP port of the wires inside the overlay" },
	{ "wireguard_port", SETTING_U32, AT(wireguard_port), .min = 1, .max = 65535,
	  .number = 51820, .help = "first UDP port given to networks" },
	{ "probe_port", SETTING_U32, AT(probe_port), .min = 1, .max = 65535, .number = 862,
	  .help = "UDP port by which nodes measure their links inside the overlay (STAMP)" },
	{ "ha_port", SETTING_U32, AT(ha_port), .min = 1, .max = 65535, .number = 863,
	  .help = "UDP port by which the voters of HA groups agree inside the overlay" },
	{ "mark_mask", SETTING_U32, AT(numbers.mark_mask), .min = 1, .max = UINT32_MAX,
	  .number = MARK_MASK_DEFAULT,
	  .help = "bits of packets' marks that nodes with policies use, 12 one beside the other: "
		  "0x0fff0000 unless another program on them has some of these" },
	{ "table_base", SETTING_U32, AT(numbers.table_base), .min = TABLE_BASE_MIN,
	  .max = TABLE_BASE_MAX, .number = TABLE_BASE_DEFAULT,
	  .help = "first of the 8326 routing tables that nodes use" },
	{ "priority_base", SETTING_U32, AT(numbers.priority_base), .min = PRIORITY_BASE_MIN,
	  .max = PRIORITY_BASE_MAX, .number = PRIORITY_BASE_DEFAULT,
	  .help = "first of the 159 priorities of routing rules that nodes use" },
	{ "vni_base", SETTING_U32, AT(numbers.vni_base), .max = VNI_BASE_MAX,
	  .help = "what the wires' VNIs are counted from: segments have those up to 4194303 above "
		  "it, gateways those from 8388608 above it" },
	{ "events_days", SETTING_U32, AT(events_days), .min = 1, .max = 3650, .number = 30,
	  .help = "how long events are kept" },
	{ "session.idle", SETTING_DURATION_MS, AT(session_idle_ms), .min = 60000,
	  .max = 30 * DAY_MS, .number = DAY_MS / 2,
	  .help = "a sign-in that is not used for this long ends" },
	{ "session.max", SETTING_DURATION_MS, AT(session_max_ms), .min = 60000, .max = 30 * DAY_MS,
	  .number = 7 * DAY_MS, .help = "and in any case after this" },
	{ "certificate_life", SETTING_STRING, AT(certificate_life), .text = "90d",
	  .help = "how long a node's certificate is valid, 1m to 825d; it is renewed at two "
		  "thirds" },
	{ 0 },
};
// clang-format on

static int advertise_add(struct setting_list *list, const char *text)
{
	char **items = realloc(list->items, (list->len + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->len] = strdup(text);
	return items[list->len++] ? 0 : -ENOMEM;
}

// Puts a NULL behind the last item, which is not counted.
static int terminate(struct setting_list *list, struct err *err)
{
	char **items = realloc(list->items, (list->len + 1) * sizeof(*items));
	if (!items)
		return err_set(err, -ENOMEM, "out of memory");
	items[list->len] = NULL;
	list->items = items;
	return 0;
}

// The address as text when others can reach it: neither loopback nor link-local.
static bool reachable_text(const struct ifaddrs *at, char *ret_text)
{
	if (!at->ifa_addr || !(at->ifa_flags & IFF_UP) || (at->ifa_flags & IFF_LOOPBACK))
		return false;
	if (at->ifa_addr->sa_family == AF_INET) {
		struct sockaddr_in a;
		memcpy(&a, at->ifa_addr, sizeof(a));
		return inet_ntop(AF_INET, &a.sin_addr, ret_text, INET6_ADDRSTRLEN) != NULL;
	}
	if (at->ifa_addr->sa_family != AF_INET6)
		return false;
	struct sockaddr_in6 a;
	memcpy(&a, at->ifa_addr, sizeof(a));
	return !IN6_IS_ADDR_LINKLOCAL(&a.sin6_addr) &&
	       inet_ntop(AF_INET6, &a.sin6_addr, ret_text, INET6_ADDRSTRLEN) != NULL;
}

static int advertise_default(struct setting_list *list, struct err *err)
{
	struct ifaddrs *found = NULL;
	char text[INET6_ADDRSTRLEN];
	char name[256] = "";
	int r = 0;
	if (getifaddrs(&found) == 0)
		for (const struct ifaddrs *at = found; at && r >= 0; at = at->ifa_next)
			if (reachable_text(at, text))
				r = advertise_add(list, text);
	freeifaddrs(found);
	if (r >= 0 && gethostname(name, sizeof(name) - 1) == 0 && name[0])
		r = advertise_add(list, name);
	if (r >= 0 && list->len == 0)
		r = advertise_add(list, "localhost");
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

// Longer than the milliseconds of a SETTING_DURATION_MS hold.
static int read_certificate_life(struct controller_settings *settings, struct err *err)
{
	int64_t ms = 0;
	int r = duration_parse(settings->certificate_life, &ms, err);
	if (r < 0)
		return err_prefix(err, "certificate_life");
	if (ms < MINUTE_MS || ms > CERTIFICATE_DAYS_MAX * (int64_t)DAY_MS)
		return err_set(err, -ERANGE, "certificate_life: %s is not in 1m..%dd",
			       settings->certificate_life, CERTIFICATE_DAYS_MAX);
	settings->certificate_life_s = ms / 1000;
	return 0;
}

// On a node they are all UDP's.
static int check_ports(const struct controller_settings *s, struct err *err)
{
	const struct {
		const char *name;
		uint32_t port;
	} ports[] = { { "wireguard_port", s->wireguard_port },
		      { "vxlan_port", s->vxlan_port },
		      { "probe_port", s->probe_port },
		      { "ha_port", s->ha_port } };
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		for (size_t k = 0; k < i; k++)
			if (ports[i].port == ports[k].port)
				return err_set(err, -EINVAL, "%s: %u is also %s", ports[i].name,
					       ports[i].port, ports[k].name);
	return 0;
}

int controller_settings_read(const char *path, bool may_be_absent,
			     struct controller_settings *ret_settings, struct err *err)
{
	struct controller_settings settings = { 0 };
	int r = settings_read(controller_settings_table, path, may_be_absent, &settings, err);
	if (r < 0)
		return r;
	if (settings.advertise.len == 0)
		r = advertise_default(&settings.advertise, err);
	if (r >= 0)
		r = terminate(&settings.advertise, err);
	if (r >= 0)
		r = terminate(&settings.rest_listen, err);
	if (r >= 0)
		r = terminate(&settings.hub_listen, err);
	if (r >= 0)
		r = read_certificate_life(&settings, err);
	if (r >= 0)
		r = check_ports(&settings, err);
	if (r >= 0)
		r = host_numbers_check(&settings.numbers, err);
	if (r >= 0 && !settings.tls_certificate != !settings.tls_key)
		r = err_set(err, -EINVAL, "tls.certificate and tls.key: give both or neither");
	if (r < 0) {
		controller_settings_done(&settings);
		return r;
	}
	*ret_settings = settings;
	return 0;
}

void controller_settings_done(struct controller_settings *settings)
{
	settings_done(controller_settings_table, settings);
}
