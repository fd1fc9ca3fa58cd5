/* What git knows. It is asked by its own program; nothing is written, its optional locks are not taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "project/room.h"

#define GIT_LIMIT_NS (60 * NS_PER_S)

static int run_git(const struct project *p, const char *const *words, struct program_result *r, struct err *err)
{
	const char *argv[16] = {"git"}, *env[] = {"GIT_OPTIONAL_LOCKS=0", "LC_ALL=C", NULL};
	struct program program = {.argv = words_of_program(argv), .env = env, .folder = p->folder, .limit_ns = GIT_LIMIT_NS};

	for (size_t i = 0; words[i] && i + 2 < ARRAY_SIZE(argv); i++)
		argv[i + 1] = words[i];
	return program_run(&program, r, err);
}

bool git_is_commit(const struct project *p, const char *ref)
{
	OWNED_TEXT name = {0};
	struct program_result r = {0};

	text_addf(&name, "%s^{commit}", ref);

	const char *words[] = {"rev-parse", "--verify", "--quiet", "--end-of-options", text_str(&name), NULL};
	bool is = *ref && run_git(p, words, &r, NULL) == 0 && r.code == 0;

	program_result_free(&r);
	return is;
}

static void take_paths(const struct text *list, path_vec *out)
{
	const char *at = text_str(list), *end = at + list->n;

	for (; at < end; at += strlen(at) + 1)
		if (*at)
			vec_push(out, strcpy(mem_alloc(strlen(at) + 1), at));
}

static int ask_paths(const struct project *p, const char *const *words, path_vec *out, struct err *err)
{
	struct program_result r = {0};
	int rc = run_git(p, words, &r, err);

	if (!rc && r.code)
		rc = err_set(err, -EINVAL, "--changed: git %s: %.*s", words[0], (int)strcspn(text_str(&r.errors), "\n"), text_str(&r.errors));
	if (!rc)
		take_paths(&r.out, out);
	program_result_free(&r);
	return rc;
}

int git_changed(const struct project *p, const char *ref, path_vec *out, struct err *err)
{
	const char *diff[] = {"diff", "--name-only", "-z", "--relative", "--no-ext-diff", "--no-renames", ref, "--", NULL};
	const char *untracked[] = {"ls-files", "--others", "--exclude-standard", "-z", NULL};
	char git[PATH_MAX];
	int rc;

	if (!program_find("git", git, sizeof git))
		return err_set(err, -ENOENT, "--changed: there is no git in PATH; name the tests instead: tracewrap test TARGET");
	if (p->bare)
		return err_set(err, -EINVAL, "--changed: %s is a bare repository, without a working tree; go into a checkout of it", p->top);
	if (!p->git)
		return err_set(err, -EINVAL, "--changed: %s is in no git repository; name the tests instead: tracewrap test TARGET", p->folder);
	if (!git_is_commit(p, ref))
		return err_set(err, -EINVAL, "--changed: \"%s\" is no commit of %s; see git log", ref, p->top);
	rc = ask_paths(p, diff, out, err);
	return rc ? rc : ask_paths(p, untracked, out, err);
}
