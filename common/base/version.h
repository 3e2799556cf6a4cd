// Which version this program is.
#pragma once

// "0.1.0": major, minor, patch. In an object of its own, so that a test can link a program that
// says another.
const char *weft_version(void);
