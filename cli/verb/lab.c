#ifdef WEFT_HAS_LAB
#include "cli/lab/lab.h"

#include "cli/verb/verbs.h"

const struct verb verb_lab = {
	.name = "lab",
	.summary = "Rehearse a fleet file in network namespaces on this machine",
	.text = lab_text,
	.main = lab_main,
};
#else
// The table leaves the verb out where the lab is not built.
typedef int lab_is_not_built;
#endif
