/* What somebody may come by who has it neither open nor mapped yet: shared memory that has a name. The word "(deleted)" in a map is
 * no proof that there is none: sem_open(3) makes a semaphore under another name and links it (glibc's sysdeps/pthread/sem_open.c). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "observe/build.h"

#define SHM "/dev/shm/"

static bool begins(const struct mapping *m, const char *text)
{
	return m->path_len >= strlen(text) && memcmp(m->path, text, strlen(text)) == 0;
}

/** By its number, shmat(2), even when it is marked for removal. */
static bool is_system_v(const struct mapping *m)
{
	return m->deleted && begins(m, "/SYSV");
}

/** Memory that the kernel makes without a name: memfd_create(2), shared anonymous memory (mm/shmem.c, fs/hugetlbfs/inode.c). */
static bool is_nameless(const struct mapping *m)
{
	return m->deleted && (begins(m, "/memfd:") || begins(m, "/dev/zero (deleted)") || begins(m, "/anon_hugepage"));
}

/** Some name in the /dev/shm that PID sees is of this inode; true where that can't be read. */
static bool is_in_shm(struct observe *ob, pid_t pid, uint64_t inode)
{
	proc_path path;
	struct dirent *e;
	bool found = false;

	snprintf(path, sizeof path, "%d/root" SHM, pid);

	int fd = openat(ob->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		fd_closep(&fd);
		return true;
	}
	while (!found && (e = readdir(dir)))
		found = e->d_ino == inode;
	closedir(dir);
	return found;
}

bool reach_by_name(struct observe *ob, pid_t pid, const struct mapping *m)
{
	char path[96];
	struct stat st;

	if (!m->deleted || is_system_v(m))
		return true;
	/* The file itself, which root may ask (proc_pid_map_files(5)). */
	snprintf(path, sizeof path, "%d/map_files/%llx-%llx", pid, (unsigned long long)m->start, (unsigned long long)m->end);
	if (fstatat(ob->proc_fd, path, &st, 0) == 0)
		return st.st_nlink > 0;
	if (is_nameless(m))
		return false;
	return begins(m, SHM) ? is_in_shm(ob, pid, m->inode) : true;
}
