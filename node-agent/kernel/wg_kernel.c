#include <errno.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <string.h>

#include "kernel/route_messages.h"
#include "kernel/wg_backend.h"
#include "kernel/wg_messages.h"

struct family_answer {
	uint16_t id;
};

static int family_message(const struct nlmsghdr *nlh, void *context)
{
	struct family_answer *answer = context;

	return genl_family_parse(nlh, &answer->id);
}

void wg_host_find_family(struct wg_host *host)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	struct family_answer answer = { 0 };
	struct nlmsghdr *request = genl_family_build(buf, WG_GENL_NAME);

	if (netlink_talk(host->generic, request, family_message, &answer, NULL) == 0)
		host->family = answer.id;
}

static int create(struct wg_host *host, const char *device, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];

	int rc = netlink_talk(host->route, link_create_kind_build(buf, device, "wireguard"), NULL,
			      NULL, err);
	if (rc < 0)
		return rc;
	if (!host->family)
		wg_host_find_family(host); // the module may have come with the device
	return 0;
}

static int destroy(struct wg_host *host, const char *device, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	const unsigned index = if_nametoindex(device);

	if (!index)
		return 0;
	return netlink_talk(host->route, link_delete_build(buf, (int)index), NULL, NULL, err);
}

static int device_message(const struct nlmsghdr *nlh, void *context)
{
	return wg_get_parse(nlh, context);
}

static int read_device(struct wg_host *host, const char *device, struct kernel_wg *ret,
		       struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	struct kernel_wg wg = { 0 };

	int rc = netlink_talk(host->generic, wg_get_build(buf, host->family, device),
			      device_message, &wg, err);
	if (rc < 0) {
		kernel_wg_done(&wg);
		return rc;
	}
	(void)snprintf(wg.device, sizeof wg.device, "%s", device);
	*ret = wg;
	return 0;
}

static int change(struct wg_host *host, const char *device, const struct kernel_wg_change *c,
		  struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	struct wg_set_cursor cursor = { 0 };
	struct nlmsghdr *request;
	int rc = 0;

	while (rc == 0 &&
	       (request = wg_set_build(buf, sizeof buf, host->family, device, c, &cursor)))
		rc = netlink_talk(host->generic, request, NULL, NULL, err);
	explicit_bzero(buf, sizeof buf);
	return rc;
}

const struct wg_backend wg_backend_kernel = {
	.name = "kernel",
	.kind = "wireguard",
	.create = create,
	.destroy = destroy,
	.read = read_device,
	.change = change,
};
