// Which file a process was started from: after an upgrade the same path names another one.
#pragma once

enum { IDENTITY_SIZE = 40 };

// Of the file at `path`, or of this process's own program; empty when there is none.
void identity_of(const char *path, char ret[IDENTITY_SIZE]);
void identity_of_self(char ret[IDENTITY_SIZE]);
