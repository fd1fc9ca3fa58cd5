/* Our variables out of the program's environment, as if they had never been there: `environ`, /proc/self/environ, and what lies behind
 * the array. */
#include <elf.h>
#include <unistd.h>

#include "preload/shim.h"

/** The user's part of "NAME=their text:OURS" or of "NAME=OURS". */
static bool cut_ours(const char *s, size_t name, size_t len, const char *ours, size_t *users)
{
	size_t n = word_len(ours);

	if (!word_ends(s + name, len - name, ours))
		return false;
	if (len - name == n)
		*users = 0;
	else if (s[len - n - 1] == ':')
		*users = len - n - 1;
	else
		return false;
	return true;
}

enum own own_part(const char *s, size_t *users)
{
	static const char preload[] = "LD_PRELOAD=", asan[] = "ASAN_OPTIONS=", own[] = WIRE_VARIABLE "=";

	*users = 0;
	if (*s != 'L' && *s != 'A' && *s != *own) /* most of them, and at a glance */
		return OWN_NONE;
	if (word_begins(s, own))
		return OWN_SHIM;
	if (word_begins(s, WIRE_PADDING))
		return OWN_PAD;
	if (word_begins(s, preload) && cut_ours(s, sizeof preload - 1, word_len(s), shim.library, users))
		return OWN_PRELOAD;
	if (word_begins(s, asan) && cut_ours(s, sizeof asan - 1, word_len(s), WIRE_ASAN, users))
		return OWN_ASAN;
	return OWN_NONE;
}

/** Does each string begin behind the NUL of the one before, as the kernel lays them out (create_elf_tables() in fs/binfmt_elf.c)? */
static bool dense(char *const *env)
{
	for (; env[0] && env[1]; env++)
		if (env[1] <= env[0] || env[1][-1])
			return false;
	return true;
}

/** The variable that has to stay when their number is odd: the gap must hold whole pairs. */
static char *left_over(char *const *env)
{
	char *stays = NULL;
	enum own best = OWN_NONE;
	size_t users;
	bool odd = false;

	for (; *env; env++) {
		enum own own = own_part(*env, &users);

		if (own == OWN_NONE || users)
			continue;
		odd = !odd;
		if (!stays || own == OWN_PAD || (own == OWN_ASAN && best != OWN_PAD)) {
			stays = *env;
			best = own;
		}
	}
	return odd ? stays : NULL;
}

/** Strings that stay move down over those that go, so that /proc/self/environ has no holes (proc_pid_environ(5) shows the memory
 *  as it was laid out at exec). */
static char *move_down(char *to, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = s[i];
	to[len] = '\0';
	return to + len + 1;
}

void hide(bool on_stack)
{
	char **in = environ, **out = environ;

	if (!in)
		return;

	const char *stays = on_stack ? left_over(in) : NULL;
	char *to = on_stack && dense(in) ? *in : NULL;

	for (; *in; in++) {
		/* where they are dense nobody has to count: that is most of the work here */
		size_t users, len = to && in[1] ? (size_t)(in[1] - *in) - 1 : word_len(*in);
		char *s = *in, *end = s + len;
		enum own own = s == stays ? OWN_NONE : own_part(s, &users);

		if (own != OWN_NONE)
			len = users;
		if (own == OWN_NONE || users) {
			*out++ = to ? to : s;
			if (to && to != s)
				to = move_down(to, s, len);
			else if (to)
				to = s + len + 1;
			out[-1][len] = '\0';
		}
		if (to && !in[1]) /* the last one */
			for (; to <= end; to++)
				*to = '\0';
	}
	if (!on_stack) {
		*out = NULL;
		return;
	}
	/* The auxiliary vector is looked for behind the NULL (Go's runtime does): pairs that say nothing fill the gap (getauxval(3)). */
	for (*out++ = NULL; out < in; out += 2) {
		out[0] = (char *)AT_IGNORE;
		out[1] = NULL;
	}
}
