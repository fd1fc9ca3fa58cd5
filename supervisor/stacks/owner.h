/* Private to stacks/: whose code a frame is, by where its file lies. Pure. */
#ifndef TRACEWRAP_STACKS_OWNER_H
#define TRACEWRAP_STACKS_OWNER_H

#include "model/model.h"

/** A Python frame in FILE (co_filename) of a process that works in CWD (NULL: not known). Own: below the working directory, or
 *  in no place where libraries are installed; what lies in a virtual environment below the working directory is a library all
 *  the same, and a working directory inside of a library's folder makes that folder one's own. Tests are own
 *  wherever they are. */
enum frame_owner frame_owner_of(const char *file, const char *cwd);

/** A native frame in FUNCTION (NULL: not known) of FILE. IN_INTERPRETER: that file holds the interpreter. */
enum frame_owner frame_owner_of_native(const char *function, const char *file, const char *cwd, bool in_interpreter);

#endif
