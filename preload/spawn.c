/* posix_spawn, and what libc builds on its own one: system and popen would start the shell with the program's environment, which
 * hides the library from the shell's children. So they are written anew here, on ours. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/shim.h"

static int spawn_with(const struct spawn *s, pid_t *pid, char *const env[])
{
	if (s->search)
		return NEXT(posix_spawnp) ? NEXT(posix_spawnp)(pid, s->file, s->actions, s->attr, s->argv, env) : ENOSYS;
	return NEXT(posix_spawn) ? NEXT(posix_spawn)(pid, s->file, s->actions, s->attr, s->argv, env) : ENOSYS;
}

int spawn_image(const struct spawn *s)
{
	struct dress d = dress_plan(s->env, AT_FDCWD, s->file, s->search);
	char *mapped = dress_map(&d);
	bool dressed = d.room && !d.fault && (mapped || d.room <= DRESS_MOST);
	uint64_t token = d.fault ? NO_POSITION : TELL(WIRE_SPAWN, .fd = -1, .text = s->file, .len = word_len(s->file));
	pid_t pid = 0; /* the caller's may be NULL */
	int rc = spawn_with(s, &pid, dressed ? dress(&d, mapped ? mapped : __builtin_alloca(d.room), token) : s->env);

	if (rc == E2BIG && dressed && d.add) /* ours may have been too much */
		rc = spawn_with(s, &pid, s->env);
	dress_unmap(&d, mapped);
	if (!rc && s->pid)
		*s->pid = pid;
	if (token != NO_POSITION)
		TELL(WIRE_SPAWNED, .fd = -1, .value = rc ? -rc : pid, .extra = token);
	return rc;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		       char *const argv[], char *const env[])
{
	return spawn_image(&(struct spawn){pid, path, actions, attr, argv, env, false});
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
			char *const argv[], char *const env[])
{
	return spawn_image(&(struct spawn){pid, file, actions, attr, argv, env, true});
}

/* ---- the shell ---- */

struct shell {
	pid_t pid;
	const char *command;
	posix_spawn_file_actions_t *actions; /* NULL: none */
	posix_spawnattr_t *attr;
};

/** Not a command that the shell takes for an option: some versions of libc have "--" in front of it, others not. */
static bool ordinary(const char *command)
{
	return shim.known && command && *command != '-' && *command != '+';
}

static int spawn_shell(struct shell *s)
{
	const char *argv[] = {"sh", "-c", s->command, NULL};

	return spawn_image(&(struct spawn){&s->pid, "/bin/sh", s->actions, s->attr, (char *const *)(uintptr_t)argv, environ, false});
}

/** Until it has ended, whatever signals come. @return 0 or -errno. */
static long wait_for(pid_t pid, int *status)
{
	long rc;

	do
		rc = sys(SYS_wait4, pid, status, 0, NULL);
	while (rc == -EINTR);
	return rc < 0 ? rc : 0;
}

/* ---- system(3) ---- */

/* As the kernel has it (arch/x86/include/uapi/asm/signal.h). The whole is read and put back, libc's trampoline in it. */
struct kernel_action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};
enum { MASK_SIZE = sizeof(uint64_t) };
#define SIGNAL_BIT(sig) (UINT64_C(1) << ((sig) - 1))

static void set_action(int sig, const struct kernel_action *new, struct kernel_action *old)
{
	sys(SYS_rt_sigaction, sig, new, old, MASK_SIZE);
}

/** SIGINT and SIGQUIT are ignored as long as any thread is in system(3). */
static struct {
	_Atomic int users;
	struct kernel_action interrupt, quit;
} ignoring;

static void ignore(bool save)
{
	static const struct kernel_action ignored = {.handler = (void *)1 /* SIG_IGN */};

	set_action(SIGINT, &ignored, save ? &ignoring.interrupt : NULL);
	set_action(SIGQUIT, &ignored, save ? &ignoring.quit : NULL);
}

static void ignore_begin(void)
{
	if (atomic_fetch_add(&ignoring.users, 1) == 0)
		ignore(true);
}

