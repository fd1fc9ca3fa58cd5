/* A program that has Python in it: embed LIBPYTHON SCRIPT [ARG...] loads the library and runs the script in it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *needed(void *lib, const char *name)
{
	void *found = dlsym(lib, name);

	if (!found) {
		fprintf(stderr, "embed: %s\n", dlerror());
		exit(2);
	}
	return found;
}

int main(int argc, char **argv)
{
	void *lib = argc > 2 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
	void (*initialize)(void);
	int (*run)(const char *);
	char code[4096];

	if (!lib) {
		fprintf(stderr, "embed: %s\n", argc > 2 ? dlerror() : "LIBPYTHON SCRIPT");
		return 2;
	}
	*(void **)&initialize = needed(lib, "Py_Initialize");
	*(void **)&run = needed(lib, "PyRun_SimpleString");
	snprintf(code, sizeof code, "import os, sys\nsys.argv = ['%s']\nsys.path.insert(0, os.path.dirname('%s'))\n"
		 "exec(compile(open('%s', encoding='utf-8').read(), '%s', 'exec'))\n", argv[2], argv[2], argv[2], argv[2]);
	initialize();
	return run(code);
}
