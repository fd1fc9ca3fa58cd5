/* Objects in /dev/shm, shm_overview(7), sem_overview(7): which there are, and who has them open or mapped. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "observe/state.h"

#define FOLDER "/dev/shm"

void observe_shm_list(shm_vec *out)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		struct shm_file f = {0};
		struct stat st;

		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		snprintf(f.name, sizeof f.name, "%s", e->d_name);
		f.inode = st.st_ino;
		f.device = st.st_dev;
		vec_push(out, f);
	}
	if (dir)
		closedir(dir);
}

/** By name first, which is cheap; the same name may be in another mount namespace. */
static bool has_open(int proc_fd, pid_t pid, const struct shm_file *f)
{
	int_vec fds = {0};
	proc_path path;
	char wanted[sizeof f->name + sizeof FOLDER + 1];
	bool found = false;

	snprintf(wanted, sizeof wanted, FOLDER "/%s", f->name);
	snprintf(path, sizeof path, "%d/fd", pid);
	if (sys_list_numbers(proc_fd, path, &fds, NULL))
		return false;
	for (size_t i = 0; i < fds.n && !found; i++) {
		char link[512];
		struct stat st;

		snprintf(path, sizeof path, "%d/fd/%d", pid, fds.at[i]);
		if (sys_readlink(proc_fd, path, link, sizeof link, NULL) || strcmp(link, wanted) != 0)
			continue;
		found = fstatat(proc_fd, path, &st, 0) == 0 && st.st_ino == f->inode && st.st_dev == f->device;
	}
	vec_free(&fds);
	return found;
}

static bool has_mapped(int proc_fd, pid_t pid, const struct shm_file *f)
{
	OWNED_TEXT maps = {0};
	struct mapping m;
	char device[16];
	proc_path path;

	snprintf(path, sizeof path, "%d/maps", pid);
	if (sys_read_file(proc_fd, path, &maps, NULL))
		return false;
	snprintf(device, sizeof device, "%02x:%02x", major((dev_t)f->device), minor((dev_t)f->device));
	for (struct cursor c = {text_str(&maps), maps.n}; parse_next_mapping(&c, &m);)
		if (m.inode == f->inode && strcmp(m.device, device) == 0)
			return true;
	return false;
}

static bool uses(int proc_fd, pid_t pid, const struct shm_file *f)
{
	return has_open(proc_fd, pid, f) || has_mapped(proc_fd, pid, f);
}

pid_t observe_shm_user(struct observe *ob, const struct shm_file *f)
{
	for (size_t i = 0; i < ob->procs.n; i++)
		if (uses(ob->proc_fd, ob->procs.at[i]->pid, f))
			return ob->procs.at[i]->pid;
	return 0;
}

bool observe_shm_in_use(const struct shm_file *f)
{
	OWNED_FD proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int_vec pids = {0};
	bool found = proc_fd < 0 || sys_list_numbers(proc_fd, ".", &pids, NULL) != 0;

	for (size_t i = 0; i < pids.n && !found; i++)
		found = uses(proc_fd, pids.at[i], f);
	vec_free(&pids);
	return found;
}
