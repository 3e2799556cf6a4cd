#!/usr/bin/env bash
# 50-ipv6 over an Internet that delays by 20 ms each way and loses 1 %.
WEFT_NETEM="delay 20ms loss 1%" exec "$(dirname "$0")/../netns/50-ipv6.sh"
