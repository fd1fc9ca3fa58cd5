/* Will a command load a library that is preloaded? Static, 32-bit and privileged programs don't, ld.so(8). */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hear/hear.h"

/* The kernel follows interpreters of interpreters so far (BINPRM_BUF_SIZE and exec_binprm() in fs/exec.c). */
enum { LINE_MOST = 256, DEPTH_MOST = 5 };

/** The file that execvp(3) would take: a path as it is, a name from PATH. */
static bool find_command(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/'))
		return (size_t)snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	for (const char *dir = dirs ? dirs : "/bin:/usr/bin"; dir;) {
		const char *end = strchrnul(dir, ':');
		int n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)(end - dir), dir, end > dir ? "/" : "", name);

		if (n > 0 && n < PATH_MAX && access(path, X_OK) == 0)
			return true;
		dir = *end ? end + 1 : NULL;
	}
	return false;
}

/** The interpreter of a script's first line. False: it is none. */
static bool interpreter_of(int fd, char path[PATH_MAX])
{
	char line[LINE_MOST + 1];
	ssize_t n = pread(fd, line, LINE_MOST, 0);

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';

	const char *word = line + 2 + strspn(line + 2, " \t");
	size_t len = strcspn(word, " \t");

	snprintf(path, PATH_MAX, "%.*s", (int)len, word);
	return len > 0;
}

static const char other_machine[] = "it is a program of another architecture";

static const char *judge_elf(int fd)
{
	const char *reason = "it is a static program";
	Elf *elf = elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	GElf_Ehdr head;
	size_t n = 0;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &head)) {
		reason = "it is no program of this machine";
	} else if (gelf_getclass(elf) != ELFCLASS64 || head.e_machine != EM_X86_64) {
		reason = other_machine;
	} else if (elf_getphdrnum(elf, &n) == 0) {
		for (size_t i = 0; i < n && i < INT_MAX; i++) {
			GElf_Phdr part;

			if (gelf_getphdr(elf, (int)i, &part) && part.p_type == PT_INTERP)
				reason = NULL;
		}
	}
	if (elf)
		elf_end(elf);
	return reason;
}

/** Who gains privileges by exec runs in secure mode, where the loader takes no library from a path (ld.so(8)). */
static bool gains_privileges(const char *path, const struct stat *st)
{
	if (geteuid() == 0)
		return false;
	return (st->st_mode & S_ISUID && st->st_uid != geteuid()) || (st->st_mode & S_ISGID && st->st_gid != getegid()) ||
	       getxattr(path, "security.capability", NULL, 0) > 0;
}

bool hear_can_enter(const char *command, const char **reason)
{
	char path[PATH_MAX];

	*reason = "it can't be read";
	if (!find_command(command, path))
		return false;
	for (int depth = 0; depth < DEPTH_MOST; depth++) {
		struct stat st;
		OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			return false;
		if (interpreter_of(fd, path))
			continue;
		*reason = gains_privileges(path, &st) ? "it runs with privileges of its own" : judge_elf(fd);
		return !*reason;
	}
	return false;
}

bool hear_disturbs(const char *command)
{
	const char *reason;

	return !hear_can_enter(command, &reason) && reason == other_machine;
}
