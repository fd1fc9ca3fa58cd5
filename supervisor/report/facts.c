/* Questions to a finding: who is it about, who holds what, who waits for whom. */
#include <string.h>

#include "report/facts.h"

static int fit_of(const struct blocked *b)
{
	return b->culprit * 8 + b->cause * 4 + (b->tid == b->pid) * 2 + 1;
}

const struct blocked *fact_row(const struct finding *f, pid_t pid)
{
	const struct blocked *best = NULL;

	for (size_t i = 0; i < f->nblocked; i++)
		if (f->blocked[i].pid == pid && (!best || fit_of(&f->blocked[i]) > fit_of(best)))
			best = &f->blocked[i];
	return best;
}

const struct blocked *fact_main(const struct finding *f)
{
	const struct blocked *best = NULL;

	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *b = &f->blocked[i];

		if (!best || b->culprit * 2 + b->cause > best->culprit * 2 + best->cause)
			best = b;
	}
	return best;
}

const struct finding_object *fact_object(const struct finding *f, int index)
{
	return index >= 0 && (size_t)index < f->nobjects ? &f->objects[index] : NULL;
}

const struct finding_object *fact_other_side(const struct finding *f, const struct finding_object *o)
{
	return o->kind == OBJECT_PIPE ? o : fact_object(f, o->peer);
}

void fact_holders(const struct finding_object *o, unsigned ends, pid_t except, pids_vec *out)
{
	for (size_t i = 0; i < o->nholders; i++) {
		const struct object_holder *h = &o->holders[i];
		bool known = h->pid == except || !(h->ends & ends);

		for (size_t k = 0; k < out->n && !known; k++)
			known = out->at[k] == h->pid;
		if (!known)
			vec_push(out, h->pid);
	}
}

int fact_fd(const struct finding_object *o, unsigned ends, pid_t pid)
{
	for (size_t i = 0; i < o->nholders; i++)
		if (o->holders[i].pid == pid && o->holders[i].ends & ends)
			return o->holders[i].fd;
	return -1;
}

bool fact_holds(const struct finding_object *o, unsigned ends, pid_t pid)
{
	return fact_fd(o, ends, pid) >= 0;
}

bool fact_waits_for(const struct blocked *b, pid_t pid)
{
	for (size_t i = 0; i < b->nwaits_for_pids; i++)
		if (b->waits_for_pids[i] == pid)
			return true;
	return false;
}

bool fact_is_culprit(const struct finding *f, pid_t pid)
{
	for (size_t i = 0; i < f->nculprits; i++)
		if (f->culprits[i] == pid)
			return true;
	return false;
}

bool fact_awaits_end(const struct blocked *b)
{
	return b->role == ROLE_CHILD || b->role == ROLE_LOOP_CHILD;
}

bool fact_in_loop(const struct blocked *b)
{
	return b->role == ROLE_LOOP || b->role == ROLE_LOOP_CHILD || b->role == ROLE_LOOP_EOF || b->role == ROLE_LOOP_SOCKET ||
	       (b->call && strncmp(b->call, "epoll", 5) == 0);
}

bool fact_is_file_lock(const struct blocked *b)
{
	return b->call && (strcmp(b->call, "flock") == 0 || strcmp(b->call, "fcntl") == 0);
}

void fact_label(const struct process_row *p, char *buf, size_t size)
{
	enum { WORDS = 32 };
	char *line = p->cmdline, *argv[WORDS + 1] = {NULL}, *end = line ? line + p->cmdline_len : NULL;
	struct process process = {.comm = "?", .argv = argv};

	for (size_t n = 0; line && n < WORDS && line < end && memchr(line, '\0', (size_t)(end - line)); line += strlen(line) + 1)
		argv[n++] = line;
	if (!argv[0] && p->cmdline && p->cmdline_len == 0 && *p->cmdline)
		argv[0] = p->cmdline;
	if (argv[0] && *argv[0]) {
		const char *slash = strrchr(argv[0], '/');

		process.comm = slash && slash[1] ? slash + 1 : argv[0];
	}
	process_label(&process, buf, size);
}
