#include <string.h>

#include "base/clean.h"

#include "dns/rules.h"

// Whole names, not what is below them: next to these many a provider has other things. The first
// are canaries (Firefox's; iCloud Private Relay's two), the others resolvers that browsers and
// systems offer by themselves.
static const char *const names[] = {
	"use-application-dns.net",
	"mask.icloud.com",
	"mask-h2.icloud.com",
	"dns.google",
	"dns64.dns.google",
	"8888.google",
	"chrome.cloudflare-dns.com",
	"cloudflare-dns.com",
	"one.one.one.one",
	"1dot1dot1dot1.cloudflare-dns.com",
	"mozilla.cloudflare-dns.com",
	"security.cloudflare-dns.com",
	"family.cloudflare-dns.com",
	"dns.quad9.net",
	"dns9.quad9.net",
	"dns10.quad9.net",
	"dns11.quad9.net",
	"doh.opendns.com",
	"doh.familyshield.opendns.com",
	"dns.umbrella.com",
	"dns.adguard-dns.com",
	"dns.adguard.com",
	"family.adguard-dns.com",
	"unfiltered.adguard-dns.com",
	"dns.nextdns.io",
	"firefox.dns.nextdns.io",
	"chromium.dns.nextdns.io",
	"doh.cleanbrowsing.org",
	"doh.dns.apple.com",
	"dns.mullvad.net",
	"adblock.dns.mullvad.net",
	"doh.xfinity.com",
	"private.canadianshield.cira.ca",
	"doh.dns.sb",
	"doh.libredns.gr",
	"odoh.cloudflare-dns.com",
};

bool dns_doh_has(const struct name *name)
{
	char text[NAME_TEXT_SIZE];
	name_text(name, text);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0)
			return true;
	return false;
}
