/* Opening the channel, dressing the command, and one event after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "hear/state.h"
#include "parse/parse.h"

/* Of the library of another run, when it is in this very process (preload/start.c): two of them in one program would tell all twice. */
#pragma weak trw_shim_is_here
extern const char trw_shim_is_here;

static int open_shim(struct hear *h, struct err *err)
{
	void *at;
	int rc;

	if (&trw_shim_is_here)
		return err_set(err, -EBUSY, "another tracewrap listens to this one already");
	rc = files_make(&h->files, ring_bytes(), &at, err);
	if (rc == 0)
		ring_begin(&h->ring, at);
	return rc;
}

int hear_open(const struct hear_options *opt, struct hear **out, struct err *err)
{
	struct hear *h = mem_alloc(sizeof *h);

	h->files = (struct files){.library_fd = -1, .events_fd = -1};

	int rc = opt->shim ? open_shim(h, err) : 0;

	*out = h;
	if (rc < 0) {
		hear_close(h);
		*out = NULL;
	} else if (opt->connector) {
		connector_open(&h->connector);
	}
	return rc;
}

void hear_close(struct hear *h)
{
	if (!h)
		return;
	connector_close(&h->connector);
	ring_close(&h->ring);
	files_close(&h->files);
	text_free(&h->text);
	for (char **e = h->env; e && *e; e++)
		mem_free(*e);
	mem_free(h->env);
	mem_free(h);
}

void hear_files(const struct hear *h, int fds[2])
{
	int a = h->files.library_fd, b = h->files.events_fd;

	fds[0] = a < 0 ? 0 : a < b ? a : b;
	fds[1] = a < 0 ? 0 : a < b ? b : a;
}

/* ---- the environment of the command ---- */

static char *words(const char *a, const char *b, const char *c)
{
	char *to = mem_alloc(strlen(a) + strlen(b) + strlen(c) + 1);

	return strcat(strcat(strcpy(to, a), b), c);
}

/** VARIABLE ("NAME=") with what the user has and OURS behind it. @return true: the user has it. */
static bool add_behind(char **env, size_t n, const char *variable, const char *ours, bool last)
{
	char **at = NULL;

	for (size_t i = 0; i < n; i++)
		if (strncmp(env[i], variable, strlen(variable)) == 0 && (last || !at))
			at = &env[i];
	if (!at)
		return false;

	char *joined = words(*at, ":", ours);

	mem_free(*at);
	*at = joined;
	return true;
}

/** As the library does it for what comes later (preload/dress.c): of several LD_PRELOADs the loader takes the last, of ASAN_OPTIONS the
 *  sanitizer the first; new variables come in even numbers (wire.h, WIRE_PADDING). */
char **hear_environment(struct hear *h, char *const *environ_now, const char *announced)
{
	const char *library = h->files.library;
	char token[2 * WIRE_PATH_MOST + 32];
	size_t n = 0, added;

	if (!h->ring.file)
		return NULL;
	while (environ_now[n])
		n++;
	h->env = mem_alloc((n + 5) * sizeof *h->env);
	for (size_t i = 0; i < n; i++)
		h->env[i] = words(environ_now[i], "", "");
	snprintf(token, sizeof token, "%s:%s:%llx", h->files.events, library, (unsigned long long)ring_announce(&h->ring, announced));
	added = n;
	if (!add_behind(h->env, n, "LD_PRELOAD=", library, true))
		h->env[added++] = words("LD_PRELOAD=", library, "");
	if (!add_behind(h->env, n, "ASAN_OPTIONS=", WIRE_ASAN, false))
		h->env[added++] = words("ASAN_OPTIONS=", WIRE_ASAN, "");
	h->env[added++] = words(WIRE_VARIABLE "=", token, "");
	if ((added - n) % 2)
		h->env[added++] = words(WIRE_PADDING, "", "");
	return h->env;
}

/* ---- events ---- */

void hear_begin(struct hear *h, pid_t command)
{
	connector_begin(&h->connector, command);
}

int hear_keeps(const struct hear *h)
{
	return connector_fd(&h->connector);
}

bool hear_next(struct hear *h, struct event *out)
{
	struct wire_slot slot;
	uint64_t pos;

	while (h->ring.file && ring_next(&h->ring, sys_monotonic_ns(), &slot, &h->text, &pos)) {
		if (parse_wire(&slot, &h->text, pos, out) == 0)
			return true;
	}
	return connector_next(&h->connector, &h->text, out);
}

bool hear_knows(const struct hear *h, pid_t pid)
{
	OWNED_TEXT maps = {0};
	char path[32];
	struct mapping m;

	if (!h->files.inode)
		return false;
	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	if (sys_read_file(AT_FDCWD, path, &maps, NULL))
		return false;
	for (struct cursor c = {text_str(&maps), maps.n}; parse_next_mapping(&c, &m);)
		if (m.inode == h->files.inode && memmem(m.path, m.path_len, FILES_EVENTS, strlen(FILES_EVENTS)))
			return true;
	return false;
}

uint64_t hear_lost(const struct hear *h)
{
	return ring_lost(&h->ring);
}

bool hear_has_connector(const struct hear *h)
{
	return h->connector.socket != NULL;
}

uint64_t hear_connector_lost(const struct hear *h)
{
	return h->connector.lost;
}
