/* What processes share with one another: an image (fork without exec), memory, a table of descriptors, shared mappings,
 * locks. */
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/build.h"

/* ---- forks ---- */

struct image {
	uint64_t stack, args, start_ticks;
	size_t proc;
};

static int compare_images(const void *a, const void *b)
{
	const struct image *x = a, *y = b;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	if (x->args != y->args)
		return x->args < y->args ? -1 : 1;
	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return (x->proc > y->proc) - (x->proc < y->proc);
}

/** Start of stack and of arguments (stat fields 28 and 48) are the same after a fork, and random after an exec. Zero: not
 *  told. */
static void mark_forks(struct builder *b)
{
	VEC(struct image) images = {0};

	for (size_t i = 0; i < b->procs.n; i++) {
		const struct stat_line *stat = &b->ob->procs.at[i]->stat;

		if (stat->start_stack && stat->arg_start)
			vec_push(&images, (struct image){stat->start_stack, stat->arg_start, stat->start_ticks, i});
	}
	if (images.n)
		qsort(images.at, images.n, sizeof *images.at, compare_images);
	for (size_t i = 1; i < images.n; i++)
		if (images.at[i].stack == images.at[i - 1].stack && images.at[i].args == images.at[i - 1].args)
			b->procs.at[images.at[i].proc].forked = true;
	vec_free(&images);
}

static size_t index_of(const struct builder *b, pid_t pid)
{
	size_t i;

	return idmap_get(b->ob->by_pid, (uint64_t)pid, &i) ? i : SIZE_MAX;
}

/** The root of a tree that others have begun may share its memory with whoever made it, who is not looked at. */
static void compare_with_stranger(struct builder *b, size_t i)
{
	pid_t lead = b->ob->procs.at[i]->details.lead;

	if (lead && b->procs.at[i].ppid > 0 && sys_kcmp(lead, b->procs.at[i].ppid, KCMP_VM, 0, 0) == 0)
		b->procs.at[i].vm = b->procs.at[i].ppid; /* nobody of the tree is that one: see waits.c */
}

/** clone(CLONE_VM) and clone(CLONE_FILES) without CLONE_THREAD: asked of a child that runs its parent's image. */
static void compare_with_parent(struct builder *b, size_t i)
{
	size_t parent = index_of(b, b->procs.at[i].ppid);

	if (parent == SIZE_MAX || parent == i)
		return;

	struct details *mine = &b->ob->procs.at[i]->details, *theirs = &b->ob->procs.at[parent]->details;

	if (!mine->lead || !theirs->lead)
		return;
	if (sys_kcmp(mine->lead, theirs->lead, KCMP_VM, 0, 0) == 0)
		b->procs.at[i].vm = b->procs.at[parent].vm;
	/* Either may change what the other has, so neither is remembered. */
	if (sys_kcmp(mine->lead, theirs->lead, KCMP_FILES, 0, 0) == 0)
		mine->shares_fds = theirs->shares_fds = true;
}

struct aged {
	uint64_t start_ticks;
	size_t proc;
};

static int compare_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return (x->proc > y->proc) - (x->proc < y->proc);
}

void family_resolve(struct builder *b)
{
	VEC(struct aged) forked = {0};

	mark_forks(b);
	for (size_t i = 0; b->ob->opt.from_outside && i < b->procs.n; i++)
		if (b->procs.at[i].pid == b->ob->opt.root)
			compare_with_stranger(b, i);
	for (size_t i = 0; i < b->procs.n; i++)
		if (b->procs.at[i].forked)
			vec_push(&forked, (struct aged){b->procs.at[i].start_ticks, i});
	if (forked.n) /* parents first: a group is named after its first */
		qsort(forked.at, forked.n, sizeof *forked.at, compare_age);
	for (size_t i = 0; i < forked.n; i++)
		compare_with_parent(b, forked.at[i].proc);
	vec_free(&forked);
}

/* ---- shared mappings ---- */

static const char *waited_key(const struct builder *b, const char *key)
{
	for (size_t i = 0; i < b->shared_keys.n; i++)
		if (strcmp(b->shared_keys.at[i], key) == 0)
			return b->shared_keys.at[i];
	return NULL;
}

static bool listed(const char **keys, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i] == key)
			return true;
	return false;
}

