/* The environment of an image to come: the user's strings as they are, ours behind them. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "preload/shim.h"

static const char PRELOAD[] = "LD_PRELOAD=", ASAN[] = "ASAN_OPTIONS=";

/** Does the loader that is going to run want another kind of library? It would complain on stderr. Unreadable: let it be. */
static bool same_kind(int fd)
{
	Elf64_Ehdr head;

	if (sys(SYS_pread64, fd, &head, sizeof head, 0) != sizeof head || !word_same((const char *)head.e_ident, ELFMAG, SELFMAG))
		return true; /* a script: its interpreter is taken for one of ours */
	return head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_machine == EM_X86_64;
}

static long open_file(int fd, const char *file)
{
	return sys(SYS_openat, fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static long open_in_path(const char *file)
{
	const char *path = "/bin:/usr/bin"; /* execvp(3) */
	size_t len = word_len(file);

	for (char **e = environ; e && *e; e++)
		if (word_begins(*e, "PATH=")) {
			path = *e + 5;
			break;
		}
	for (;;) {
		char name[512], *end;
		size_t n = 0;

		while (path[n] && path[n] != ':')
			n++;
		if (n + len + 2 <= sizeof name) {
			end = word_put(name, path, n);
			if (n)
				*end++ = '/';
			*word_put(end, file, len) = '\0';

			long fd = open_file(AT_FDCWD, name);

			if (fd >= 0)
				return fd;
		}
		if (!path[n])
			return -1;
		path += n + 1;
	}
}

static bool has_slash(const char *s)
{
	while (*s && *s != '/')
		s++;
	return *s == '/';
}

static bool suits(int fd, const char *file, bool search, bool *fault)
{
	long opened;
	bool same;

	if (!file)
		return true;
	if (!*file)
		return fd < 0 || same_kind(fd);
	opened = search && !has_slash(file) ? open_in_path(file) : open_file(fd, file);
	*fault = opened == -EFAULT;
	if (opened < 0)
		return true;
	same = same_kind((int)opened);
	sys(SYS_close, opened);
	return same;
}

/** access(2) asks for the real user, who is the effective one wherever a loader heeds LD_PRELOAD (ld.so(8), secure execution); unlike
 *  open(2) it needs no free descriptor. */
static bool library_there(void)
{
	return !sys(SYS_access, shim.library, R_OK);
}

struct dress dress_plan(char *const env[], int fd, const char *file, bool search)
{
	struct dress d = {.env = env, .add = shim.known};
	size_t users, texts = 0;
	bool ours = false;

	d.fault = wild(env) || wild(file);
	if (d.fault)
		return d;
	for (; env && env[d.n]; d.n++) {
		const char *s = env[d.n];

		if (own_part(s, &users) != OWN_NONE)
			ours = true;
		else if (*s != 'L' && *s != 'A')
			continue;
		if (word_begins(s, "LD_TRACE_LOADED_OBJECTS=")) /* ldd(1) */
			d.add = false;
		if (word_begins(s, PRELOAD) || word_begins(s, ASAN))
			texts += word_len(s);
	}
	d.add = d.add && library_there() && suits(fd, file, search, &d.fault);
	if (d.add || ours)
		d.room = (d.n + 5) * sizeof *env + texts + sizeof PRELOAD + sizeof ASAN + sizeof WIRE_ASAN + sizeof WIRE_VARIABLE +
			 3 * WIRE_PATH_MOST + 64;
	return d;
}

/** "NAME=" with the user's TEXT of LEN bytes, NULL for none, and ours behind it. */
static char *joined(char **mem, const char *user, size_t len, const char *name, const char *ours)
{
	char *start = *mem, *at = start;

	if (user) {
		at = word_put(at, user, len);
		*at++ = ':';
	} else {
		at = word_put(at, name, word_len(name));
	}
	at = word_put(at, ours, word_len(ours) + 1);
	*mem = at;
	return start;
}

static bool elsewhere(void)
{
	pid_t pid = (pid_t)sys(SYS_getpid);

	return shim.elsewhere || (pid != shim.pid && other_space(pid));
}

static char *shim_variable(char **mem, uint64_t token)
{
	char *start = *mem, *at = word_put(start, WIRE_VARIABLE "=", sizeof WIRE_VARIABLE);

	at = word_put(at, shim.events, word_len(shim.events));
	*at++ = ':';
	at = word_put(at, shim.library, word_len(shim.library));
	*at++ = ':';
	if (token == NO_POSITION)
		*at++ = elsewhere() ? 'x' : '-';
	else
		at = word_hex(at, token);
	*at++ = '\0';
	*mem = at;
	return start;
}

char **dress(const struct dress *d, char *mem, uint64_t token)
{
	char **env = (char **)mem, **out = env, **preload = NULL, **asan = NULL;

	mem += (d->n + 5) * sizeof *env;
	for (size_t i = 0; i < d->n; i++) {
		char *s = d->env[i];
		size_t len;
		enum own own = own_part(s, &len);

		if (own != OWN_NONE && !len)
			continue;
		if (own != OWN_NONE) {
			char *cut = mem;

			mem = word_put(mem, s, len);
			*mem++ = '\0';
			s = cut;
		}
		if (word_begins(s, PRELOAD))
			preload = out; /* of several the loader takes the last, ... */
		else if (!asan && word_begins(s, ASAN))
			asan = out; /* ... and the sanitizer the first */
		*out++ = s;
	}
	if (d->add) {
		if (preload)
			*preload = joined(&mem, *preload, word_len(*preload), PRELOAD, shim.library);
		else
			*out++ = joined(&mem, NULL, 0, PRELOAD, shim.library);
		if (asan)
			*asan = joined(&mem, *asan, word_len(*asan), ASAN, WIRE_ASAN);
		else
			*out++ = joined(&mem, NULL, 0, ASAN, WIRE_ASAN);
		*out++ = shim_variable(&mem, token);
		if ((1 + !preload + !asan) % 2)
			*out++ = (char *)(uintptr_t)WIRE_PADDING;
	}
	*out = NULL;
	return env;
}
