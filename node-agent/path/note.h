// A path's note as it stands behind a probe: the octets of struct path_note, and by what numbers
// its sender calls which path. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steer/path.h"

enum { NOTE_SIZE = 29 };

// `plan` tells which path has which number: a note of another plan speaks of other paths.
void note_encode(const struct path_note *note, uint32_t plan, uint8_t ret[NOTE_SIZE]);
// False: not a note of that plan.
bool note_decode(const uint8_t *data, size_t len, uint32_t plan, struct path_note *ret);

// Goes on from `plan` (0 at first) by one path: its number and the node it leads through ("":
// none).
uint32_t note_plan(uint32_t plan, uint8_t number, const char *by);
