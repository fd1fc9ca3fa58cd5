/* The end of a run: what is left, what is said of it, what is removed. Only what a process of the tree was seen to make is ever removed,
 * and only when nobody uses it; no holder of an address is ever signalled for that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watch/leaks.h"

/* Start times are told in ticks of this length. */
#define TICK_NS (10 * NS_PER_MS)

/* ---- before the clean-up ---- */

static char *test_of_left(struct run *r, const struct process_facts *f)
{
	struct arena *a = r->leaks->arena;
	char test[1024];

	if (*f->test) /* its environment is that of the moment when it was started */
		return arena_strdup(a, f->test);
	if (observe_current_test(r->observe, f->pid, test, sizeof test)) /* a fork has a copy of that moment */
		return arena_strdup(a, test);

	const struct process_row *row = history_living(r->history, f->pid);
	const char *found = leaks_test_of(r, f->pid, row ? row->ppid : f->parent, f->started_ns, f->started_ns + TICK_NS);

	return found ? arena_strdup(a, found) : NULL;
}

static void mark_used(struct run *r, known_file_vec *files, bool socket)
{
	for (size_t i = 0; i < files->n; i++) {
		struct known_file *k = &files->at[i];
		struct shm_file shm = {.inode = k->inode, .device = k->device};

		if (!socket)
			snprintf(shm.name, sizeof shm.name, "%s", k->path + strlen("/dev/shm/"));
		if (k->maker && leaks_file_there(k))
			k->by_ended = socket ? observe_socket_in_use(k->inode, k->device) : observe_shm_user(r->observe, &shm) != 0;
	}
}

void leaks_left(struct run *r)
{
	struct leaks *l = r->leaks;
	process_vec tree = {0};
	struct err err = {0};

	if (!l || l->left.n)
		return;
	look_history(r);
	if (observe_tree(r->observe, &tree, &err) < 0)
		tree.n = 0; /* nothing is known, so nothing is said */
	for (size_t i = 0; i < tree.n; i++) {
		struct process_facts f;

		if (!observe_facts(tree.at[i].pid, &f))
			continue;
		vec_push(&l->left, f);
		vec_push(&l->left_tests, test_of_left(r, &f));
	}
	if (tree.n) {
		leaks_look_at_sockets(r, sys_monotonic_ns());
		observe_listeners(r->observe, &l->left_listeners);
	}
	mark_used(r, &l->sockets, true);
	mark_used(r, &l->shm, false);
	vec_free(&tree);
}

/* ---- what is known, as the pure part wants it ---- */

static struct leak_process as_leak(struct run *r, const struct process_facts *f)
{
	struct arena *a = r->leaks->arena;

	return (struct leak_process){f->pid, arena_strdup(a, f->label), arena_strdup(a, f->command), f->started_ns};
}

