// What the kinds of measured links share: how often they are probed and how they are judged. The
// kernel knows nothing of them; they are handed on to who measures.
#pragma once

#include "reconcile/kind.h"

// Interval, counts, hold-down and sla.
int judging_parse(const json_t *json, struct reconcile_probe *p, struct err *err);

// "probe/home/bob" -> "home/bob"
const char *judging_link(const struct entry *e);

// key.c: the secret, of that kind, which the entry's packets are authenticated by: BODY_SECRET_SIZE
// bytes; NULL when there is none.
const uint8_t *key_of(const struct reconcile *r, const struct entry_kind *kind,
		      const struct entry *e);

// Hooks of an entry kind. What comes of the measuring is observed as link/…, by who measures.
int judging_compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err);
int judging_compare_nothing(struct reconcile *r, const struct entry *e, struct finding *f,
			    struct err *err);
int judging_nothing_to_sweep(struct reconcile *r, struct err *err);
json_t *judging_observe_nothing(struct reconcile *r, const struct entry *e);

// reconcile_each_probe() of one kind.
void probe_each(const struct reconcile *r, reconcile_probe_fn *each, void *context);
void echo_each(const struct reconcile *r, reconcile_probe_fn *each, void *context);

// How often a link ("home/bob") is probed; 0: not at all.
uint32_t probe_interval_ms(const struct reconcile *r, const char *link);

// The parts of reconcile_each_traffic.
void peer_each_traffic(const struct reconcile *r, reconcile_traffic_fn *each, void *context);
void echo_each_traffic(const struct reconcile *r, reconcile_traffic_fn *each, void *context);
