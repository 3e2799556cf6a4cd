// What nodes' weft-dns count, as metrics: by outcome, upstream and list, never by client or name.
// Pure.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "rest/metrics_labels.h"
#include "rest/metrics_page.h"

// Puts the sample of one key on the page; false: it is nothing of DNS.
bool metrics_put_dns(struct page *page, const struct subject *node, const char *key,
		     const json_t *fields);
