/* One look at a task that stands still: its state, its call, what the call points to. Once per block, however long it
 * blocks. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "observe/state.h"

void look_free(struct look *l)
{
	mem_free(l->fds);
	*l = (struct look){0};
}

static void look_live(struct look *l, const char *why)
{
	l->op = WAIT_RUN;
	l->why = why;
}

static bool read_task_file(struct observe *ob, pid_t pid, pid_t tid, const char *name)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/task/%d/%s", pid, tid, name);
	return sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) == 0;
}

static bool look_stat(struct observe *ob, struct seen_process *p, struct seen_task *t)
{
	struct stat_line stat;

	if (!read_task_file(ob, p->pid, t->tid, "stat") || parse_stat(text_str(&ob->scratch), ob->scratch.n, &stat))
		return false;
	t->look.state = stat.state;
	snprintf(t->look.comm, sizeof t->look.comm, "%.31s", stat.comm);
	text_clean(t->look.comm, strlen(t->look.comm));
	return true;
}

/** A poll without a timeout goes on under another number after a stop and SIGCONT, or a signal that was dropped under a tracer: with its
 *  registers as they were, and no end of its own (do_restart_poll() in fs/select.c). What else goes on so has a timeout, which no register
 *  tells any more: sleeps and futexes wait elsewhere (hrtimer_nanosleep(), futex_wait_restart()). */
static bool is_poll_again(struct observe *ob, const struct seen_process *p, const struct seen_task *t, const struct syscall_line *line)
{
	return line->number == SYS_restart_syscall && (int)(uint32_t)line->args[2] < 0 &&
	       read_task_file(ob, p->pid, t->tid, "wchan") && strncmp(text_str(&ob->scratch), "poll_schedule_timeout", 21) == 0;
}

/* Functions in which the kernel holds up a task that is in a call on behalf of somebody else: what the call waits for may be there long
 * since. fs/userfaultfd.c, kernel/seccomp.c, fs/fuse/dev.c; a frozen group of control (kernel/cgroup/freezer.c) sleeps on its way to a
 * signal. The compiler may add to a name, so its beginning counts. */
static const char *const held_up_in[] = {"handle_userfault", "seccomp_do_user_notification", "request_wait_answer", "fuse_",
					 "do_freezer_trap", "cgroup_enter_frozen", "__refrigerator", "get_signal"};

static bool is_held_up(struct observe *ob, const struct seen_process *p, const struct seen_task *t)
{
	if (!read_task_file(ob, p->pid, t->tid, "wchan"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(held_up_in); i++)
		if (strncmp(text_str(&ob->scratch), held_up_in[i], strlen(held_up_in[i])) == 0)
			return true;
	return false;
}

static void look_call(struct observe *ob, struct seen_process *p, struct seen_task *t)
{
	struct look *l = &t->look;
	struct syscall_line line;

	if (!read_task_file(ob, p->pid, t->tid, "syscall")) {
		look_live(l, "its system call can't be read");
		return;
	}
	if (parse_syscall(text_str(&ob->scratch), ob->scratch.n, &line) || line.running) {
		look_live(l, "runs");
		return;
	}
	l->call = is_poll_again(ob, p, t, &line) ? SYS_poll : line.number;
	memcpy(l->args, line.args, sizeof l->args);
	if (is_held_up(ob, p, t))
		look_live(l, "the kernel holds it up in its call");
	else
		look_decode(p->pid, t->tid, l);
}

static void look_state(struct observe *ob, struct seen_process *p, struct seen_task *t)
{
	struct look *l = &t->look;

	switch (l->state) {
	case 'Z':
	case 'X':
		l->op = WAIT_DEAD;
		break;
	case 'T':
		l->op = WAIT_STOPPED;
		break;
	case 't':
		l->op = WAIT_TRACED;
		break;
	case 'S':
	case 'D':
		look_call(ob, p, t);
		break;
	case 'R':
		look_live(l, "runs");
		break;
	default:
		look_live(l, "in an unknown state");
	}
}

/** States in which a task does nothing until it is put on a CPU again, which counts. */
static bool asleep(char state)
{
	return state && strchr("SDTtZX", state) != NULL;
}

void look_task(struct observe *ob, struct seen_process *p, struct seen_task *t)
{
	uint64_t runs;

	if (t->look.valid && t->known && !t->refused && t->look.runs == t->runs)
		return;
	look_free(&t->look);
	t->look.call = -1;
	t->look.deadline_ns = NEVER_NS;
	if (!look_stat(ob, p, t)) {
		look_live(&t->look, "can't be looked at");
		return;
	}
	t->look.asleep_ns = sys_monotonic_ns();
	look_state(ob, p, t);

	bool slept = asleep(t->look.state) && !(t->look.why && strcmp(t->look.why, "runs") == 0);

	if (!slept)
		return;
	/* The state was read behind the counter, and the counter again behind all else: if they agree, it slept all the
	 * while. */
	if (t->refused || task_count(ob, p, t, &runs) != 0 || !t->known || runs != t->runs) {
		look_live(&t->look, "moved while it was looked at");
		return;
	}
	t->look.runs = runs;
	t->look.valid = true;
}
