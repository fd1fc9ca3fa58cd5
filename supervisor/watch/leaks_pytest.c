/* Whose test is it, when no look saw one run? pytest itself remembers when each of its tests began and ended
 * (stacks_tests()): it is asked for what is left behind, while it lives.
 *
 * A look sees a test only if it falls into it, and a zombie has no memory that could tell. The moments compared are pytest's
 * time.time() on one side and the kernel's for a process or a file on the other; where the clock was set in between, nothing
 * is said.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "stacks/stacks.h"
#include "watch/leaks.h"

enum { ASKS_MOST = 16, TIMES_MOST = 3, TOGETHER_MOST = 8, DEPTH_MOST = 16, CLOCK_TRIES = 8 };
/* Most zombies are waited for in this time, and are told of only if they stay for ZOMBIE_NS. */
#define FIRST_NS (500 * NS_PER_MS)
#define AGAIN_NS (2 * NS_PER_S) /* its test may go on still; doubled each time */
#define GAP_NS NS_PER_S
#define WALL_ERROR_NS (50 * 1000)
/* The clock of files goes in ticks (ktime_get_coarse_real_ts64() in fs/inode.c): what it says is up to so much too early. */
#define FILE_TICK_NS (10 * NS_PER_MS)

/* ---- clocks ---- */

/** CLOCK_REALTIME less CLOCK_BOOTTIME, which changes only when the clock is set: both go on while the machine sleeps. @return the
 *  error that it may have. */
static int64_t wall_ahead(int64_t *ahead_ns)
{
	int64_t best_ns = INT64_MAX;

	for (int i = 0; i < CLOCK_TRIES && best_ns > WALL_ERROR_NS / 4; i++) {
		int64_t before_ns = sys_clock_ns(CLOCK_BOOTTIME), wall_ns = sys_clock_ns(CLOCK_REALTIME);
		int64_t error_ns = sys_clock_ns(CLOCK_BOOTTIME) - before_ns;

		if (error_ns >= best_ns)
			continue;
		best_ns = error_ns;
		*ahead_ns = wall_ns - before_ns;
	}
	return best_ns;
}

/** Was the clock set since the last pass? */
static void check_clock(struct leaks *l)
{
	int64_t ahead_ns = 0, error_ns = wall_ahead(&ahead_ns), off_ns = ahead_ns - l->wall_ns;

	if (error_ns > WALL_ERROR_NS) /* we were put aside at each try */
		return;
	if (l->wall_since_ns && off_ns <= l->wall_error_ns + error_ns && -off_ns <= l->wall_error_ns + error_ns)
		return;
	l->wall_ns = ahead_ns;
	l->wall_error_ns = error_ns;
	l->wall_since_ns = sys_clock_ns(CLOCK_BOOTTIME);
}

/* ---- what is asked for ---- */

struct question {
	pid_t who; /* made it */
	struct asked *asked;
	struct stacks_moment at;
};
typedef VEC(struct question) question_vec;

static bool is_due(const struct asked *a, int64_t since_ns, int64_t now_ns)
{
	return !a->test && a->times < TIMES_MOST && now_ns >= since_ns && now_ns >= a->again_ns;
}

static void note_asked(struct asked *a, int64_t now_ns)
{
	a->again_ns = now_ns + (AGAIN_NS << a->times++);
}

/** @return false: a look can tell its test, or the clock was set since it began. */
static bool zombie_question(struct run *r, struct known_zombie *z, struct question *out)
{
	struct leaks *l = r->leaks;
	int64_t from_ns = z->row.started_ns, to_ns = from_ns + NS_PER_S / sysconf(_SC_CLK_TCK);
	const char *known = leaks_test_of(r, z->row.pid, z->row.parent, from_ns, to_ns);

	if (known) {
		z->asked.test = arena_strdup(l->arena, known);
		return false;
	}
	(void)sys_birth(z->row.pid, z->row.start_ticks, &from_ns, &to_ns);
	*out = (struct question){.who = z->row.parent, .asked = &z->asked};
	out->at.from_ns = from_ns + l->wall_ns - l->wall_error_ns;
	out->at.to_ns = to_ns + l->wall_ns + l->wall_error_ns;
	return from_ns >= l->wall_since_ns;
}

