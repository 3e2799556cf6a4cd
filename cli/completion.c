// Shell completion. The script holds only how to ask: it hands the words typed so far to `weft
// __complete`, which answers from the verb table, so that a script once installed fits every later
// version.
#include <string.h>

#include "cli/usage.h"

static const char bash_script[] =
	"# bash completion for weft; made by `weft completion bash`\n"
	"_weft()\n"
	"{\n"
	"\tlocal words current=${COMP_WORDS[COMP_CWORD]}\n"
	"\twords=$(weft __complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null) || return\n"
	"\tif [ \"$words\" = @file ]; then\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	"\telse\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	"\tfi\n"
	"}\n"
	"complete -F _weft weft\n";

static const char zsh_script[] =
	"#compdef weft\n"
	"# zsh completion for weft; made by `weft completion zsh`\n"
	"_weft()\n"
	"{\n"
	"\tlocal answer\n"
	"\tanswer=$(weft __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null) || return 1\n"
	"\tif [[ $answer == @file ]]; then\n"
	"\t\t_files\n"
	"\telse\n"
	"\t\tcompadd -- ${(f)answer}\n"
	"\tfi\n"
	"}\n"
	"if [ \"$funcstack[1]\" = _weft ]; then\n"
	"\t_weft \"$@\"\n"
	"else\n"
	"\tcompdef _weft weft\n"
	"fi\n";

void usage_completion(struct text *t, const char *shell)
{
	text_add(t, strcmp(shell, "zsh") == 0 ? zsh_script : bash_script);
}
