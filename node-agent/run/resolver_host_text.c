#include "run/resolver_host_text.h"

#include <stdio.h>
#include <string.h>

#define TABLE "inet weft_resolver"

enum { DNS_PORT = 53 };

static bool has(const struct host_servers *servers, const struct address *address)
{
	for (size_t i = 0; i < servers->len; i++)
		if (address_equal(&servers->items[i], address))
			return true;
	return false;
}

void host_servers_read(const char *text, struct host_servers *ret)
{
	while (*text) {
		const size_t len = strcspn(text, "\n");
		char line[128], server[ADDRESS_TEXT_SIZE];
		struct address address;

		(void)snprintf(line, sizeof line, "%.*s", (int)(len < 127 ? len : 127), text);
		if (sscanf(line, " nameserver %45[0-9a-fA-F:.]", server) == 1 &&
		    !strchr(line, '%') && address_parse(server, &address, NULL) == 0 &&
		    !has(ret, &address) && ret->len < HOST_SERVERS_MAX)
			ret->items[ret->len++] = address;
		text += len + (text[len] == '\n');
	}
}

// `{ 9.9.9.9, 1.1.1.1 }` of one family, without those where weft-dns answers itself; false: none.
static bool add_servers(struct text *out, const struct host_detour *detour, int family)
{
	const struct address *to = &detour->to[family == 6];
	char text[ADDRESS_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < detour->servers.len; i++) {
		const struct address *server = &detour->servers.items[i];

		if (server->family != family || address_equal(server, to))
			continue;
		text_addf(out, "%s%s", any ? ", " : "{ ", address_format(server, text));
		any = true;
	}
	text_add(out, any ? " }" : "");
	return any;
}

static void add_family(struct text *out, struct text *back, const struct host_detour *detour,
		       int family)
{
	const struct address *to = &detour->to[family == 6];
	const char *ip = family == 6 ? "ip6" : "ip";
	const char *open = family == 6 ? "[" : "", *close = family == 6 ? "]" : "";
	CLEAN(text_free) struct text servers = { 0 };
	char text[ADDRESS_TEXT_SIZE];

	if (!to->family || !add_servers(&servers, detour, family))
		return;
	out->failed = out->failed || servers.failed;
	if (servers.failed)
		return;
	(void)address_format(to, text);
	text_addf(out,
		  "\t\t%s daddr %s meta l4proto { tcp, udp } th dport @proof dnat %s to "
		  "%s%s%s:%u\n",
		  ip, servers.data, ip, open, text, close, detour->port);
	// It comes from an address that weft-dns answers, whichever the program had chosen.
	text_addf(back,
		  "\t\toifname \"lo\" ct status dnat %s daddr %s meta l4proto { tcp, udp } th "
		  "dport %u snat %s to %s\n",
		  ip, text, detour->port, ip, text);
}

void host_detour_render(struct text *out, const struct host_detour *detour)
{
	CLEAN(text_free) struct text back = { 0 };

	host_detour_remove(out);
	text_add(out, "table " TABLE " {\n"
		      "\tset proof {\n\t\ttype inet_service\n\t\tflags timeout\n\t}\n"
		      "\tchain asked {\n\t\ttype nat hook output priority -100; policy "
		      "accept;\n");
	// What weft-dns asks itself has a mark.
	text_addf(out, "\t\tmeta mark & 0x%08x != 0 accept\n", detour->mask);
	add_family(out, &back, detour, 4);
	add_family(out, &back, detour, 6);
	text_add(out, "\t}\n\tchain sent {\n\t\ttype nat hook postrouting priority srcnat; policy "
		      "accept;\n");
	text_add(out, back.data ? back.data : "");
	text_add(out, "\t}\n}\n");
	out->failed = out->failed || back.failed;
}

void host_detour_prove(struct text *out)
{
	// Adding what is there already would not make it last longer.
	text_addf(out,
		  "add element " TABLE " proof { %d timeout %ds }\n"
		  "delete element " TABLE " proof { %d }\n"
		  "add element " TABLE " proof { %d timeout %ds }\n",
		  DNS_PORT, HOST_PROOF_S, DNS_PORT, DNS_PORT, HOST_PROOF_S);
}

void host_detour_remove(struct text *out)
{
	text_add(out, "add table " TABLE "\ndelete table " TABLE "\n");
}
