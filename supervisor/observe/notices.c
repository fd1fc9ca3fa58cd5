/* Signals that files send: nothing that a process waits for shows them, and they end any wait. Who is told, and by which signal, is kept
 * with the open file (F_SETOWN, F_SETSIG in fcntl(2)). Queues tell by a signal as well, mq_notify(3). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "observe/state.h"

/* MQUEUE_MAGIC of ipc/mqueue.c */
#define QUEUES 0x19800202

static bool has(uint64_t mask, int sig)
{
	return mask >> (sig - 1) & 1;
}

/** Somebody is to be told of it: F_NOTIFY sets that for a folder, F_SETOWN for the urgent data of a socket. */
static bool has_owner(pid_t pid, int fd)
{
	OWNED_FD copy = sys_copy_fd(pid, fd);
	struct f_owner_ex owner = {0};

	return copy < 0 || fcntl(copy, F_GETOWN_EX, &owner) < 0 || owner.pid != 0;
}

/** A message queue is "/name" by its link. */
static bool is_queue(const struct seen_process *p, const struct seen_fd *f, const char *link)
{
	struct statfs fs;
	char path[96];

	if (f->kind != LINK_FILE || *link != '/' || strchr(link + 1, '/'))
		return false;
	snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%d", p->pid, p->details.lead, f->fd);
	return statfs(path, &fs) == 0 && fs.f_type == QUEUES;
}

/** "QSIZE:0 NOTIFY:0 SIGNO:10 NOTIFY_PID:8260" (mq_overview(7)); where we may not read, somebody may be. */
static bool queue_tells(pid_t pid, int fd)
{
	OWNED_FD copy = sys_copy_fd(pid, fd);
	char text[128] = "";
	const char *at;
	ssize_t n = copy < 0 ? -1 : pread(copy, text, sizeof text - 1, 0);

	at = n < 0 ? NULL : strstr(text, "NOTIFY_PID:");
	return !at || strtol(at + strlen("NOTIFY_PID:"), NULL, 10) != 0;
}

bool notices_may_come(const struct seen_process *p, const struct details *d)
{
	uint64_t taken = d->status.caught | d->status.blocked;
	bool urgent = has(taken, SIGURG) || has(taken, SIGIO);

	for (size_t i = 0; i < d->fds.n; i++) {
		const struct seen_fd *f = &d->fds.at[i];

		if (f->notifies || ((f->folder || (f->kind == LINK_SOCKET && urgent)) && has_owner(p->pid, f->fd)))
			return true;
		if (is_queue(p, f, text_str(&d->names) + f->name) && queue_tells(p->pid, f->fd))
			return true;
	}
	return false;
}
