// Starting from what is left: each file of the state directory may be damaged, of another version
// or gone. What can be mended is mended, the rest is a trouble with its cure; tunnels stay up
// whenever there is any way to.
#pragma once

#include "base/err.h"

struct agent;

// Fails only on a host that has not joined. With a damaged identity the agent runs without a
// session.
int recover_identity(struct agent *agent, struct err *err);
void recover_restore(struct agent *agent);
void recover_desired(struct agent *agent);
// Keeps a copy of settings that are good.
void recover_settings(struct agent *agent);
// The WireGuard key, and its public half: from its file, else from the devices that use it, else a
// new one, which the peers learn from the controller. Needs the kernel.
int recover_key(struct agent *agent, struct err *err);
