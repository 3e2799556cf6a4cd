#include "proxy/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_init(struct mailbox *box)
{
	box->first = NULL;
	box->last = &box->first;
	(void)pthread_mutex_init(&box->lock, NULL);
	box->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return box->event < 0 ? -errno : 0;
}

void mailbox_done(struct mailbox *box)
{
	for (struct letter *letter = mailbox_take(box), *next; letter; letter = next) {
		next = letter->next;
		letter_free(letter);
	}
	(void)close(box->event);
	(void)pthread_mutex_destroy(&box->lock);
}

void mailbox_post(struct mailbox *box, struct letter *letter)
{
	letter->next = NULL;
	(void)pthread_mutex_lock(&box->lock);
	const bool was_empty = !box->first;
	*box->last = letter;
	box->last = &letter->next;
	(void)pthread_mutex_unlock(&box->lock);
	if (was_empty)
		(void)eventfd_write(box->event, 1);
}

struct letter *mailbox_take(struct mailbox *box)
{
	eventfd_t count;
	(void)eventfd_read(box->event, &count);
	(void)pthread_mutex_lock(&box->lock);
	struct letter *first = box->first;
	box->first = NULL;
	box->last = &box->first;
	(void)pthread_mutex_unlock(&box->lock);
	return first;
}

struct letter *letter_new(enum letter_kind kind)
{
	struct letter *letter = calloc(1, sizeof(*letter));
	if (letter)
		letter->kind = kind;
	return letter;
}

void letter_free(struct letter *letter)
{
	if (!letter)
		return;
	proxy_config_release(letter->config);
	free(letter->name);
	json_decref(letter->rows);
	free(letter);
}
