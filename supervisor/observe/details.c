/* What a process has: descriptors, signal dispositions, timers, arguments. Read through a thread that lives, for the tables
 * of a thread-group leader that has ended are empty while its other threads run on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "observe/state.h"

void details_free(struct details *d)
{
	vec_free(&d->fds);
	text_free(&d->names);
	text_free(&d->cmdline);
	*d = (struct details){0};
}

static pid_t living_thread(const struct seen_process *p)
{
	for (size_t i = 0; i < p->tasks.n; i++) {
		char state = p->tasks.at[i].look.state;

		if (state && state != 'Z' && state != 'X')
			return p->tasks.at[i].tid;
	}
	return 0;
}

/** FIFOs and folders are files by their links. A FIFO that was deleted under one name may have another. AT_STATX_DONT_SYNC: a file
 *  of a dead server must not hold us up (statx(2)). */
static void look_at_file(int dir_fd, const char *path, struct seen_fd *f)
{
	struct statx st;

	if (statx(dir_fd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO | STATX_NLINK, &st) < 0)
		return;
	f->fifo = S_ISFIFO(st.stx_mode);
	f->folder = S_ISDIR(st.stx_mode);
	f->named = f->fifo && st.stx_nlink > 0;
	f->id = st.stx_ino;
	f->device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
}

static unsigned ends_of(enum link_kind kind, unsigned flags)
{
	static const unsigned by_access[] = {END_READ, END_WRITE, END_BOTH, 0};

	switch (kind) {
	case LINK_FILE:
	case LINK_PIPE:
	case LINK_PTS:
	case LINK_PTMX:
	case LINK_TTY:
	case LINK_DEVICE:
		return by_access[flags & O_ACCMODE];
	case LINK_SOCKET:
	case LINK_EVENTFD:
	case LINK_EPOLL:
	case LINK_TIMERFD:
	case LINK_SIGNALFD:
	case LINK_PIDFD:
	case LINK_INOTIFY:
	case LINK_IO_URING:
	case LINK_ANON:
		return END_BOTH;
	}
	return END_BOTH;
}

/** Which pseudoterminal /dev/tty was when PID's FD was opened: the file knows it by its number (TIOCGDEV: tty_devnum() of the real one in
 *  drivers/tty/tty_io.c). 136: UNIX98_PTY_SLAVE_MAJOR. Otherwise, or where it may not be asked, F stays a device that nothing is known of. */
static void look_for_terminal(pid_t pid, int fd, struct seen_fd *f)
{
	OWNED_FD copy = sys_copy_fd(pid, fd);
	unsigned device;

	if (copy < 0 || ioctl(copy, TIOCGDEV, &device) < 0 || major(device) != 136)
		return;
	f->kind = LINK_PTS;
	f->id = minor(device);
}

static void read_descriptor(struct observe *ob, pid_t pid, struct details *d, int dir_fd, int fd)
{
	struct seen_fd f = {.fd = fd, .name = d->names.n};
	char path[32], link[4096];
	struct fdinfo info;

	snprintf(path, sizeof path, "fd/%d", fd);
	if (sys_readlink(dir_fd, path, link, sizeof link, NULL))
		return; /* closed meanwhile: its owner moved */

	struct link_target to = parse_link(link, strlen(link));
	proc_path info_path;

	snprintf(info_path, sizeof info_path, "fdinfo/%d", fd);
	if (sys_read_file(dir_fd, info_path, &ob->scratch, NULL) ||
	    parse_fdinfo(text_str(&ob->scratch), ob->scratch.n, &info) || info.flags & O_PATH)
		return;
	f.notifies = info.flags & O_ASYNC || parse_fdinfo_lease(text_str(&ob->scratch), ob->scratch.n);
	f.kind = to.kind;
	f.ends = ends_of(to.kind, info.flags);
	f.id = to.kind == LINK_PTMX ? info.tty_index : to.number;
	f.inode = info.inode ? info.inode : to.number;
	if (to.kind == LINK_EVENTFD)
		f.id = info.has_eventfd_id ? info.eventfd_id : UINT64_MAX;
	if (to.kind == LINK_FILE)
		look_at_file(dir_fd, path, &f);
	if (to.kind == LINK_TTY)
		look_for_terminal(pid, fd, &f);
	d->has_ring = d->has_ring || to.kind == LINK_IO_URING;
	text_addn(&d->names, link, strlen(link) + 1);
	vec_push(&d->fds, f);
}

