// check, backup, restore.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#include "backup/backup.h"
#include "program.h"

static void told(void *arg, const char *what, const char *fault)
{
	(void)arg;
	if (fault)
		printf("FAULT %s: %s\n", what, fault);
	else
		printf("ok    %s\n", what);
}

int command_check(struct program *program, const char *const *words, struct err *err)
{
	(void)words;
	int r = contract_load(&program->contract, err);
	if (r < 0)
		return r;
	const struct check_options options = {
		.state_dir = program->settings.state_dir,
		.schema = program->contract.schema,
		.vxlan_port = (int)program->settings.vxlan_port,
		.wireguard_port = (int)program->settings.wireguard_port,
		.probe_port = (int)program->settings.probe_port,
		.ha_port = (int)program->settings.ha_port,
		.numbers = program->settings.numbers,
		.now = clock_wall_ms() / 1000,
		.told = told,
	};
	r = backup_check(&options, err);
	contract_done(&program->contract);
	(void)fflush(stdout);
	return r > 0 ? err_set(err, -EUCLEAN, "%d %s in %s", r, r == 1 ? "fault" : "faults",
			       program->settings.state_dir)
		     : r;
}

int command_backup(struct program *program, const char *const *words, struct err *err)
{
	return backup_write(program->settings.state_dir, program->config, words[0], err);
}

int command_restore(struct program *program, const char *const *words, struct err *err)
{
	bool replace = words[1] && strcmp(words[1], "--replace") == 0;
	struct backup_info info;
	CLEAN(free_ptr) char *aside = NULL;
	if (words[1] && !replace)
		return err_set(err, -EINVAL, "restore knows no `%s`, only --replace", words[1]);
	int r = file_make_dirs(program->settings.state_dir, 0700, err);
	if (r == 0)
		r = program_lock_state(program, err);
	if (r == 0)
		r = backup_restore(words[0], program->settings.state_dir, replace, &aside, &info,
				   err);
	if (aside)
		printf("the state before is in %s\n", aside);
	if (r < 0)
		return r;
	printf("restored the backup of %s, made by version %s\n"
	       "nodes look for the controller where they knew it last; this one will tell them: ",
	       info.created, info.version);
	for (size_t i = 0; i < program->settings.advertise.len; i++)
		printf("%s%s", i ? ", " : "", program->settings.advertise.items[i]);
	printf(" (`advertise` in the settings)\n"
	       "the settings it ran with are in %s/controller.yaml, to compare with %s\n",
	       program->settings.state_dir, program->config);
	return 0;
}