/** The last one gives back *before* it says that it is gone, so that nobody saves what it has set. One who has come meanwhile gets them
 *  ignored again. */
static void ignore_end(void)
{
	int users = atomic_load(&ignoring.users);

	for (;;) {
		bool last = users == 1;

		if (last) {
			set_action(SIGINT, &ignoring.interrupt, NULL);
			set_action(SIGQUIT, &ignoring.quit, NULL);
		}
		if (atomic_compare_exchange_strong(&ignoring.users, &users, users - 1))
			return;
		if (last)
			ignore(false);
	}
}

static bool shell_attr(posix_spawnattr_t *attr, uint64_t mask)
{
	sigset_t before = {0}, defaults = {0};
	uint64_t set = 0;

	if (!NEXT(posix_spawnattr_init) || !NEXT(posix_spawnattr_setsigmask) || !NEXT(posix_spawnattr_setsigdefault) ||
	    !NEXT(posix_spawnattr_setflags) || !NEXT(posix_spawnattr_destroy) || NEXT(posix_spawnattr_init)(attr))
		return false;
	if (ignoring.interrupt.handler != (void *)1)
		set |= SIGNAL_BIT(SIGINT);
	if (ignoring.quit.handler != (void *)1)
		set |= SIGNAL_BIT(SIGQUIT);
	word_put((char *)&before, (const char *)&mask, sizeof mask); /* the first words of libc's set are the kernel's */
	word_put((char *)&defaults, (const char *)&set, sizeof set);
	NEXT(posix_spawnattr_setsigmask)(attr, &before);
	NEXT(posix_spawnattr_setsigdefault)(attr, &defaults);
	NEXT(posix_spawnattr_setflags)(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return true;
}

/** What glibc's does, but for one thing: a thread that is cancelled meanwhile goes on waiting for its shell. */
EXPORT int system(const char *command)
{
	struct shell shell = {.command = command};
	uint64_t block = SIGNAL_BIT(SIGCHLD), mask = 0;
	posix_spawnattr_t attr;
	int status = -1;
	long rc;

	if (!ordinary(command))
		return NEXT(system) ? NEXT(system)(command) : libc_result(-ENOSYS);
	ignore_begin();
	sys(SYS_rt_sigprocmask, SIG_BLOCK, &block, &mask, MASK_SIZE);
	shell.attr = shell_attr(&attr, mask) ? &attr : NULL;
	rc = -spawn_shell(&shell);
	if (shell.attr)
		NEXT(posix_spawnattr_destroy)(&attr);
	if (rc)
		status = 127 << 8; /* as if the shell had not begun; errno says why */
	else
		rc = wait_for(shell.pid, &status);
	ignore_end();
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, MASK_SIZE);
	if (rc)
		*__errno_location() = (int)-rc;
	return rc == -ECHILD ? -1 : status;
}

/* ---- popen(3), pclose(3) ---- */

/* Streams whose shell we have started. One that finds no room is libc's own; so is one that only libc knows. */
enum { STREAMS = 64 };
static struct stream {
	FILE *_Atomic file;
	int fd;
	pid_t pid;
} streams[STREAMS];

static struct stream *stream_of(FILE *file)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (atomic_load(&streams[i].file) == file)
			return &streams[i];
	return NULL;
}

/** A place of one's own: nobody else looks at TAKEN. */
#define TAKEN ((FILE *)1)
static struct stream *stream_new(void)
{
	for (size_t i = 0; i < STREAMS; i++) {
		FILE *none = NULL;

		if (atomic_compare_exchange_strong(&streams[i].file, &none, TAKEN))
			return &streams[i];
	}
	return NULL;
}

/** The shell gets none of the other streams' pipes (POSIX.1-2017, popen). */
static int close_others(posix_spawn_file_actions_t *actions, int childs)
{
	int rc = 0;

	for (size_t i = 0; i < STREAMS && !rc; i++) {
		FILE *f = atomic_load(&streams[i].file);

		if (f && f != TAKEN && streams[i].fd != childs)
			rc = NEXT(posix_spawn_file_actions_addclose)(actions, streams[i].fd);
	}
	return rc;
}

