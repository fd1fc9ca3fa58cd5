/* Names of native functions: of the file that debugging data were split off to, else the file's own table, demangled. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stacks/native.h"

/* Itanium ABI names may nest as deep as they are long, and demanglers recurse. */
enum { LONGEST_MANGLED = 1000, LONGEST_SHOWN = 400 };

typedef char *demangler(const char *mangled, char *buf, size_t *size, int *status);

/** A C++ program has libstdc++ with it, so the machine does; a run without C++ frames never loads it. Loading it again is
 *  cheap, as nobody unloads it. */
static char *demangle(const char *name)
{
	void *library = strlen(name) <= LONGEST_MANGLED ? dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE) : NULL;
	void *at = library ? dlsym(library, "__cxa_demangle") : NULL;
	demangler *function;
	char *result = NULL;
	int status = -1;

	if (at) {
		memcpy(&function, &at, sizeof function);
		result = function(name, NULL, NULL, &status);
	}
	if (library)
		dlclose(library);
	if (status != 0) {
		free(result);
		return NULL;
	}
	return result;
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/** "ns::f(int, char)" -> "ns::f": the arguments take more room than they explain. Those of templates stay, and so do other
 *  brackets. */
static size_t without_arguments(const char *name)
{
	int depth = 0;

	for (size_t i = 0; name[i]; i++) {
		if (begins(name + i, "(anonymous namespace)"))
			i += strlen("(anonymous namespace)") - 1;
		else if (begins(name + i, "operator()"))
			i += strlen("operator()") - 1;
		else if (begins(name + i, "operator<") || begins(name + i, "operator>"))
			i += strlen("operator") + strspn(name + i + strlen("operator"), "<>=-") - 1;
		else if (name[i] == '<')
			depth++;
		else if (name[i] == '>' && depth > 0)
			depth--;
		else if (name[i] == '(' && depth == 0 && i > 0)
			return i;
	}
	return strlen(name);
}

static const char *shown_name(struct arena *arena, const char *name)
{
	char *plain = strncmp(name, "_Z", 2) == 0 ? demangle(name) : NULL;
	size_t len = plain ? without_arguments(plain) : strcspn(name, "@"); /* "read@@GLIBC_2.2.5" in a static table */
	char *copy = arena_strndup(arena, plain ? plain : name, len < LONGEST_SHOWN ? len : LONGEST_SHOWN);

	free(plain);
	text_clean(copy, strlen(copy));
	return copy;
}

static bool find_function(const struct native_source *source, const struct native_piece *piece, uint64_t address,
			  struct elf_symbol *out)
{
	struct elf *debug = source->debug_of ? source->debug_of(source->who, piece) : NULL;

	return (debug && elf_function(debug, address, out)) || elf_function(piece->elf, address, out);
}

void native_name(const struct native_source *source, struct arena *arena, const struct native_frame *frame, struct frame *out)
{
	struct native_piece piece;
	struct elf_symbol symbol;

	*out = (struct frame){.kind = FRAME_NATIVE, .owner = FRAME_LIBRARY, .address = frame->pc};
	if (!source->piece_at(source->who, frame->at, &piece))
		return;
	if (piece.path) {
		char *path = arena_strndup(arena, piece.path, piece.path_len);

		text_clean(path, strlen(path));
		out->file = path;
	}
	if (!piece.elf)
		return;
	out->address = frame->pc - piece.bias;
	if (find_function(source, &piece, frame->at - piece.bias, &symbol))
		out->function = shown_name(arena, symbol.name);
	else if (frame->loop)
		out->function = NATIVE_LOOP;
}
