#include "service/place.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

socklen_t place_sockaddr(const struct place *place, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){ 0 };
	if (place->address.family == 4) {
		struct sockaddr_in *at = (void *)ret;
		*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(place->port) };
		memcpy(&at->sin_addr, place->address.bytes, sizeof(at->sin_addr));
		return sizeof(*at);
	}
	struct sockaddr_in6 *at = (void *)ret;
	*at = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(place->port) };
	memcpy(&at->sin6_addr, place->address.bytes, sizeof(at->sin6_addr));
	return sizeof(*at);
}

struct place place_of(const struct sockaddr *from)
{
	struct place place = { 0 };
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *at = (const void *)from;
		place.address.family = 4;
		place.port = ntohs(at->sin_port);
		memcpy(place.address.bytes, &at->sin_addr, sizeof(at->sin_addr));
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *at = (const void *)from;
		place.address.family = 6;
		place.port = ntohs(at->sin6_port);
		memcpy(place.address.bytes, &at->sin6_addr, sizeof(at->sin6_addr));
	}
	return place;
}
