// `weft lab`: a fleet file rehearsed in namespaces on this machine, with the real controller and
// agents.
//
// Every host of the rehearsal is a box: a process that is the first of its own network, mount, PID
// and host name namespaces, so that ending it ends everything in it. A box sees this machine's
// files, with /etc and /var of its own laid over them and /run empty. The boxes hang on one box
// called "internet" that routes between them:
//
//    rho eth0 ---- up1 +----------+ up4 ---- eth0 pi0-nat eth1 ---- eth0 pi0       (--nat pi0)
//    bob eth0 ---- up2 | internet |
//  vorke eth0 ---- up3 +----------+ up9 ---- eth0 controller
//                                                  relay: 127.0.0.1:8443 of this machine -> the
//                                                  controller's
//
// Nothing is made outside the boxes but files under /run/weft-lab and the relay's listening socket.
#pragma once

// What help and the man page say beyond the summary; a line that begins with a space is a form of
// the command.
extern const char lab_text[];

// The verb: argv[0] is "lab". Returns the exit status of the program.
int lab_main(int argc, char **argv);

// Root of everything the lab keeps: a tmpfs, mounted by the first `up` and gone with the last
// `down`.
#define LAB_ROOT "/run/weft-lab"
