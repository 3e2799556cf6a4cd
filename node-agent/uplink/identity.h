// Who this node is: the files `join` wrote and the uplink uses, below one state directory.
//
// agent.key agent.crt ca.crt wg.key identity.json; identity.json is written last, so that its
// presence means "joined".
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

enum { IDENTITY_LIST_MAX = 16, IDENTITY_FILE_MAX = 65536 };

struct identity {
	char *name;                           // present name of the node
	char *id;                             // immutable resource id, as text
	char *controllers[IDENTITY_LIST_MAX]; // "https://host:port", in order
	size_t controller_count;
	char *hubs[IDENTITY_LIST_MAX]; // "host:port", in order
	size_t hub_count;
	char *ca_pem;
	char *certificate_pem;
	char *key_pem;
	char *wg_private_key; // base64
	char *unknown;        // object of what a later version wrote into identity.json, or NULL
};

// -ENOENT with "this host has not joined ..." when there is none. -EBADMSG when a part that a
// session needs is damaged: then `err` names it and the cure, and *ret_identity holds the other
// parts (a node can keep its tunnels without a session). A WireGuard key that cannot be read is
// NULL and no failure here. Release with identity_done.
int identity_load(const char *state_dir, struct identity *ret_identity, struct err *err);

// Writes every file, each whole or not at all.
int identity_save(const char *state_dir, const struct identity *identity, struct err *err);

// Replaces the certificate only.
int identity_save_certificate(const char *state_dir, const char *certificate_pem, struct err *err);

// Deletes every file this module writes; missing ones are fine.
int identity_delete(const char *state_dir, struct err *err);

// Takes over `key`, made with malloc.
void identity_set_wg_key(struct identity *identity, char *key);

// The strings of an array as copies, up to the first that is none and to IDENTITY_LIST_MAX. 0, or
// -ENOMEM with `*count` of them there.
int identity_read_list(const json_t *json, char **list, size_t *count);

void identity_done(struct identity *identity);
