/* mkname NAME waits at, or on, something that others may reach by a name, or that nobody can any more; "ready PID PID" as mkwait prints it. */
#include <linux/fuse.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "mkwait.h"

/* ---- sockets ---- */

static int bound(int type, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = need(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket");

	memcpy(a.sun_path, name, strlen(name + 1) + 1);
	need(bind(fd, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name + 1) + 1)), "bind");
	return fd;
}

static char *path_of(const char *what)
{
	static char path[2][64];
	static int n;
	char *p = path[n++ % 2];

	snprintf(p, sizeof path[0], "/tmp/mkname-%s-%d", what, getpid());
	return p;
}

static void accept_on(int fd)
{
	need(listen(fd, 4), "listen");
	ready(0);
	accept(fd, NULL, NULL);
}

static void abstract_accept(void)
{
	char name[64] = "";

	snprintf(name + 1, sizeof name - 1, "mkname-%d", getpid());
	accept_on(bound(SOCK_STREAM, name));
}

static void path_accept(void)
{
	accept_on(bound(SOCK_SEQPACKET, path_of("socket")));
}

static void path_gone_accept(void)
{
	char *path = path_of("socket");
	int fd = bound(SOCK_STREAM, path);

	need(unlink(path), "unlink");
	accept_on(fd);
}

/** The name that it was bound by is gone, and it has another. */
static void path_renamed_accept(void)
{
	char *path = path_of("socket");
	int fd = bound(SOCK_STREAM, path);

	need(rename(path, path_of("renamed")), "rename");
	accept_on(fd);
}

static void receive(int fd)
{
	char c;

	ready(0);
	recv(fd, &c, 1, 0);
}

static void dgram_path(void)
{
	receive(bound(SOCK_DGRAM, path_of("dgram")));
}

static void dgram_path_gone(void)
{
	char *path = path_of("dgram");
	int fd = bound(SOCK_DGRAM, path);

	need(unlink(path), "unlink");
	receive(fd);
}

