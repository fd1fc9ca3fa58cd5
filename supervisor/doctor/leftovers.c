/* What is left of earlier runs. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <wordexp.h>

#include "doctor/doctor.h"

enum { CLIMB_MOST = 64 };

/* ---- whose is a process? ---- */

/** We, and whoever has started us. */
static bool is_above_us(pid_t pid)
{
	pid_t at = getpid();
	struct process_facts facts;

	for (int i = 0; i < CLIMB_MOST && at > 1; i++) {
		if (at == pid)
			return true;
		if (!observe_facts(at, &facts))
			return false;
		at = facts.parent;
	}
	return false;
}

/** A run may be an orphan itself: `nohup pytest &`, and the shell has gone. A name may keep somebody alive, never the other way round. */
static bool is_runner(const struct process_facts *who)
{
	return strcmp(who->label, "pytest") == 0 || strncmp(who->label, "tracewrap", strlen("tracewrap")) == 0;
}

/** Orphaned, or below an orphan of this checkout, and no run of tests goes on above it: who has a test in its environment has it from the
 *  first one above who has none, and while that one lives, so does the run. */
static bool is_orphaned(const struct process_facts *who)
{
	struct process_facts at = *who, above;

	for (int i = 0; i < CLIMB_MOST; i++) {
		if (is_runner(&at))
			return false;
		if (at.orphan)
			return true;
		if (!observe_facts(at.parent, &above) || !above.in_checkout || (*who->test && !*above.test))
			return false;
		at = above;
	}
	return false;
}

/** A shell or an editor may stand in a checkout, and live on when its terminal has gone: a folder alone ties a Python only. */
static bool is_tied(const struct process_facts *who)
{
	return (who->ties & (TIE_PROGRAM | TIE_VENV)) || (who->ties && (who->python || *who->test));
}

static enum left_owner owner_of(const struct process_facts *who)
{
	if (!is_tied(who))
		return LEFT_STRANGER;
	if (!is_orphaned(who))
		return LEFT_RUNNING;
	return *who->test ? LEFT_OURS : LEFT_PERHAPS;
}

/* ---- addresses ---- */

static bool look_ports(const struct doctor_where *where, leftover_vec *out)
{
	size_t before = out->n;

	for (size_t i = 0; i < where->nports; i++) {
		facts_vec who = {0};

		observe_holders("tcp", where->ports[i], &who);
		for (size_t k = 0; k < who.n; k++) {
			struct leftover l = {.kind = LEFT_ADDRESS, .owner = owner_of(&who.at[k]), .who = who.at[k]};

			if (l.owner == LEFT_PERHAPS)
				l.owner = LEFT_OURS; /* an orphan of this checkout with an address of this project */
			snprintf(l.name, sizeof l.name, "%s", where->ports[i]);
			vec_push(out, l);
		}
		vec_free(&who);
	}
	return out->n > before;
}

/* ---- files ---- */

/** The files that PATTERN, with variables and "~", stands for. */
static bool expand(const char *pattern, glob_t *found)
{
	wordexp_t words;
	bool any;

	/* Commands are refused, and a variable that is not set: an unset one would make it look into the root folder. */
	if (wordexp(pattern, &words, WRDE_NOCMD | WRDE_UNDEF) != 0)
		return false;
	any = words.we_wordc > 0;
	for (size_t i = 0; i < words.we_wordc; i++)
		if (glob(words.we_wordv[i], i ? GLOB_APPEND : 0, NULL, found) != 0 && i == 0) {
			any = false;
			break;
		}
	wordfree(&words);
	return any;
}

/** Nobody answers: sock_diag(7) knows our network namespace alone, while a path leads to a socket of any (unix(7)). */
static bool is_refused(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWNED_FD fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno == ECONNREFUSED;
}

static bool is_stale_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && !observe_socket_in_use(st.st_ino, st.st_dev) && is_refused(path, SOCK_STREAM);
}

static void add_file(enum left_kind kind, const char *path, leftover_vec *out)
{
	struct leftover l = {.kind = kind, .owner = LEFT_OURS};
	struct stat st;

	for (size_t i = 0; i < out->n; i++)
		if (out->at[i].kind == kind && strcmp(out->at[i].name, path) == 0)
			return;
	if (strlen(path) >= sizeof l.name)
		return;
	if (lstat(path, &st) == 0 && st.st_uid != geteuid())
		l.owner = LEFT_STRANGER;
	strcpy(l.name, path);
	vec_push(out, l);
}

