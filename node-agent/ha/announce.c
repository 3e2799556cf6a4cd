#include "ha/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/octets.h"

enum {
	ETHERNET = 14,
	ARP_AT = ETHERNET,
	IP6_AT = ETHERNET,
	ICMP_AT = IP6_AT + 40,
	ICMP_SIZE = 32, // advertisement of 24 bytes, target link-layer address option of 8
	ADVERTISEMENT = 136,
	FLAG_OVERRIDE = 0x20,
};

static void put_ethernet(uint8_t *frame, const uint8_t to[6], const uint8_t from[6], uint16_t type)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	octets_put(frame + 12, type, 2);
}

size_t announce_arp(const uint8_t mac[6], const struct kernel_ip *ip, bool is_reply,
		    uint8_t ret[ANNOUNCE_FRAME_MAX])
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *arp = ret + ARP_AT;

	put_ethernet(ret, everybody, mac, ETH_P_ARP);
	octets_put(arp, 1, 2); // Ethernet
	octets_put(arp + 2, ETH_P_IP, 2);
	octets_put(arp + 4, 0x0604, 2); // lengths of the addresses
	octets_put(arp + 6, is_reply ? 2 : 1, 2);
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, ip->bytes, 4);
	memcpy(arp + 18, everybody, 6);
	memcpy(arp + 24, ip->bytes, 4);
	return ARP_AT + 28;
}

static uint32_t add_words(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)octets_get(data + i, 2);
	return sum;
}

// RFC 4443, 2.3: over the pseudo-header, too.
static uint16_t checksum(const uint8_t *ip6, const uint8_t *icmp)
{
	uint32_t sum = add_words(0, ip6 + 8, 32);

	sum = add_words(sum + ICMP_SIZE + IPPROTO_ICMPV6, icmp, ICMP_SIZE);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

size_t announce_neighbour(const uint8_t mac[6], const struct kernel_ip *ip,
			  uint8_t ret[ANNOUNCE_FRAME_MAX])
{
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t *ip6 = ret + IP6_AT, *icmp = ret + ICMP_AT;

	memset(ret, 0, ANNOUNCE_FRAME_MAX);
	put_ethernet(ret, all_nodes_mac, mac, ETH_P_IPV6);
	ip6[0] = 0x60;
	octets_put(ip6 + 4, ICMP_SIZE, 2);
	ip6[6] = IPPROTO_ICMPV6;
	ip6[7] = 255;
	memcpy(ip6 + 8, ip->bytes, 16);
	ip6[24] = 0xff; // ff02::1
	ip6[25] = 0x02;
	ip6[39] = 0x01;
	icmp[0] = ADVERTISEMENT;
	icmp[4] = FLAG_OVERRIDE;
	memcpy(icmp + 8, ip->bytes, 16);
	icmp[24] = 2; // target link-layer address
	icmp[25] = 1;
	memcpy(icmp + 26, mac, 6);
	octets_put(icmp + 2, checksum(ip6, icmp), 2);
	return ICMP_AT + ICMP_SIZE;
}

static int send_frames(int fd, const struct sockaddr_ll *to, const uint8_t mac[6],
		       const struct vip_set *set)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	int first = 0;

	for (size_t i = 0; i < set->n; i++) {
		const bool is_v4 = set->ips[i].family == AF_INET;

		for (int form = 0; form < (is_v4 ? 2 : 1); form++) {
			const size_t len = is_v4 ? announce_arp(mac, &set->ips[i], form, frame)
						 : announce_neighbour(mac, &set->ips[i], frame);

			if (sendto(fd, frame, len, MSG_DONTWAIT, (const void *)to, sizeof *to) < 0)
				first = first ? first : -errno;
		}
	}
	return first;
}

int announce_send(const struct vip_set *set, struct err *err)
{
	struct ifreq request = { 0 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int r = 0;

	// Protocol 0: it receives nothing.
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "no packet socket: %s", strerror(errno));
	memcpy(request.ifr_name, set->interface, sizeof request.ifr_name);
	to.sll_ifindex = (int)if_nametoindex(set->interface);
	if (!to.sll_ifindex || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		r = -ENODEV;
	if (r == 0)
		r = send_frames(fd, &to, (const uint8_t *)request.ifr_hwaddr.sa_data, set);
	(void)close(fd);
	return r < 0 ? err_set(err, r, "cannot announce on %s: %s", set->interface, strerror(-r))
		     : 0;
}
