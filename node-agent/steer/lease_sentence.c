#include <stdio.h>

#include "steer/lease.h"

static double seconds(int64_t span_us)
{
	return (double)span_us / 1e6;
}

static void taken(const struct lease_event *e, const char *who, char *ret, size_t size)
{
	char why[160] = "nobody was";
	if (e->cause == LEASE_TOOK_OVER)
		(void)snprintf(why, sizeof why, "%s was silent for %.2f s", who,
			       seconds(e->span_us));
	else if (e->cause == LEASE_TOOK_HANDED)
		(void)snprintf(why, sizeof why, "%s handed over", who);
	else if (e->cause == LEASE_RESUMED)
		(void)snprintf(why, sizeof why, "it was before its agent restarted");
	(void)snprintf(ret, size, "active, since %s (%zu of %zu voters agree, epoch %llu)", why,
		       e->heard, e->voters, (unsigned long long)e->epoch);
}

void lease_sentence(const struct lease_event *e, lease_name_fn name, const void *context, char *ret,
		    size_t size)
{
	const char *who = e->node == LEASE_NOBODY ? "nobody" : name(context, e->node);
	switch (e->cause) {
	case LEASE_TOOK_FREE:
	case LEASE_TOOK_OVER:
	case LEASE_TOOK_HANDED:
	case LEASE_RESUMED:
		taken(e, who, ret, size);
		return;
	case LEASE_LOST_MAJORITY:
		(void)snprintf(ret, size,
			       "no longer active: %zu of %zu voters answer, %zu are needed",
			       e->heard, e->voters, e->needed);
		return;
	case LEASE_HOLDS_ISOLATED:
		(void)snprintf(ret, size,
			       "stays active without a majority (%zu of %zu voters answer, %zu are "
			       "needed), as on_isolation says: another member may be active too",
			       e->heard, e->voters, e->needed);
		return;
	case LEASE_UNIQUE_AGAIN:
		(void)snprintf(ret, size,
			       "a majority agrees again (%zu of %zu voters): the only "
			       "active member",
			       e->heard, e->voters);
		return;
	case LEASE_SUPERSEDED:
		(void)snprintf(ret, size, "no longer active: %s became active meanwhile", who);
		return;
	case LEASE_HANDED_OVER:
		(void)snprintf(ret, size, "handed over to %s, which comes before this member", who);
		return;
	case LEASE_UNFIT:
		(void)snprintf(ret, size, "no longer active: this node is not fit to be");
		return;
	case LEASE_LONG_READY:
		(void)snprintf(ret, size, "stays active for %.1f s while its agent restarts",
			       seconds(e->span_us));
		return;
	}
}
