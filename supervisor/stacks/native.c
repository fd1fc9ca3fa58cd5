/* Native frames of one task, joined with its Python frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stacks/native.h"
#include "stacks/owner.h"
#include "stacks/state.h"

enum { MOST_VDSO = 1 << 20, ID_SIZE = 2 * 64 + 1 };

/** What was asked of a file before. It lives as long as the readings do. */
struct known {
	struct elf *elf;
	bool has_loop, debug_asked;
	struct elf_symbol loop;
	struct elf *debug; /* NULL: none */
};

/** Kept from one reading to the next: st->native. */
struct native {
	VEC(struct known *) files;
	struct unwinder *unwinder;
	const char *why; /* there is none */
	void *vdso;      /* the kernel's, the same in all processes; NULL: not read yet */
	struct elf *vdso_elf;
};

static struct native *native_of(struct stacks *st)
{
	struct native *n = st->native;

	if (!n) {
		n = mem_alloc(sizeof *n);
		n->unwinder = unwinder_new(&n->why);
		st->native = n;
	}
	return n;
}

void stacks_native_free(struct stacks *st)
{
	struct native *n = st->native;

	if (!n)
		return;
	unwinder_free(n->unwinder);
	for (size_t i = 0; i < n->files.n; i++)
		free(n->files.at[i]);
	vec_free(&n->files);
	elf_close(n->vdso_elf);
	free(n->vdso);
	free(n);
	st->native = NULL;
}

static struct known *known_of(struct process_read *p, struct elf *e)
{
	struct native *n = native_of(p->st);

	for (size_t i = 0; i < n->files.n; i++)
		if (n->files.at[i]->elf == e)
			return n->files.at[i];

	struct known *k = mem_alloc(sizeof *k);

	k->elf = e;
	k->has_loop = elf_find(e, NATIVE_LOOP, &k->loop);
	vec_push(&n->files, k);
	return k;
}

/* ---- the process as native.h wants it ---- */

/** vdso(7): an ELF file that is in memory alone. */
static struct elf *read_vdso(struct process_read *p, const struct mapping *m)
{
	struct native *n = native_of(p->st);
	size_t size = m->end - m->start;

	if (n->vdso || size > MOST_VDSO)
		return n->vdso_elf;
	n->vdso = mem_alloc(size);
	if (memory_read(p->memory, m->start, n->vdso, size))
		elf_open(n->vdso, size, &n->vdso_elf, NULL);
	return n->vdso_elf;
}

static bool is_vdso(const struct mapping *m)
{
	return m->path_len == strlen("[vdso]") && memcmp(m->path, "[vdso]", m->path_len) == 0;
}

static bool piece_at(void *who, uint64_t address, struct native_piece *out)
{
	struct process_read *p = who;
	const struct mapping *m = mapping_at(p, address);

	if (!m)
		return false;
	*out = (struct native_piece){.start = m->start, .end = m->end, .executable = m->executable};
	if (m->path_len) {
		out->path = m->path;
		out->path_len = m->path_len;
	}
	if (is_vdso(m))
		out->elf = read_vdso(p, m);
	else if (m->inode && file_whole(p, m, file_of(p, m)))
		out->elf = file_of(p, m)->elf;
	if (out->elf && !elf_bias(out->elf, m->start, m->offset, &out->bias))
		out->elf = NULL;
	if (out->elf && known_of(p, out->elf)->has_loop)
		out->loop = &known_of(p, out->elf)->loop;
	return true;
}

/** As gdb(1) finds them, "Separate Debug Files": what a distribution's -dbg and -dbgsym packages install. */
static struct elf *find_debug(struct process_read *p, const struct elf *e)
{
	char id[ID_SIZE], path[ID_SIZE + 64], same[ID_SIZE];

	if (!elf_build_id(e, id, sizeof id) || strlen(id) < 4)
		return NULL;
	snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);

	const struct file *file = file_at(p, path);
	struct elf *debug = file ? file->elf : NULL;

	return debug && elf_build_id(debug, same, sizeof same) && strcmp(id, same) == 0 ? debug : NULL;
}

static struct elf *debug_of(void *who, const struct native_piece *piece)
{
	struct known *k = known_of(who, piece->elf);

	if (!k->debug_asked)
		k->debug = find_debug(who, piece->elf);
	k->debug_asked = true;
	return k->debug;
}

/* ---- one task ---- */

static void name_all(const struct native_source *source, struct process_read *p, struct thread_read *t,
		     const struct native_frame *frames)
{
	const char *cwd = process_cwd(p);

	t->native = arena_array(p->arena, t->nnative, sizeof *t->native);
	for (size_t i = 0; i < t->nnative; i++) {
		struct frame *f = &t->native[i];

		struct native_piece piece;
		bool in_interpreter = piece_at(p, frames[i].at, &piece) && piece.loop && p->py;

		native_name(source, p->arena, &frames[i], f);
		f->owner = frame_owner_of_native(f->function, process_path(p, f->file), cwd, in_interpreter);
	}
}

static void join(struct process_read *p, struct thread_read *t, const struct native_frame *frames, bool whole)
{
	struct both_stacks both = {
		.frames = frames,
		.native = t->native,
		.nnative = t->nnative,
		.native_whole = whole,
		.marks = t->python,
		.python = frames_of_python(p, t->python, t->npython),
		.npython = t->npython,
		.python_whole = !t->python_why,
		.python_cut = t->python_cut,
	};
	const char *why;

	t->merged = stacks_merge(p->arena, &both, &t->nmerged, &why);
	if (!t->merged && whole && !t->python_why)
		t->native_why = why;
}

void stacks_native(struct process_read *p, struct thread_read *t)
{
	struct native *n = native_of(p->st);
	struct native_source source = {p, p->memory, piece_at, debug_of};
	struct native_frame *frames;
	const char *why;
	bool whole;

	t->native = t->merged = NULL;
	t->nnative = t->nmerged = 0;
	t->native_why = n->why;
	if (!n->unwinder)
		return;
	if (!t->has_call || t->call.running || !t->call.stack_pointer || !p->memory)
		return;
	frames = mem_alloc(NATIVE_MOST_FRAMES * sizeof *frames);
	t->nnative = native_unwind(n->unwinder, &source, t->call.stack_pointer, t->call.program_counter, frames,
				   NATIVE_MOST_FRAMES, &whole, &why);
	if (why)
		t->native_why = arena_strdup(p->arena, why);
	native_loops_mark(&source, frames, t->nnative);
	name_all(&source, p, t, frames);
	if (t->npython || t->state)
		join(p, t, frames, whole);
	free(frames);
}
