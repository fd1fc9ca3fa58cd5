/* The source lines of frames, read where the process itself would find them. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "stacks/source.h"
#include "sys/sys.h"

enum { LINE_MOST = 200, FILE_MOST = 4 << 20, TOTAL_MOST = 64 << 20 };
struct source_file {
	struct text text; /* empty: it can't be shown */
	VEC(uint32_t) lines; /* where each begins */
	int64_t changed_ns; /* CLOCK_REALTIME */
};

struct sources {
	struct strmap *by_name; /* paths, and what file_name() makes: many processes run the same files */
	VEC(struct source_file) files;
	size_t total;
};

struct sources *sources_new(void)
{
	struct sources *s = mem_alloc(sizeof *s);

	s->by_name = strmap_new();
	return s;
}

static void free_file(struct source_file *file)
{
	text_free(&file->text);
	vec_free(&file->lines);
}

void sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->files.n; i++)
		free_file(&s->files.at[i]);
	vec_free(&s->files);
	strmap_free(s->by_name);
	mem_free(s);
}

/** When PID began, CLOCK_REALTIME; 0: not known. */
static int64_t process_began_ns(pid_t pid)
{
	uint64_t ticks = sys_process_start(pid, NULL);
	int64_t tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);

	if (!ticks)
		return 0;
	/* to the end of the tick that it began in (proc_pid_stat(5), field 22) */
	return sys_clock_ns(CLOCK_REALTIME) - sys_clock_ns(CLOCK_BOOTTIME) + ((int64_t)ticks + 1) * tick_ns;
}

/** Regular files alone: opening anything else may wait or act. */
static int open_source(const struct sources *s, const char *path, struct stat *st)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0 || !S_ISREG(st->st_mode) || st->st_size > FILE_MOST || s->total + (size_t)st->st_size > TOTAL_MOST)
		return -1;
	return fd_take(&fd);
}

static void find_lines(struct source_file *file)
{
	const char *begin = text_str(&file->text), *end = begin + file->text.n;

	for (const char *at = begin; at && at < end;) {
		vec_push(&file->lines, (uint32_t)(at - begin));
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
}

static struct source_file read_source(struct sources *s, int fd, const struct stat *st)
{
	struct source_file file = {.changed_ns = st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec};
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) > 0 && file.text.n <= FILE_MOST)
		text_addn(&file.text, piece, (size_t)n);
	if (n < 0)
		text_free(&file.text);
	find_lines(&file);
	s->total += file.text.n;
	return file;
}

/** No path: each of those has a slash. */
static void file_name(const struct stat *st, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%lx:%lx:%lx:%lx.%lx", (unsigned long)st->st_dev, (unsigned long)st->st_ino, (unsigned long)st->st_size,
		       (unsigned long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
}

/** @return its index. */
static size_t open_new(struct sources *s, const char *path)
{
	char name[128] = "";
	struct stat st;
	size_t i = s->files.n;
	OWNED_FD fd = open_source(s, path, &st);

	if (fd >= 0) {
		file_name(&st, name, sizeof name);
		if (strmap_get(s->by_name, name, &i))
			return i;
		strmap_put(s->by_name, name, i);
	}
	vec_push(&s->files, fd >= 0 ? read_source(s, fd, &st) : (struct source_file){0});
	return i;
}

/** As the process itself would find it: in its root, or relative to its working folder. */
static const struct source_file *find_source(struct sources *s, pid_t pid, const char *name)
{
	char path[PATH_MAX];
	size_t i;
	int n = snprintf(path, sizeof path, "/proc/%d/%s/%s", pid, name[0] == '/' ? "root" : "cwd", name);

	if (name[0] == '<' || n < 0 || (size_t)n >= sizeof path)
		return NULL;
	if (!strmap_get(s->by_name, path, &i)) {
		i = open_new(s, path);
		strmap_put(s->by_name, path, i);
	}
	return &s->files.at[i];
}

static const char *copy_line(struct arena *arena, const struct source_file *file, int line)
{
	const char *at = text_str(&file->text), *end = at + file->text.n, *stop;
	size_t n;
	char *copy;

	if (line < 1 || (size_t)line > file->lines.n)
		return NULL;
	at += file->lines.at[line - 1];
	at += strspn(at, " \t\f");
	stop = memchr(at, '\n', (size_t)(end - at));
	n = (size_t)((stop ? stop : end) - at);
	while (n && strchr(" \t\r", at[n - 1]))
		n--;
	if (!n)
		return NULL;
	copy = arena_strndup(arena, at, n < LINE_MOST ? n : LINE_MOST);
	text_clean(copy, strlen(copy));
	return copy;
}

static void fill_frames(struct sources *s, struct arena *arena, pid_t pid, int64_t began_ns, struct frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct frame *f = &frames[i];
		const struct source_file *file;

		if (f->kind != FRAME_PYTHON || f->line <= 0 || !f->file || f->source)
			continue;
		file = find_source(s, pid, f->file);
		if (file && file->text.n && file->changed_ns <= began_ns)
			f->source = copy_line(arena, file, f->line);
	}
}

void sources_fill(struct sources *s, struct arena *arena, pid_t pid, struct process_stacks *p)
{
	int64_t began_ns = process_began_ns(pid);

	for (size_t i = 0; i < p->nthreads; i++)
		fill_frames(s, arena, pid, began_ns, p->threads[i].frames, p->threads[i].nframes);
	for (size_t i = 0; i < p->ntasks; i++)
		fill_frames(s, arena, pid, began_ns, p->tasks[i].frames, p->tasks[i].nframes);
}