static bool is_inherited(const struct run *r, uint32_t inode)
{
	size_t n;
	const char *const *names = launch_inherited(r->launch, &n);
	char name[48];

	snprintf(name, sizeof name, "socket:[%u]", inode);
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/** Sockets in the folders of tmp_path are kept with them, and go with them: pytest clears all but the last three (tmp_path_retention_count). */
static bool in_tmp_path(const char *path)
{
	const char *at = strstr(path, "/pytest-of-");
	const char *slash = at ? strchr(at + 1, '/') : NULL;

	return slash && strncmp(slash, "/pytest-", 8) == 0 && slash[8] >= '0' && slash[8] <= '9';
}

static void put_processes(struct run *r, struct leaks_input *in)
{
	struct leaks *l = r->leaks;
	struct left_process *rows = arena_array(l->arena, l->left.n, sizeof *rows);

	for (size_t i = 0; i < l->left.n; i++)
		rows[i] = (struct left_process){as_leak(r, &l->left.at[i]), l->left.at[i].parent, l->left.at[i].state,
		                                l->left_tests.at[i]};
	in->processes = rows;
	in->nprocesses = l->left.n;
}

static void put_listeners(struct run *r, struct leaks_input *in)
{
	struct leaks *l = r->leaks;
	struct left_listener *rows = arena_array(l->arena, l->left_listeners.n, sizeof *rows);

	for (size_t i = 0; i < l->left_listeners.n; i++) {
		const struct listener *from = &l->left_listeners.at[i];

		rows[i] = (struct left_listener){{from->protocol, from->address}, from->pid, is_inherited(r, from->inode)};
	}
	in->listeners = rows;
	in->nlisteners = l->left_listeners.n;
}

static void put_zombies(struct run *r, struct leaks_input *in)
{
	struct leaks *l = r->leaks;
	struct left_zombie *rows = arena_array(l->arena, l->zombies.n, sizeof *rows);

	for (size_t i = 0; i < l->zombies.n; i++) {
		const struct known_zombie *z = &l->zombies.at[i];

		rows[i] = (struct left_zombie){
			.is = as_leak(r, &z->is),
			.parent = as_leak(r, &z->parent),
			.since_ns = z->since_ns,
			.until_ns = z->until_ns,
			.waited = !z->reaped,
			.test = leaks_test_of(r, z->row.pid, z->row.parent, z->row.started_ns, z->row.started_ns + TICK_NS),
		};
		if (!rows[i].test)
			rows[i].test = z->asked.test;
	}
	in->zombies = rows;
	in->nzombies = l->zombies.n;
}

static struct left_file *files_of(struct run *r, const known_file_vec *files, bool socket)
{
	struct left_file *rows = arena_array(r->leaks->arena, files->n, sizeof *rows);

	for (size_t i = 0; i < files->n; i++) {
		const struct known_file *k = &files->at[i];
		struct shm_file shm = {.inode = k->inode, .device = k->device};

		rows[i] = (struct left_file){k->path, leaks_file_there(k), k->maker != 0, false, k->by_ended,
		                             socket && in_tmp_path(k->path), k->maker, k->test ? k->test : k->asked.test};
		if (!rows[i].there || !rows[i].made)
			continue;
		if (!socket)
			snprintf(shm.name, sizeof shm.name, "%s", k->path + strlen("/dev/shm/"));
		rows[i].in_use = socket ? observe_socket_in_use(k->inode, k->device) : observe_shm_in_use(&shm);
	}
	return rows;
}

/** Whose is a process? One of the tree that has ended by now was among those that were left. */
static enum leak_owner owner_of(const struct run *r, const struct process_facts *f)
{
	for (size_t i = 0; i < r->leaks->left.n; i++)
		if (r->leaks->left.at[i].pid == f->pid && r->leaks->left.at[i].start_ticks == f->start_ticks)
			return OWNER_RUN;
	for (size_t i = 0; i < history_count(r->history); i++)
		if (history_at(r->history, i)->pid == f->pid && history_at(r->history, i)->start_ticks == f->start_ticks)
			return OWNER_RUN;
	return f->orphan && f->in_checkout ? OWNER_EARLIER : OWNER_OTHER;
}

static void set_holders(struct run *r, struct held_address *h, const facts_vec *who)
{
	struct leak_process *rows = arena_array(r->leaks->arena, who->n, sizeof *rows);

	for (size_t i = 0; i < who->n; i++)
		rows[i] = as_leak(r, &who->at[i]);
	h->who = rows;
	h->nwho = who->n;
	if (who->n)
		h->owner = owner_of(r, &who->at[0]);
}

/** Those of the tree that still held ADDRESS when the command had ended. */
static void inside_holders(struct run *r, const char *address, facts_vec *out)
{
	struct leaks *l = r->leaks;

	for (size_t i = 0; i < l->left_listeners.n; i++) {
		const struct listener *held = &l->left_listeners.at[i];

		for (size_t k = 0; k < l->left.n; k++)
			if (strcmp(held->protocol, "tcp") == 0 && strcmp(held->address, address) == 0 && l->left.at[k].pid == held->pid)
				vec_push(out, l->left.at[k]);
	}
}

static bool bind_failed(const struct leaks *l, const char *address)
{
	for (size_t i = 0; i < l->binds.n; i++)
		if (strcmp(l->binds.at[i].is.is.name, address) == 0 && l->binds.at[i].who.n)
			return true;
	return false;
}

static void put_held(struct run *r, struct leaks_input *in)
{
	struct leaks *l = r->leaks;
	const struct leaks_before *b = r->opt->before;
	struct held_address *rows = arena_array(l->arena, l->binds.n + PORTS_MOST, sizeof *rows);
	size_t n = 0;

	for (size_t i = 0; i < l->binds.n; i++) {
		bool told = false;

		for (size_t k = 0; k < n && !told; k++)
			told = strcmp(rows[k].is.name, l->binds.at[i].is.is.name) == 0;
		if (told)
			continue;
		rows[n] = l->binds.at[i].is;
		rows[n].test = l->binds.at[i].test;
		set_holders(r, &rows[n++], &l->binds.at[i].who);
	}
	for (size_t i = 0; b && i < b->nports; i++) {
		facts_vec inside = {0};

		if (bind_failed(l, b->ports[i].address))
			continue;
		inside_holders(r, b->ports[i].address, &inside);
		rows[n] = (struct held_address){
			.is = {"tcp", arena_strdup(l->arena, b->ports[i].address)},
			.before = b->ports[i].who.n > 0,
			.seen_ns = b->ports[i].who.n ? r->started_ns : sys_monotonic_ns(),
		};
		set_holders(r, &rows[n], b->ports[i].who.n ? &b->ports[i].who : &inside);
		n++;
		vec_free(&inside);
	}
	in->held = rows;
	in->nheld = n;
}

/* ---- findings ---- */

static const char *signals_of(const struct run *r, const struct leak *leak, struct text *out)
{
	char name[16];

	for (size_t i = 0; i < leak->nwho; i++) {
		int last = 0;

		for (size_t k = 0; k < r->log.signalled.n; k++)
			if (r->log.signalled.at[k].pid == leak->who[i].pid)
				last = r->log.signalled.at[k].sig;
		if (last && !strstr(text_str(out), sys_signal_name(last, name)))
			text_addf(out, "%s%s", out->n ? " and " : "ended by ", name);
	}
	return out->n ? text_str(out) : NULL;
}

/** What lay in the hands of those whom we have ended is removed with them. */
static void remove_file(struct run *r, const struct known_file *k, bool tell)
{
	if (unlink(k->path) == 0 && tell)
		say_line(r, "removed %s, which this run had made", k->path);
}

static void remove_files(struct run *r, const known_file_vec *files, bool socket, bool cut)
{
	struct left_file *rows = files_of(r, files, socket);

	for (size_t i = 0; i < files->n; i++)
		if (rows[i].there && rows[i].made && !rows[i].in_use && !rows[i].kept && (cut || rows[i].by_ended))
			remove_file(r, &files->at[i], r->opt->verbosity > SAY_HANGS && (cut || r->opt->verbosity >= SAY_MORE));
}

static bool cut_short(const struct run *r)
{
	return r->proven || r->interrupted || r->time_over || r->interrupts;
}

/** Orphans that were reaped may still wait to be told of. */
static void hear_the_rest(struct run *r)
{
	for (size_t i = 0; i < r->leaks->zombies.n + 1; i++)
		run_step(r, sys_monotonic_ns());
}

bool leaks_find_all(struct run *r)
{
	struct leaks *l = r->leaks;
	bool left = false;

	if (l)
		hear_the_rest(r);
	if (!l || cut_short(r)) {
		leaks_cut(r);
		return false;
	}
	leaks_left(r);
	remove_files(r, &l->sockets, true, false);
	remove_files(r, &l->shm, false, false);
	if (r->opt->leaks == LEAKS_IGNORE)
		return false;

	struct leaks_input in = {
		.now_ns = sys_monotonic_ns(),
		.root = launch_command(r->launch),
		.failed = r->status != 0,
		.binds_heard = l->binds_heard,
		.sockets = files_of(r, &l->sockets, true),
		.nsockets = l->sockets.n,
		.shm = files_of(r, &l->shm, false),
		.nshm = l->shm.n,
	};

	put_processes(r, &in);
	put_listeners(r, &in);
	put_zombies(r, &in);
	put_held(r, &in);
	leaks_find(&in, &r->leak_findings);
	for (size_t i = 0; i < r->leak_findings.n; i++) {
		struct finding *f = r->leak_findings.at[i];
		OWNED_TEXT done = {0};

		left = left || f->kind != FINDING_PORT_HELD;
		if (signals_of(r, &f->leak, &done))
			f->leak.done = arena_strdup(f->arena, text_str(&done));
	}
	return left;
}

/* ---- a run that was cut short ---- */

static bool was_ours(const struct leaks *l, const char *address)
{
	for (size_t i = 0; i < l->left_listeners.n; i++)
		if (strcmp(l->left_listeners.at[i].protocol, "tcp") == 0 && strcmp(l->left_listeners.at[i].address, address) == 0)
			return true;
	return false;
}

static void verify_address(struct run *r, const char *address)
{
	facts_vec who = {0};

	observe_holders("tcp", address, &who);
	if (who.n)
		say_line(r, "%s is still held by %s[%d], which is none of this run's processes", address, who.at[0].label,
			 who.at[0].pid);
	else if (was_ours(r->leaks, address))
		say_line(r, "%s is free again", address);
	vec_free(&who);
}

void leaks_cut(struct run *r)
{
	struct leaks *l = r->leaks;

	if (!l)
		return;
	remove_files(r, &l->sockets, true, true);
	remove_files(r, &l->shm, false, true);
	for (size_t i = 0; r->opt->verbosity > SAY_HANGS && i < PORTS_MOST && *r->opt->ports[i]; i++)
		verify_address(r, r->opt->ports[i]);
}

/** What this way of watching does not tell. */
static void say_limits(const struct run *r)
{
	if (!r->leaks || r->leaks->binds_heard || r->opt->verbosity < SAY_MORE)
		return;
	say_line(r, "leftovers: looked for every %.2f s; a socket file that was bound and closed between two looks is not told, "
		    "nor always the test of what was made between two looks",
		 (double)r->period_ns / (double)NS_PER_S);
}

void leaks_say(struct run *r, enum outcome outcome)
{
	OWNED_TEXT out = {0};
	struct arena *arena = arena_new();
	struct text_style style = {.color = r->opt->color, .width = r->opt->width};
	struct run_report report = files_report(r, arena, outcome, 0, true);

	say_limits(r);
	if (r->leak_findings.n && r->opt->verbosity > SAY_HANGS) {
		text_add(&out, "\n"); /* the command may have left a line without an end */
		report_leaks(&report, &style, &out);
		say_text(r, &out);
	}
	arena_free(arena);
}
