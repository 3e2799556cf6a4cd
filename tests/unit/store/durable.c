// What was acknowledged is there: after kill -9, and when the disk is full.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"

// Writes rows for ever and says each one's id after its commit.
static void write_until_killed(const char *db, int acks)
{
	struct store *store = NULL;
	if (store_open(NULL, db, &store, NULL) < 0)
		_exit(1);
	for (int64_t id = 1;; id++) {
		if (store_transact_sync(store, NULL, insert_node, &id, NULL) != STORE_OK ||
		    write(acks, &id, sizeof id) != (ssize_t)sizeof id)
			_exit(1);
	}
}

static void test_kill_loses_nothing_acknowledged(void **state)
{
	const struct scratch *s = *state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(ends[0]);
		write_until_killed(s->db, ends[1]);
	}
	(void)close(ends[1]);
	int64_t last = 0;
	int64_t id = 0;
	// Killed at no chosen point, once it is under way; what the pipe still holds was
	// acknowledged too.
	while (read(ends[0], &id, sizeof id) == (ssize_t)sizeof id) {
		last = id;
		if (id == 50)
			(void)kill(pid, SIGKILL);
	}
	(void)close(ends[0]);
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(last >= 50);
	struct store *store = scratch_open(s);
	int64_t count = count_nodes(store);
	// The one whose acknowledgement was cut off may be there as well.
	assert_true(count == last || count == last + 1);
	store_free(store);
}

static char filler[32 * 1024];

static int put_secret(struct store_tx *tx, void *arg, struct err *err)
{
	int r = insert_node(tx, arg, err);
	if (r < 0)
		return r;
	r = store_exec(tx, SQL_SECRET_PUT,
		       STORE_PARAMS(store_int(*(const int64_t *)arg),
				    store_blob(filler, sizeof filler), store_int(1)),
		       err);
	return r < 0 ? r : 0;
}

// Fills the disk; then what was acknowledged is readable, and writing works again once there is
// room.
static int fill_disk(const struct scratch *s)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", s->dir, "tmpfs", 0, "size=1m") < 0)
		return 77;
	struct store *store = NULL;
	struct err err = { 0 };
	enum store_result result = STORE_OK;
	int64_t id = 0;
	if (store_open(NULL, s->db, &store, &err) < 0)
		return 1;
	while (result == STORE_OK && id < 100) {
		id++;
		result = store_transact_sync(store, NULL, put_secret, &id, &err);
	}
	if (result != STORE_FAILED || err.code != -ENOSPC || !strstr(err.text, "disk is full"))
		return 2;
	if (count_nodes(store) != id - 1)
		return 3;
	if (mount("none", s->dir, "tmpfs", MS_REMOUNT, "size=8m") < 0)
		return 4;
	if (store_transact_sync(store, NULL, put_secret, &id, &err) != STORE_OK)
		return 5;
	store_free(store);
	store = scratch_open(s);
	int code = count_nodes(store) == id ? 0 : 6;
	store_free(store);
	return code;
}

// A file system that was mounted read-only: one sentence, and the database as it was.
static int open_read_only(const struct scratch *s)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", s->dir, "tmpfs", 0, "size=8m") < 0)
		return 77;
	store_free(scratch_open(s));
	if (mount("none", s->dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return 1;
	struct store *store = NULL;
	struct err err = { 0 };
	if (store_open(NULL, s->db, &store, &err) != -EROFS || store)
		return 2;
	return strstr(err.text, "Read-only file system") ? 0 : 3;
}

static void in_child(int (*fn)(const struct scratch *), const struct scratch *s)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(s));
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); // no right to mount here
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_full_disk(void **state)
{
	in_child(fill_disk, *state);
}

static void test_read_only_disk(void **state)
{
	in_child(open_read_only, *state);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kill_loses_nothing_acknowledged),
		TEST(test_full_disk),
		TEST(test_read_only_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