static int start_shell(struct stream *s, const char *command, int theirs, int childs)
{
	struct shell shell = {.command = command};
	posix_spawn_file_actions_t actions;
	int rc = NEXT(posix_spawn_file_actions_init)(&actions);

	if (rc)
		return rc;
	shell.actions = &actions;
	rc = close_others(&actions, childs);
	if (!rc)
		rc = NEXT(posix_spawn_file_actions_adddup2)(&actions, theirs, childs);
	if (!rc)
		rc = spawn_shell(&shell);
	NEXT(posix_spawn_file_actions_destroy)(&actions);
	s->pid = shell.pid;
	return rc;
}

static bool popen_ours(void)
{
	return NEXT(fdopen) && NEXT(fclose) && NEXT(posix_spawn_file_actions_init) &&
	       NEXT(posix_spawn_file_actions_addclose) && NEXT(posix_spawn_file_actions_adddup2) &&
	       NEXT(posix_spawn_file_actions_destroy);
}

struct mode {
	bool read, write, cloexec;
};
static bool read_mode(const char *s, struct mode *m)
{
	*m = (struct mode){0};
	for (; *s; s++) {
		if (*s == 'r')
			m->read = true;
		else if (*s == 'w')
			m->write = true;
		else if (*s == 'e')
			m->cloexec = true;
		else
			return false;
	}
	return m->read != m->write;
}

/** @return 0 or an errno. */
static int popen_into(struct stream *s, const char *command, const struct mode *m, FILE **out)
{
	int ends[2], rc = (int)-sys(SYS_pipe2, ends, O_CLOEXEC);

	if (rc)
		return rc;

	int ours = m->read ? ends[0] : ends[1], theirs = m->read ? ends[1] : ends[0], childs = m->read ? 1 : 0;
	FILE *f = NEXT(fdopen)(ours, m->read ? "r" : "w");

	if (!f) {
		rc = *__errno_location();
		sys(SYS_close, ours);
	} else {
		/* descriptor 0 or 1 may be closed here; dup2 onto itself clears FD_CLOEXEC in a spawn (posix_spawn(3)) */
		rc = start_shell(s, command, theirs, childs);
	}
	sys(SYS_close, theirs);
	if (f && rc)
		NEXT(fclose)(f);
	if (rc)
		return rc;
	if (!m->cloexec)
		sys(SYS_fcntl, ours, F_SETFD, 0);
	s->fd = ours;
	*out = f;
	return 0;
}

EXPORT FILE *popen(const char *command, const char *type)
{
	struct stream *s = ordinary(command) && popen_ours() ? stream_new() : NULL;
	struct mode mode;
	FILE *f = NULL;
	int rc;

	if (!s)
		return NEXT(popen) ? NEXT(popen)(command, type) : NULL;
	rc = read_mode(type, &mode) ? popen_into(s, command, &mode, &f) : EINVAL;
	atomic_store(&s->file, f);
	if (rc)
		*__errno_location() = rc;
	return f;
}

EXPORT int pclose(FILE *file)
{
	struct stream *s = file ? stream_of(file) : NULL;
	int status;
	long rc;

	if (!s)
		return NEXT(pclose) ? NEXT(pclose)(file) : libc_result(-ENOSYS);

	pid_t pid = s->pid;

	atomic_store(&s->file, NULL); /* before the stream is free for another popen */
	NEXT(fclose)(file);
	rc = wait_for(pid, &status);
	return rc ? libc_result(rc) : status;
}

/** glibc's waits for the shell here, too, when somebody closes such a stream by the wrong name; a stream that is forgotten would be
 *  taken for a later one at the same address. */
EXPORT int fclose(FILE *file)
{
	struct stream *s = file ? stream_of(file) : NULL;

	if (s)
		return pclose(file);
	return NEXT(fclose)(file);
}