static bool look_sockets(const struct doctor_where *where, leftover_vec *out)
{
	size_t before = out->n;

	for (size_t i = 0; where->sockets && i < where->sockets->n; i++) {
		glob_t found = {0};

		if (!expand(where->sockets->items[i], &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			if (is_stale_socket(found.gl_pathv[k]))
				add_file(LEFT_SOCKET, found.gl_pathv[k], out);
		globfree(&found);
	}
	return out->n > before;
}

/** Those that Python's multiprocessing.shared_memory names so, unless the settings say otherwise. */
static void look_shm(const struct doctor_where *where, leftover_vec *out)
{
	static const char *const usual[] = {"psm_*"};
	const char *const *patterns = where->shm ? where->shm->items : usual;
	size_t n = where->shm ? where->shm->n : ARRAY_SIZE(usual);
	shm_vec files = {0};

	observe_shm_list(&files);
	for (size_t i = 0; i < files.n; i++) {
		char path[300];
		bool wanted = false;

		for (size_t k = 0; k < n; k++)
			wanted |= config_glob(patterns[k] + (strncmp(patterns[k], "/dev/shm/", 9) == 0 ? 9 : 0), files.at[i].name);
		snprintf(path, sizeof path, "/dev/shm/%s", files.at[i].name);
		if (wanted && !observe_shm_in_use(&files.at[i]))
			add_file(LEFT_SHM, path, out);
	}
	vec_free(&files);
}

/* ---- processes ---- */

static bool is_known(const leftover_vec *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].who.pid == pid)
			return true;
	return false;
}

static void look_processes(leftover_vec *out)
{
	int_vec pids = {0};

	if (sys_list_numbers(AT_FDCWD, "/proc", &pids, NULL))
		return;
	for (size_t i = 0; i < pids.n; i++) {
		struct leftover l = {.kind = LEFT_PROCESS};

		if (pids.at[i] == getpid() || is_known(out, pids.at[i]) || !observe_facts(pids.at[i], &l.who) || l.who.state == 'Z')
			continue;
		if (!l.who.in_checkout || is_above_us(pids.at[i]))
			continue;
		l.owner = owner_of(&l.who);
		if (l.owner == LEFT_OURS || l.owner == LEFT_PERHAPS)
			vec_push(out, l);
	}
	vec_free(&pids);
}

/** Asked for by its number: whatever it is. */
static void look_below(pid_t parent, leftover_vec *out)
{
	process_vec below = {0};

	if (sys_descendants(parent, NULL, 0, &below, NULL))
		return;
	for (size_t i = 0; i < below.n; i++) {
		struct leftover l = {.kind = LEFT_PROCESS, .owner = LEFT_OURS};

		if (!is_known(out, below.at[i].pid) && observe_facts(below.at[i].pid, &l.who) && l.who.state != 'Z' && !is_above_us(below.at[i].pid))
			vec_push(out, l);
	}
	vec_free(&below);
}

bool doctor_look(const struct doctor_where *where, leftover_vec *out)
{
	bool held = look_ports(where, out), stale = look_sockets(where, out);

	if (where->processes) {
		look_processes(out);
		look_shm(where, out);
	}
	if (where->parent)
		look_below(where->parent, out);
	return held || stale;
}

/* ---- in words ---- */

const char *doctor_owner_name(enum left_owner owner)
{
	static const char *const names[] = {"this checkout's, of an earlier run", "an orphan of this checkout", "of a run of this checkout that goes on",
					    "somebody else's"};

	return names[owner];
}

static void add_age(int64_t started_ns, struct text *out)
{
	int64_t s = (sys_monotonic_ns() - started_ns) / NS_PER_S;

	if (s < 120)
		text_addf(out, "%lld s ago", (long long)(s < 0 ? 0 : s));
	else if (s < 7200)
		text_addf(out, "%lld min ago", (long long)(s / 60));
	else
		text_addf(out, "%lld h ago", (long long)(s / 3600));
}

void doctor_words(const struct leftover *left, struct text *out)
{
	if (left->kind == LEFT_ADDRESS)
		text_addf(out, "%s is held by ", left->name);
	if (left->kind == LEFT_SOCKET || left->kind == LEFT_SHM) {
		text_addf(out, left->kind == LEFT_SOCKET ? "%s is a socket that nobody listens on" : "%s is shared memory that nobody uses", left->name);
		text_add(out, left->owner == LEFT_STRANGER ? ", of another user" : "");
		return;
	}
	text_addf(out, "%s[%d], started ", left->who.label, (int)left->who.pid);
	add_age(left->who.started_ns, out);
	text_addf(out, ", %s", doctor_owner_name(left->owner));
	if (*left->who.test)
		text_addf(out, ", by %s", left->who.test);
	text_addf(out, ": %.160s", left->who.command);
}
