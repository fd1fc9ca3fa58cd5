/* The listener of the seccomp filter: each trapped call waits until it is answered, and the answer always is "go on". Nobody is a
 * tracee (seccomp_unotify(2)). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "launch/trace.h"
#include "parse/parse.h"

struct listener {
	int fd;
	struct guard_page *page;
	struct heard *heard; /* NULL: only answer */
};

static void go_on(int fd, uint64_t id)
{
	struct seccomp_notif_resp answer = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	while (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 && errno == EINTR)
		; /* ENOENT: it was killed, or a signal has cut the call short */
}

static pid_t process_of(pid_t tid)
{
	struct status_lines lines;
	char path[32];
	OWNED_TEXT status = {0};

	if (!syscall(SYS_tgkill, tid, tid, 0)) /* a first thread: it is in a group of its own number */
		return tid;
	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	if (sys_read_file(AT_FDCWD, path, &status, NULL) || parse_status(text_str(&status), status.n, &lines))
		return tid;

	const char *line = strstr(text_str(&status), "\nTgid:");

	return line ? (pid_t)strtol(line + strlen("\nTgid:"), NULL, 10) : tid;
}

/** The call has not happened yet: whether it will succeed, and which port it gets, is not known. */
static void tell(const struct listener *l, const struct seccomp_notif *call)
{
	pid_t tid = (pid_t)call->pid, pid = process_of(tid);
	struct trapped t;
	uint64_t args[6], id = call->id;
	int type = 0;

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = call->data.args[i];

	bool known = trapped_read(tid, call->data.nr, args, &t);
	bool socket = known && (t.kind == EVENT_BIND || t.kind == EVENT_LISTEN);

	if (socket)
		trapped_ask_socket(pid, tid, &t, t.kind == EVENT_LISTEN, &type);
	/* what was read was the caller's only if it still waits: its number may be another's by now */
	if (!known || ioctl(l->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return;

	struct event ev = trapped_event(&t, pid, tid);

	ev.source = FROM_LISTENER;
	ev.socket_type = type;
	ev.error = socket ? -1 : 0;
	heard_event(l->heard, ev);
}

/** The notification lies in the page that the outer process shares: should we die now, it knows whom it owes an answer. */
static void answer_one(const struct listener *l)
{
	struct seccomp_notif *call = &l->page->owed.call;

	memset(&l->page->owed, 0, sizeof l->page->owed); /* the kernel wants it so (seccomp_unotify(2)) */
	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, call) < 0)
		return;
	if (l->heard)
		tell(l, call);
	go_on(l->fd, call->id);
}

static void *listener_main(void *arg)
{
	struct listener *l = arg;
	struct pollfd wait = {.fd = l->fd, .events = POLLIN};

	prctl(PR_SET_NAME, "tw-listener");
	for (;;) {
		if (poll(&wait, 1, -1) < 0)
			continue; /* EINTR: around a stop of ours */
		if (wait.revents & POLLIN)
			answer_one(l);
		else if (wait.revents & (POLLHUP | POLLERR | POLLNVAL))
			break; /* nobody with the filter is left */
	}
	close(l->fd);
	free(l);
	return NULL;
}

int listener_start(int fd, struct guard_page *page, struct heard *heard)
{
	struct listener *l = mem_alloc(sizeof *l);
	pthread_t thread;
	int rc;

	*l = (struct listener){.fd = fd, .page = page, .heard = heard};
	rc = pthread_create(&thread, NULL, listener_main, l);
	if (rc) {
		close(fd);
		free(l);
		return -rc;
	}
	pthread_detach(thread);
	return 0;
}

void listener_adopt(int fd, struct guard_page *page)
{
	if (page->owed.call.id) /* answered already: harmless */
		go_on(fd, page->owed.call.id);
	listener_start(fd, page, NULL);
}