/** Those that have been there for so long. */
static void add_zombies(struct run *r, question_vec *out, int64_t long_ns, int64_t now_ns)
{
	struct leaks *l = r->leaks;

	for (size_t i = 0; i < l->zombies.n && out->n < TOGETHER_MOST; i++) {
		struct known_zombie *z = &l->zombies.at[i];
		struct question q;

		/* what another process has made comes the next time */
		if (z->waited || z->reaped || !is_due(&z->asked, z->since_ns + long_ns, now_ns) ||
		    (out->n && out->at[0].who != z->row.parent))
			continue;
		note_asked(&z->asked, now_ns);
		if (zombie_question(r, z, &q))
			vec_push(out, q);
	}
}

/** When the file was made (statx(2): stx_btime, which nobody can change). @return false: its file system does not know. */
static bool made_at(const struct known_file *k, int64_t *from_ns)
{
	struct statx st;

	if (statx(AT_FDCWD, k->path, AT_SYMLINK_NOFOLLOW, STATX_BTIME | STATX_INO, &st) < 0 || !(st.stx_mask & STATX_BTIME) ||
	    st.stx_ino != k->inode)
		return false;
	*from_ns = st.stx_btime.tv_sec * NS_PER_S + st.stx_btime.tv_nsec;
	return true;
}

static void add_files(struct run *r, known_file_vec *files, question_vec *out, int64_t long_ns, int64_t now_ns)
{
	struct leaks *l = r->leaks;

	for (size_t i = 0; i < files->n && out->n < TOGETHER_MOST; i++) {
		struct known_file *k = &files->at[i];
		struct question q = {.who = k->maker, .asked = &k->asked};

		if (!k->maker || k->test || !is_due(&k->asked, k->seen_ns + long_ns, now_ns) ||
		    (out->n && out->at[0].who != k->maker))
			continue;
		note_asked(&k->asked, now_ns);
		if (!made_at(k, &q.at.from_ns) || q.at.from_ns - l->wall_ns < l->wall_since_ns)
			continue;
		q.at.to_ns = q.at.from_ns + FILE_TICK_NS;
		vec_push(out, q);
	}
}

static void add_all(struct run *r, question_vec *out, int64_t long_ns, int64_t now_ns)
{
	add_zombies(r, out, long_ns, now_ns);
	add_files(r, &r->leaks->sockets, out, long_ns, now_ns);
	add_files(r, &r->leaks->shm, out, long_ns, now_ns);
}

/* ---- who is asked ---- */

/** PID and what is above it, up to the command, of which the topmost pytest is asked: its tests are meant, as with looks. */
static size_t line_of(struct run *r, pid_t pid, pid_t out[DEPTH_MOST])
{
	size_t n = 0;

	while (pid > 1 && n < DEPTH_MOST) {
		out[n++] = pid;
		if (pid == launch_command(r->launch))
			return n;
		pid = leaks_parent_of(r, pid);
	}
	return 0; /* it comes from elsewhere */
}

/** @return false: PID is no pytest that runs tests. */
static bool answer(struct run *r, question_vec *all, pid_t pid, struct arena *arena)
{
	struct stacks_moment at[TOGETHER_MOST];
	bool known;

	for (size_t i = 0; i < all->n; i++)
		at[i] = all->at[i].at;
	known = stacks_tests(r->stacks, arena, pid, at, all->n);
	for (size_t i = 0; known && i < all->n; i++)
		if (at[i].test)
			all->at[i].asked->test = arena_strdup(r->leaks->arena, at[i].test);
	return known;
}

/** All that one process has made. */
static void ask_line(struct run *r, question_vec *all)
{
	struct arena *arena = arena_new();
	pid_t line[DEPTH_MOST];

	if (!r->stacks)
		r->stacks = stacks_new();
	for (size_t n = line_of(r, all->at[0].who, line); n-- > 0;)
		if (answer(r, all, line[n], arena))
			break;
	arena_free(arena);
}

void leaks_ask(struct run *r, int64_t now_ns)
{
	struct leaks *l = r->leaks;
	question_vec all = {0};

	check_clock(l);
	if (l->asked >= ASKS_MOST || now_ns < l->ask_again_ns || !l->wall_since_ns)
		return;
	add_all(r, &all, FIRST_NS, now_ns);
	if (all.n) {
		add_all(r, &all, 0, now_ns); /* on the same way: their turn might come too late */
		ask_line(r, &all);
		l->asked++;
		l->ask_again_ns = now_ns + GAP_NS;
	}
	vec_free(&all);
}