static void dgram_unnamed(void)
{
	receive(need(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
}

static void dgram_pair(void)
{
	int fd[2];

	need(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd), "socketpair");
	receive(fd[0]);
}

static int udp(struct sockaddr_in *name)
{
	socklen_t size = sizeof *name;
	int fd = need(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");

	*name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	need(bind(fd, (void *)name, size), "bind");
	need(getsockname(fd, (void *)name, &size), "getsockname");
	return fd;
}

static void udp_recv(void)
{
	struct sockaddr_in name;

	receive(udp(&name));
}

static void udp_connected(void)
{
	struct sockaddr_in name;
	int fd;

	udp(&name);
	fd = need(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	need(connect(fd, (void *)&name, sizeof name), "connect");
	receive(fd);
}

/** Nobody has the address that it is connected to. */
static void udp_outside(void)
{
	struct sockaddr_in name;
	int fd = udp(&name);

	name.sin_port = htons(9);
	need(connect(fd, (void *)&name, sizeof name), "connect");
	receive(fd);
}

static void tcp_accept(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = need(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	need(bind(fd, (void *)&name, sizeof name), "bind");
	accept_on(fd);
}

/* ---- files ---- */

static void read_fifo(bool other_name)
{
	char *path = path_of("fifo");
	int fd;

	need(mkfifo(path, 0600), "mkfifo");
	fd = need(open(path, O_RDWR | O_CLOEXEC), "open");
	if (other_name)
		need(link(path, path_of("other")), "link");
	need(unlink(path), "unlink");
	ready(0);
	read_one(fd);
}

static void fifo_linked(void)
{
	read_fifo(true);
}

static void fifo_gone(void)
{
	read_fifo(false);
}

static void wait_on(sem_t *s)
{
	if (s == MAP_FAILED)
		skip("mmap");
	ready(0);
	sem_wait(s);
}

static void sem_named(void)
{
	wait_on(sem_open(path_of("s") + 4, O_CREAT | O_EXCL, 0600, 0));
}

/** As multiprocessing and loky name theirs. */
static sem_t *make_random(const char *before, const char *after, mode_t mode, char name[40])
{
	umask(0);
	snprintf(name, 40, "/%s-mk%06d%s", before, (int)getpid() % 1000000, after);
	return sem_open(name, O_CREAT | O_EXCL, mode, 0);
}

static void sem_random(void)
{
	char name[40];

	wait_on(make_random("mp", "", 0600, name));
}

static void sem_random_opened(void)
{
	char name[40];

	if (make_random("mp", "", 0600, name) == SEM_FAILED)
		skip("sem_open");
	execl("/proc/self/exe", "mkname", "sem-open", name, NULL);
}

static void sem_random_loky(void)
{
	char name[40];

	wait_on(make_random("loky-4711", "", 0600, name));
}

static void sem_random_for_all(void)
{
	char name[40];

	wait_on(make_random("mp", "", 0666, name));
}

static void sem_random_twice(void)
{
	char name[40], from[60], to[60];
	sem_t *s = make_random("mp", "", 0600, name);

	snprintf(from, sizeof from, "/dev/shm/sem.%s", name + 1);
	snprintf(to, sizeof to, "/dev/shm/sem.x%s", name + 1);
	need(link(from, to), "link");
	wait_on(s);
}

static void sem_random_longer(void)
{
	char name[40];

	wait_on(make_random("mp", "0", 0600, name));
}

static void sem_gone(void)
{
	char *name = path_of("s") + 4;
	sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 0);

	need(sem_unlink(name), "sem_unlink");
	wait_on(s);
}

static void map_and_wait(int fd)
{
	sem_t *s;

	need(ftruncate(fd, 4096), "ftruncate");
	s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		skip("mmap");
	sem_init(s, 1, 0);
	wait_on(s);
}

static void map_memfd(void)
{
	map_and_wait(need(memfd_create("mkname", MFD_CLOEXEC), "memfd_create"));
}

static void map_file(void)
{
	map_and_wait(need(open(path_of("map"), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open"));
}

static void map_file_gone(void)
{
	char *path = path_of("map");
	int fd = need(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open");

	need(unlink(path), "unlink");
	map_and_wait(fd);
}

static void map_sysv(void)
{
	int id = need(shmget(IPC_PRIVATE, 4096, 0600), "shmget");
	sem_t *s = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL); /* others may attach it until the last one lets go */
	sem_init(s, 1, 0);
	wait_on(s);
}

static void sysv_message(void)
{
	struct {
		long type;
		char text[1];
	} m;
	int id = need(msgget(IPC_PRIVATE, 0600), "msgget");

	ready(0);
	msgrcv(id, &m, 1, 0, 0);
}

static void sysv_semaphore(void)
{
	struct sembuf down = {.sem_op = -1};
	int id = need(semget(IPC_PRIVATE, 1, 0600), "semget");

	ready(0);
	semop(id, &down, 1);
}

/* ---- locks ---- */

/** Its child has FIRST; itself one of the second byte; what it waits for is LENGTH bytes from START. */
static void lock_file(const char *path, off_t start, off_t length)
{
	struct flock own = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};
	struct flock wanted = {.l_type = F_WRLCK, .l_start = start, .l_len = length};
	int fd = need(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), path), done[2];
	pid_t pid;
	char c;

	make_pipe(done);
	pid = need(fork(), "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(fd, F_SETLK, &own);
		close(done[0]);
		close(done[1]);
		for (;;)
			pause();
	}
	close(done[1]);
	if (read(done[0], &c, 1) < 0)
		skip("read");
	ready(pid);
	fcntl(fd, F_SETLKW, &wanted);
}

/** The first byte of the file MKNAME_LOCK belongs to whoever made it, the second to the child. */
static void lock_first(void)
{
	lock_file(getenv("MKNAME_LOCK"), 0, 1);
}

static void lock_second(void)
{
	lock_file(getenv("MKNAME_LOCK"), 1, 1);
}

/** On a file system that is none of those which only processes of this machine lock. */
static void lock_odd(void)
{
	int one = need(open("/proc/version", O_RDONLY | O_CLOEXEC), "open"), other = need(open("/proc/version", O_RDONLY | O_CLOEXEC), "open");

	need(flock(one, LOCK_EX), "flock");
	ready(0);
	flock(other, LOCK_EX);
}

/* ---- a file system that a process serves ---- */

static void answer(int fd, const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	struct fuse_out_header out = {.len = (uint32_t)(sizeof out + size), .error = error, .unique = in->unique};
	struct iovec parts[2] = {{&out, sizeof out}, {(void *)(uintptr_t)data, size}};

	if (writev(fd, parts, size ? 2 : 1) < 0)
		_exit(1);
}

static const struct fuse_attr file = {.ino = 2, .size = 4096, .mode = S_IFREG | 0600, .nlink = 1};

/** One file, the reads of which are never answered. The requests are those of fuse(4). */
static void serve_one(int fd, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 26, .max_write = 4096};
	struct fuse_entry_out entry = {.nodeid = 2, .attr = file};
	struct fuse_attr_out attr = {.attr = file};
	struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};

	if (in->opcode == FUSE_INIT)
		answer(fd, in, 0, &init, 24); /* its size before minor 23 is all that is needed: FUSE_COMPAT_22_INIT_OUT_SIZE */
	else if (in->opcode == FUSE_LOOKUP)
		answer(fd, in, 0, &entry, sizeof entry);
	else if (in->opcode == FUSE_GETATTR)
		answer(fd, in, 0, &attr, sizeof attr);
	else if (in->opcode == FUSE_OPEN)
		answer(fd, in, 0, &opened, sizeof opened);
	else if (in->opcode != FUSE_READ && in->opcode != FUSE_FORGET)
		answer(fd, in, -ENOSYS, NULL, 0);
}

static void fuse_read(void)
{
	static _Alignas(struct fuse_in_header) char request[65536 * 2];
	char options[128], *folder = path_of("fuse"), path[96];
	int fd = need(open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse");

	need(unshare(CLONE_NEWNS), "unshare");
	need(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	need(mkdir(folder, 0700), "mkdir");
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	need(mount("mkname", folder, "fuse", 0, options), "mount");
	snprintf(path, sizeof path, "%s/file", folder);
	if (need(fork(), "fork") == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fd); /* when the server ends, its last one is closed, and the reader gets an error */
		fd = need(open(path, O_RDONLY | O_CLOEXEC), path);
		ready(getppid());
		read_one(fd);
		_exit(0);
	}
	while (read(fd, request, sizeof request) > 0)
		serve_one(fd, (const void *)request);
}

static const struct {
	const char *name;
	void (*run)(void);
} situations[] = {
	{"fuse-read", fuse_read},
	{"tcp-accept", tcp_accept}, {"abstract-accept", abstract_accept}, {"path-accept", path_accept},
	{"path-gone-accept", path_gone_accept}, {"path-renamed-accept", path_renamed_accept}, {"dgram-path", dgram_path},
	{"dgram-path-gone", dgram_path_gone}, {"dgram-unnamed", dgram_unnamed}, {"dgram-pair", dgram_pair}, {"udp-recv", udp_recv},
	{"udp-connected", udp_connected}, {"udp-outside", udp_outside}, 
	{"fifo-linked", fifo_linked}, {"fifo-gone", fifo_gone}, {"sem-named", sem_named}, {"sem-gone", sem_gone},
	{"sem-random", sem_random}, {"sem-random-opened", sem_random_opened}, {"sem-random-loky", sem_random_loky},
	{"sem-random-for-all", sem_random_for_all}, {"sem-random-twice", sem_random_twice}, {"sem-random-longer", sem_random_longer},
	{"map-memfd", map_memfd}, {"map-file", map_file}, {"map-file-gone", map_file_gone}, {"map-sysv", map_sysv},
	{"sysv-message", sysv_message}, {"sysv-semaphore", sysv_semaphore}, {"lock-first", lock_first}, {"lock-second", lock_second},
	{"lock-odd", lock_odd},
};

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 3 && strcmp(argv[1], "sem-open") == 0)
		wait_on(sem_open(argv[2], 0));
	for (size_t i = 0; argc == 2 && i < sizeof situations / sizeof *situations; i++)
		if (strcmp(argv[1], situations[i].name) == 0)
			situations[i].run();
	return 2;
}