size_t mapped_keys(struct builder *b, const char *dir, const char **keys)
{
	proc_path path;
	struct mapping m;
	size_t n = 0;

	snprintf(path, sizeof path, "%s/maps", dir);
	if (sys_read_file(b->ob->proc_fd, path, &b->ob->scratch, NULL))
		return 0;
	for (struct cursor c = {text_str(&b->ob->scratch), b->ob->scratch.n}; parse_next_mapping(&c, &m);) {
		char name[48];

		if (!m.shared)
			continue;
		snprintf(name, sizeof name, "%s:%llu", m.device, (unsigned long long)m.inode);

		const char *key = waited_key(b, name);

		if (key && !listed(keys, n, key))
			keys[n++] = key;
	}
	return n;
}

void family_mappings(struct builder *b)
{
	if (b->shared_keys.n == 0)
		return;
	for (size_t i = 0; i < b->procs.n; i++) {
		struct process *p = &b->procs.at[i];
		pid_t lead = b->ob->procs.at[i]->details.lead;
		proc_path dir;

		if (!lead)
			continue;
		snprintf(dir, sizeof dir, "%d/task/%d", p->pid, lead);
		p->shm = arena_array(b->arena, b->shared_keys.n, sizeof *p->shm);
		p->nshm = mapped_keys(b, dir, p->shm);
	}
}

/* ---- locks ---- */

/** The open files of a process name the locks that are held through them; the kernel's table names who took a lock, perhaps
 *  long gone, and no pid for locks of open file descriptions. SHOWN: what was named so. */
static void process_locks(struct builder *b, size_t i, struct strmap *shown)
{
	const struct seen_process *p = b->ob->procs.at[i];
	VEC(const char *) held = {0};
	struct file_lock lock;

	for (size_t k = 0; k < p->details.fds.n; k++) {
		proc_path path;

		if (p->details.fds.at[k].kind != LINK_FILE && p->details.fds.at[k].kind != LINK_DEVICE)
			continue;
		snprintf(path, sizeof path, "%d/task/%d/fdinfo/%d", p->pid, p->details.lead, p->details.fds.at[k].fd);
		if (sys_read_file(b->ob->proc_fd, path, &b->ob->scratch, NULL))
			continue;
		for (struct cursor c = {text_str(&b->ob->scratch), b->ob->scratch.n}; parse_next_fdinfo_lock(&c, &lock);) {
			vec_push(&held, arena_strdup(b->arena, lock.key));
			strmap_put(shown, arena_printf(b->arena, "%.*s", (int)lock.len, lock.text), 0);
		}
	}
	b->procs.at[i].locks = arena_memdup(b->arena, held.at, held.n * sizeof *held.at);
	b->procs.at[i].nlocks = held.n;
	vec_free(&held);
}

bool family_waits_for(const struct builder *b, const char *key)
{
	for (size_t t = 0; t < b->tasks.n; t++) {
		const struct wait *w = &b->tasks.at[t].wait;

		if (w->op == WAIT_FLOCK && w->key && strcmp(w->key, key) == 0)
			return true;
	}
	return false;
}

void family_lock_outside(struct builder *b, const char *key)
{
	for (size_t t = 0; t < b->tasks.n; t++) {
		struct wait *w = &b->tasks.at[t].wait;

		if (w->op == WAIT_FLOCK && w->key && strcmp(w->key, key) == 0)
			w->outside = true;
	}
}

/** One that nobody of the tree shows is held outside, or by who can't be read: another range or kind of lock than those that are shown. */
static void note_stray(struct builder *b, const struct file_lock *lock, const struct strmap *shown)
{
	OWNED_TEXT text = {0};

	text_addn(&text, lock->text, lock->len);
	if (!strmap_get(shown, text_str(&text), NULL))
		family_lock_outside(b, lock->key);
}

void family_locks(struct builder *b)
{
	OWNED_TEXT table = {0};
	struct file_lock lock;
	struct strmap *shown;

	if (!b->waits_lock)
		return;
	shown = strmap_new();
	for (size_t i = 0; i < b->procs.n; i++)
		process_locks(b, i, shown);
	if (sys_read_file(b->ob->proc_fd, "locks", &table, NULL) == 0) {
		for (struct cursor c = {text_str(&table), table.n}; parse_next_lock(&c, &lock);) {
			vec_push(&b->locks, (struct lock_holder){arena_strdup(b->arena, lock.key), lock.pid});
			note_stray(b, &lock, shown);
		}
	}
	strmap_free(shown);
}
