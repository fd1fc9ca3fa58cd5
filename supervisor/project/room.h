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

/** FNV-1a: no secret is kept by it. */
#define HASH_BEGIN UINT64_C(14695981039346656037)
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *at = data;

	while (n--)
		hash = (hash ^ *at++) * UINT64_C(1099511628211);
	return hash;
}

/** Does PATH lie in FOLDER, or is it FOLDER? */
bool path_is_in(const char *path, const char *folder);
/** Interpreters that can be asked to read a file, before the settings say which is the project's. */
size_t any_pythons(const struct project *p, char out[PYTHONS_MOST][PATH_MAX]);

#endif
