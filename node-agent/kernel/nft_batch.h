// Messages of nf_tables, alone and as batches: transactions of the kernel's. Pure.
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

// A message of nf_tables' `type` for a family of tables (NFPROTO_INET), its attributes to be put
// behind it.
struct nlmsghdr *nft_message_put(void *at, uint16_t type, uint16_t flags, uint8_t family);

struct nft_batch {
	char *at;
	size_t len;
	struct nlmsghdr *last; // that changes something
};

// Begins one in memory that is aligned to 4 and has room for what is to come.
struct nft_batch nft_batch_begin(void *buf);
// The place of the next message, and its end once it is whole.
struct nlmsghdr *nft_batch_put(struct nft_batch *batch, uint16_t type, uint16_t flags,
			       uint8_t family);
void nft_batch_close(struct nft_batch *batch, struct nlmsghdr *nlh);
// Ends the batch, which has a message; returns its length. It is answered once, when all of it is
// in force; what fails is answered in any case.
size_t nft_batch_end(struct nft_batch *batch);
