// Which controller, trusted how, with which token: ~/.config/weft/contexts.yaml (mode 0600) and
// WEFT_* variables.
//
// The file: {current: NAME, contexts: {NAME: {url, user, token, pin | ca_file}}}.
#pragma once

#include <jansson.h>

#include "base/err.h"

struct context {
	char *name;    // NULL when everything comes from the environment
	char *url;     // https://host:port without a final slash
	char *token;   // NULL: none
	char *pin;     // "sha256//…" of the controller's public key; trusted instead of any CA
	char *ca_file; // trusted instead of the system's CAs
};

void context_done(struct context *c);

// The context in force: `name`, else WEFT_CONTEXT, else WEFT_URL, else the file's current one.
// WEFT_URL, WEFT_TOKEN and WEFT_CA (a file or a sha256// pin) override fields. `ret` must be
// zeroed. -ENOENT when there is none.
int context_resolve(const char *name, struct context *ret, struct err *err);

// Checks and normalises what a person typed: "host", "host:8443" or "https://host/". Caller frees.
int context_url(const char *typed, char **ret_url, struct err *err);

// The whole file as JSON, with an empty object `contexts` when there is no file yet. New reference.
int context_file_read(json_t **ret_file, struct err *err);
int context_file_write(const json_t *file, struct err *err);
