// Messages to weft-sets, which holds a right that their senders have not: whatever is taken as one
// makes a batch for sets of Weft alone, within its room. And the kernel's answers.
#include <stdlib.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/policy_sets_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(8) char batch[POLICY_SETS_BATCH_SIZE];
static _Alignas(8) uint8_t message[SETS_MESSAGE_SIZE];

static void put_in_force(const struct sets_record *records, size_t count)
{
	char name[SETS_NAME_SIZE];
	struct sets_record again;
	if (policy_sets_build(batch, records, count) > sizeof(batch))
		abort();
	for (size_t i = 0; i < count; i++) {
		sets_name(&records[i], name);
		if (records[i].kind == SETS_QUIC ? strncmp(name, "quic_", 5) != 0
						 : !sets_name_read(name, &again))
			abort();
	}
}

static int take(void *context, const struct sets_record *record)
{
	struct sets_head head = { 1, SETS_CHANGE, 1 };
	uint8_t one[sizeof(head) + sizeof(*record)];
	(void)context;
	memcpy(one, &head, sizeof(head));
	memcpy(one + sizeof(head), record, sizeof(*record));
	// What was read could be written, times that are nearly over apart.
	if (record->timeout_ms >= 1000 && !sets_message_is_good(one, sizeof(one)))
		abort();
	return 0;
}

static void read_answer(size_t size)
{
	const struct nlmsghdr *nlh;
	struct sets_record set = { .kind = SETS_LIST, .family = 6, .list = 7 };
	for (size_t at = 0; (nlh = message_next(message, size, &at));) {
		(void)policy_sets_elements_parse(nlh, &set, take, NULL);
		(void)policy_sets_table_parse(nlh);
		(void)policy_sets_name_parse(nlh, &set);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sets_head head;
	if (size > sizeof(message))
		return 0;
	memcpy(message, data, size);
	if (!sets_message_is_good(message, size)) {
		read_answer(size);
		return 0;
	}
	memcpy(&head, message, sizeof(head));
	if (head.count > 0)
		put_in_force((const struct sets_record *)(const void *)(message + sizeof(head)),
			     head.count);
	return 0;
}
