/* Frames as the model has them: whose they are. */
#include <limits.h>

#include "stacks/owner.h"
#include "stacks/state.h"

const char *process_cwd(struct process_read *p)
{
	char path[PATH_MAX];

	if (!p->cwd_read && sys_readlink(p->dir_fd, "cwd", path, sizeof path, NULL) == 0)
		p->cwd = arena_strdup(p->arena, path);
	p->cwd_read = true;
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
