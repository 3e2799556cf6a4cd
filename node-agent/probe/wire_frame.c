#include "probe/wire_frame.h"

#include <string.h>

#include "base/octets.h"

enum { AT_SOURCE = 6, AT_TYPE = 12, AT_MARK = 14, AT_KIND = 17, REQUEST = 1, REPLY = 2 };

static const uint8_t nearest_bridge[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e };
static const uint8_t mark[3] = { 'w', 'e', 1 }; // others experiment, too

void wire_frame_put(const uint8_t source[6], bool is_reply, uint8_t *frame)
{
	memcpy(frame, nearest_bridge, sizeof nearest_bridge);
	memcpy(frame + AT_SOURCE, source, 6);
	octets_put(frame + AT_TYPE, WIRE_FRAME_TYPE, 2);
	memcpy(frame + AT_MARK, mark, sizeof mark);
	frame[AT_KIND] = is_reply ? REPLY : REQUEST;
}

const uint8_t *wire_frame_get(const uint8_t *frame, size_t len, bool *ret_is_reply, size_t *ret_len)
{
	if (len < WIRE_FRAME_HEADER || memcmp(frame, nearest_bridge, sizeof nearest_bridge) != 0 ||
	    octets_get(frame + AT_TYPE, 2) != WIRE_FRAME_TYPE ||
	    memcmp(frame + AT_MARK, mark, sizeof mark) != 0 ||
	    (frame[AT_KIND] != REQUEST && frame[AT_KIND] != REPLY))
		return NULL;
	*ret_is_reply = frame[AT_KIND] == REPLY;
	*ret_len = len - WIRE_FRAME_HEADER;
	return frame + WIRE_FRAME_HEADER;
}
