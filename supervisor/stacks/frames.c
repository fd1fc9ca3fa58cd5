/* Frames as the model has them: whose they are. */
#include <limits.h>
#include <string.h>

#include "stacks/owner.h"
#include "stacks/state.h"

/** Links of /proc show a process in a chroot(2) its folders as we see them. */
static void read_links(struct process_read *p)
{
	char path[PATH_MAX];

	p->links_read = true;
	p->root_path = "";
	if (sys_readlink(p->dir_fd, "root", path, sizeof path, NULL) == 0 && strcmp(path, "/") != 0)
		p->root_path = arena_strdup(p->arena, path);
	if (sys_readlink(p->dir_fd, "cwd", path, sizeof path, NULL) == 0)
		p->cwd = process_path(p, arena_strdup(p->arena, path));
}

const char *process_path(struct process_read *p, const char *path)
{
	size_t n;

	if (!p->links_read)
		read_links(p);
	n = strlen(p->root_path);
	if (!path || strncmp(path, p->root_path, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return path;
	return path[n] ? path + n : "/";
}

const char *process_cwd(struct process_read *p)
{
	if (!p->links_read)
		read_links(p);
	return p->cwd;
}

struct frame *frames_of_python(struct process_read *p, const struct python_frame *frames, size_t n)
{
	struct frame *out = arena_array(p->arena, n ? n : 1, sizeof *out);
	const char *cwd = process_cwd(p);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct frame){.kind = FRAME_PYTHON,
					.owner = frame_owner_of(frames[i].file, cwd),
					.function = frames[i].function,
					.file = frames[i].file,
					.line = frames[i].line};
	return out;
}
