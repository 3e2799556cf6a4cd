// The lists in weft-dns's configuration: zones, forwards, blocks, policies, views. Private to the
// configuration.
#pragma once

#include <jansson.h>

#include "dns/config.h"

int dns_config_zones(struct dns_config *config, const json_t *list, struct err *err);
int dns_config_forwards(struct dns_config *config, const json_t *list, struct err *err);
int dns_config_blocks(struct dns_config *config, const json_t *list, struct err *err);
int dns_config_policies(struct dns_config *config, const json_t *list, struct err *err);
int dns_config_views(struct dns_config *config, const json_t *list, struct err *err);

int dns_prefixes_parse(struct dns_prefixes *ret, const struct setting_list *list, struct err *err);
int dns_group_parse(struct dns_group *ret, const struct setting_list *list, struct err *err);
