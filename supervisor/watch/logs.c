/* What sits unread in the full pipes of a finding. It is copied by tee(2), which takes nothing out: the pipe and its blocked writer stay as they
 * are. The reading end is a duplicate of the reader's own (pidfd_getfd(2)), and is closed at once. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "watch/run.h"

enum { PIPES_MOST = 4, BYTES_MOST = 1 << 20, HEAD_LINES = 12, TAIL_LINES = 6, LINE_MOST = 400 };

/** FD is the pipe that the finding calls NAME: "pipe:[INODE]". */
static bool is_that_pipe(int fd, const char *name)
{
	char now[40];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return false;
	snprintf(now, sizeof now, "pipe:[%llu]", (unsigned long long)st.st_ino);
	return strcmp(now, name) == 0;
}

static void drain(int fd, struct text *out)
{
	char part[16384];
	ssize_t n;

	while (out->n < BYTES_MOST && (n = read(fd, part, sizeof part)) > 0)
		text_addn(out, part, (size_t)n);
}

/** @return whether anything could be copied. BYTES: all that is in it. */
static bool copy_pipe(pid_t pid, int fd, const char *name, struct text *out, uint64_t *bytes)
{
	OWNED_FD theirs = sys_copy_fd(pid, fd);
	int ends[2], unread = 0;

	if (theirs < 0 || !is_that_pipe(theirs, name) || ioctl(theirs, FIONREAD, &unread) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;

	OWNED_FD reads = ends[0];
	OWNED_FD writes = ends[1];

	(void)fcntl(writes, F_SETPIPE_SZ, fcntl(theirs, F_GETPIPE_SZ)); /* a smaller one takes less */
	if (tee(theirs, writes, INT_MAX, SPLICE_F_NONBLOCK) > 0)
		drain(reads, out);
	*bytes = (uint64_t)unread;
	return out->n > 0;
}

/* ---- what is shown of it ---- */

static size_t count_lines(const struct text *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->at[i] == '\n';
	return n + (t->n && t->at[t->n - 1] != '\n');
}

/** Its first and last lines; NULs, which would end it, as blanks. */
static const char *excerpt(struct text *t, struct arena *arena)
{
	size_t lines = count_lines(t), nth = 0;
	OWNED_TEXT out = {0};

	for (size_t i = 0; i < t->n; nth++) {
		const char *end = memchr(t->at + i, '\n', t->n - i);
		size_t len = end ? (size_t)(end - t->at) - i : t->n - i;
		bool shown = lines <= HEAD_LINES + TAIL_LINES + 1 || nth < HEAD_LINES || nth + TAIL_LINES >= lines;

		if (shown) {
			size_t from = out.n;

			text_addn(&out, t->at + i, len < LINE_MOST ? len : LINE_MOST);
			text_clean(out.at + from, out.n - from);
			text_add(&out, len > LINE_MOST ? "...\n" : "\n");
		} else if (nth == HEAD_LINES) {
			text_addf(&out, "    ... %zu more lines ...\n", lines - HEAD_LINES - TAIL_LINES);
		}
		i += len + (end != NULL);
	}
	return arena_strdup(arena, text_str(&out));
}

/* ---- */

/** The pipes that a task of F waits for room in. */
static bool is_full(const struct finding *f, size_t object)
{
	for (size_t i = 0; i < f->nblocked; i++)
		if (f->blocked[i].role == ROLE_FULL && f->blocked[i].object == (int)object)
			return true;
	return false;
}

static bool copy_object(const struct finding_object *o, struct text *out, uint64_t *bytes)
{
	for (size_t i = 0; i < o->nholders; i++)
		if (o->holders[i].ends & END_READ && copy_pipe(o->holders[i].pid, o->holders[i].fd, o->name, out, bytes))
			return true;
	return false;
}

static const char *write_file(struct run *r, const char *name, const struct text *t)
{
	char *file = arena_strdup(r->logs_arena, name);
	struct err err = {0};

	for (char *c = file; *c; c++) /* "pipe:[4711]" -> "pipe-4711.log" */
		*c = *c == ':' ? '-' : *c;

	const char *path = arena_printf(r->logs_arena, "pipe-%.*s.log", (int)strcspn(file + strlen("pipe-["), "]"), file + strlen("pipe-["));

	if (files_put(r, path, t, &err) == 0)
		return path;
	files_complain(r, &err);
	return NULL;
}

void logs_take(struct run *r)
{
	const struct finding *f = r->finding;

	arena_free(r->logs_arena);
	r->logs_arena = arena_new();
	r->logs = arena_array(r->logs_arena, PIPES_MOST, sizeof *r->logs);
	r->nlogs = 0;
	for (size_t i = 0; f && i < f->nobjects && r->nlogs < PIPES_MOST; i++) {
		const struct finding_object *o = &f->objects[i];
		OWNED_TEXT all = {0};
		uint64_t bytes = 0;

		if (o->kind != OBJECT_PIPE || strncmp(o->name, "pipe:[", 6) != 0 || !is_full(f, i) || !copy_object(o, &all, &bytes))
			continue;
		r->logs[r->nlogs++] = (struct run_log){
			.object = arena_strdup(r->logs_arena, o->name),
			.text = excerpt(&all, r->logs_arena),
			.file = write_file(r, o->name, &all),
			.bytes = bytes,
		};
	}
}
