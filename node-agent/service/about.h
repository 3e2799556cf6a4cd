// What the programs of a node that the agent runs say of themselves.
#pragma once

// `NAME --version`, `NAME --help` (or -h), and the usage on stderr for anything that is no verb of
// `name`. Returns the exit code of the process: 0, or 2 after a wrong usage.
int service_about(const char *name, const char *usage, int argc, char *const *argv);
