// The severities of events, from the least to the worst.
#pragma once

enum { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_COUNT };

extern const char *const severity_names[SEVERITY_COUNT];

// The rank of a word; -1 when it is none, or NULL.
int severity_rank(const char *word);