static void read_descriptors(struct observe *ob, pid_t pid, struct details *d, int dir_fd)
{
	int_vec numbers = {0};

	d->readable = sys_list_numbers(dir_fd, "fd", &numbers, NULL) == 0;
	for (size_t i = 0; i < numbers.n; i++)
		read_descriptor(ob, pid, d, dir_fd, numbers.at[i]);
	vec_free(&numbers);
}

static ino_t namespace_of(int dir_fd, const char *path)
{
	struct stat st;

	return fstatat(dir_fd, path, &st, 0) < 0 ? 0 : st.st_ino;
}

/** `timers` lists armed and disarmed ones alike (timer_create(2)). Kernels without CONFIG_CHECKPOINT_RESTORE lack it. */
static bool has_timers(struct observe *ob, const struct seen_process *p)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/timers", p->pid);

	int rc = sys_read_file(ob->proc_fd, path, &ob->scratch, NULL);

	if (rc == SYS_GONE)
		ob->no_timers_file = true;
	return rc != 0 || ob->scratch.n > 0;
}

/** Kernel AIO tells of its end by an eventfd (IOCB_FLAG_RESFD in io_submit(2)); what shows it is its ring, a mapping (fs/aio.c). */
static bool has_aio(struct observe *ob, const struct details *d, int dir_fd)
{
	struct mapping m;
	bool any = false;

	for (size_t i = 0; i < d->fds.n; i++)
		any = any || d->fds.at[i].kind == LINK_EVENTFD;
	if (!any || sys_read_file(dir_fd, "maps", &ob->scratch, NULL))
		return any;
	for (struct cursor c = {text_str(&ob->scratch), ob->scratch.n}; parse_next_mapping(&c, &m);)
		if (m.path_len >= 6 && memcmp(m.path, "/[aio]", 6) == 0)
			return true;
	return false;
}

static void read_all(struct observe *ob, struct seen_process *p, struct details *d)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/task/%d", p->pid, d->lead);

	OWNED_FD dir_fd = openat(ob->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return;
	if (sys_read_file(dir_fd, "status", &ob->scratch, NULL) == 0)
		parse_status(text_str(&ob->scratch), ob->scratch.n, &d->status);
	sys_read_file(dir_fd, "cmdline", &d->cmdline, NULL);
	read_descriptors(ob, p->pid, d, dir_fd);
	if (!d->readable)
		return;
	d->foreign_net = namespace_of(dir_fd, "ns/net") != ob->net_ns;
	d->posix_timers = has_timers(ob, p);
	d->has_aio = has_aio(ob, d, dir_fd);
	d->file_signals = notices_may_come(p, d);
}

/** Group, terminal and parent are others' to change, so they are read each time. */
static void read_stat(struct observe *ob, struct seen_process *p)
{
	proc_path path;
	struct stat_line stat;

	snprintf(path, sizeof path, "%d/stat", p->pid);
	if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) == 0 &&
	    parse_stat(text_str(&ob->scratch), ob->scratch.n, &stat) == 0)
		p->stat = stat;
}

void details_read(struct observe *ob, struct seen_process *p)
{
	pid_t lead = living_thread(p);

	read_stat(ob, p);
	if (p->details.valid && !p->details.shares_fds && p->details.lead == lead)
		return;

	bool shares = p->details.shares_fds;

	details_free(&p->details);
	p->details.lead = lead;
	p->details.shares_fds = shares;
	if (lead && !p->hidden)
		read_all(ob, p, &p->details);
}
