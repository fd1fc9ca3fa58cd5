/* Where is the interpreter of a process? In its program, or in a libpython3 that it has loaded (an embedder). */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stacks/state.h"

struct candidate {
	const struct mapping *map; /* the first one of the file */
	char name[128];            /* without folders */
	bool program;
};

static void name_of(const struct mapping *m, char *out, size_t size)
{
	size_t n = m->path_len - (m->deleted && m->path_len >= 10 ? 10 : 0);
	const char *slash = memrchr(m->path, '/', n), *from = slash ? slash + 1 : m->path;

	(void)snprintf(out, size, "%.*s", (int)(m->path + n - from), from);
}

static bool starts_with(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/** proc_pid_exe(5) reads as the path in maps does, " (deleted)" included. */
static bool is_program(const struct mapping *m, const char *exe)
{
	return strlen(exe) == m->path_len && memcmp(exe, m->path, m->path_len) == 0;
}

static bool same_file(const struct mapping *a, const struct mapping *b)
{
	return a->inode == b->inode && strcmp(a->device, b->device) == 0;
}

/** What the process calls its threads. */
static void give_tids(struct process_read *p, struct python_where *w)
{
	pid_t *tids = arena_array(p->arena, p->nthreads, sizeof *tids);

	for (size_t i = 0; i < p->nthreads; i++)
		tids[i] = p->threads[i].inner;
	w->tids = tids;
	w->ntids = p->nthreads;
}

static struct python *try_open(struct process_read *p, const struct candidate *c, const char **why)
{
	struct file *f = file_of(p, c->map);
	const struct python_symbols *s = file_python(p, c->map, f, c->name);
	uint64_t bias;

	*why = NULL;
	if (!f->elf && !c->program)
		*why = arena_printf(p->arena, "%s: %s", c->name, f->why.text);
	if (!s->known || !elf_bias(f->elf, c->map->start, c->map->offset, &bias))
		return NULL;

	struct python_where w = {
		.file = c->name,
		.literal = *s->literal ? s->literal : NULL,
		.runtime = bias + s->runtime,
		.runtime_size = s->runtime_size,
		.by_section = s->by_section,
		.version = s->version ? bias + s->version : 0,
		.code_type = s->code_type ? bias + s->code_type : 0,
		.coro_type = s->coro_type ? bias + s->coro_type : 0,
		.gen_type = s->gen_type ? bias + s->gen_type : 0,
		.async_gen_type = s->async_gen_type ? bias + s->async_gen_type : 0,
		.method_type = s->method_type ? bias + s->method_type : 0,
		.asyncio = file_asyncio(f) ? bias + file_asyncio(f) : p->asyncio,
	};

	give_tids(p, &w);
	return python_open(p->memory, p->arena, &w, why);
}

/** Where _asyncio*.so has the layout of its tasks, from 3.14 on where it is no part of the interpreter. */
static void find_asyncio(struct process_read *p, const struct mapping *m)
{
	struct file *f = file_of(p, m);
	uint64_t at = file_asyncio(f), bias;

	if (at && elf_bias(f->elf, m->start, m->offset, &bias))
		p->asyncio = bias + at;
}

/** "python2.7", "pypy3.10", "python3": is it a Python, and which? */
static const char *why_none(struct process_read *p, const struct candidate *program)
{
	const char *name = program->name, *number;

	if (strstr(name, "pypy"))
		return "PyPy: its frames are not known to this version of tracewrap";
	if (!starts_with(name, "python"))
		return NULL;
	if (!file_of(p, program->map)->elf)
		return arena_printf(p->arena, "%s: %s", name, file_of(p, program->map)->why.text);
	number = name + strlen("python");
	if (isdigit((unsigned char)number[0]) && number[1] == '.' && isdigit((unsigned char)number[2]))
		return arena_printf(p->arena, "Python %.*s: its frames are not known to this version of tracewrap",
				    (int)(2 + strspn(number + 2, "0123456789")), number);
	return arena_printf(p->arena, "%s: it has no interpreter that is known to this version of tracewrap", name);
}

/** Try one place. @return true: an interpreter that runs. *SPARE: one that has no threads (yet). */
static bool consider(struct process_read *p, const struct candidate *c, struct python **spare)
{
	const char *why, *cut;
	struct python_thread *threads;
	struct python *py = try_open(p, c, &why);

	if (why)
		p->out->why = why;
	if (!py)
		return false;
	if (!python_threads(py, &threads, &cut)) {
		*spare = py;
		return false;
	}
	p->py = py;
	return true;
}

void find_interpreter(struct process_read *p)
{
	char exe[PATH_MAX];
	struct candidate program = {0}, c;
	struct python *spare = NULL;
	bool found = false;

	p->out->why = NULL;
	if (sys_readlink(p->dir_fd, "exe", exe, sizeof exe, NULL) != 0)
		*exe = '\0';
	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (!m->inode || !m->path_len || *m->path != '/' || (i && same_file(m, m - 1)))
			continue;
		c = (struct candidate){.map = m, .program = is_program(m, exe)};
		name_of(m, c.name, sizeof c.name);
		if (c.program && !program.map)
			program = c;
		if (starts_with(c.name, "_asyncio."))
			find_asyncio(p, m);
	}
	for (size_t i = 0; i < p->maps.n && !found; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (!m->inode || !m->path_len || *m->path != '/' || (i && same_file(m, m - 1)))
			continue;
		c = (struct candidate){.map = m, .program = m == program.map};
		name_of(m, c.name, sizeof c.name);
		if (c.program || starts_with(c.name, "libpython3"))
			found = consider(p, &c, &spare);
	}
	if (!p->py)
		p->py = spare;
	if (p->py) {
		p->out->why = NULL;
		p->out->python = python_version(p->py);
		p->out->free_threaded = python_free_threaded(p->py);
	} else if (!p->out->why && program.map) {
		p->out->why = why_none(p, &program);
	}
}
