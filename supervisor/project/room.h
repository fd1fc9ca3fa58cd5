/* room: what the files of this room share. Private to it. */
#ifndef TRACEWRAP_PROJECT_ROOM_H
#define TRACEWRAP_PROJECT_ROOM_H

#include "project/project.h"

enum { PYTHONS_MOST = 8 };

/** execv(3) takes words that it promises not to change. */
static inline char *const *words_of_program(const char *const *words)
{
	return (char *const *)(uintptr_t)words;
}

/** Does PATH lie in FOLDER, or is it FOLDER? */
bool path_is_in(const char *path, const char *folder);
/** Interpreters that can be asked to read a file, before the settings say which is the project's. */
size_t any_pythons(const struct project *p, char out[PYTHONS_MOST][PATH_MAX]);

#endif
