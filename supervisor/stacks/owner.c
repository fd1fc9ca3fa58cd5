/* Whose code a frame is. Where Python installs to: sysconfig's schemes (Lib/sysconfig), Debian's dist-packages. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "stacks/owner.h"

enum { LONGEST_PATH = 4096 };

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool ends(const char *s, const char *with)
{
	size_t n = strlen(s), m = strlen(with);

	return n >= m && strcmp(s + n - m, with) == 0;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- folders that libraries are installed to ---- */

/** Length of a component "python3.11", "pypy3.9", "python3" at S; 0: it is none. */
static size_t version_folder(const char *s)
{
	size_t n = begins(s, "python3") ? 7 : begins(s, "pypy3") ? 5 : begins(s, "python2") ? 7 : 0;

	if (n && s[n] == '.')
		n += 1 + strspn(s + n + 1, "0123456789");
	if (n && s[n] == 't') /* free-threaded */
		n++;
	return n && s[n] == '/' ? n : 0;
}

/** Length of what begins at the component S and is a library's root; 0: nothing does. */
static size_t root_at(const char *s)
{
	static const char *const folders[] = {"site-packages/", "dist-packages/", "__pypackages__/", ".eggs/"};
	static const char *const above[] = {"lib/", "lib64/", "lib32/"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (begins(s, folders[i]))
			return strlen(folders[i]);
	for (size_t i = 0; i < ARRAY_SIZE(above); i++) {
		size_t n = begins(s, above[i]) ? version_folder(s + strlen(above[i])) : 0;

		if (n)
			return strlen(above[i]) + n + 1;
	}
	if (begins(s, "python3") && strstr(s, ".zip/")) /* the standard library as one file */
		return strspn(s, "python0123456789.") == (size_t)(strstr(s, ".zip/") - s) + 1 ? strlen("zip/") : 0;
	return 0;
}

/** Length of PATH up to the innermost library root, that included; 0: it lies in none. */
static size_t root_of(const char *path)
{
	size_t last = 0;

	for (const char *s = path; s;) {
		size_t n = root_at(s);

		if (n)
			last = (size_t)(s - path) + n;
		s = strchr(s, '/');
		if (s)
			s++;
	}
	return last;
}

/* ---- kinds of files ---- */

static bool has_folder(const char *path, const char *folder)
{
	const char *at = strstr(path, folder);

	return at && (at == path || at[-1] == '/');
}

/** RELATIVE: below the library root. */
static bool is_runner(const char *relative)
{
	static const char *const folders[] = {"_pytest/", "pluggy/", "pytest/", "xdist/", "execnet/"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (begins(relative, folders[i]))
			return true;
	return strcmp(relative, "runpy.py") == 0 || strcmp(relative, "pytest.py") == 0 || strcmp(relative, "py.test.py") == 0;
}

/** The script by which pip starts pytest. */
static bool is_starter(const char *path)
{
	return has_folder(path, "bin/") && (strcmp(name_of(path), "pytest") == 0 || strcmp(name_of(path), "py.test") == 0);
}

/** As pytest finds them (python_files), and the standard library's own, which no program uses. */
static bool is_test(const char *path, size_t root)
{
	const char *name = name_of(path);

	return (begins(name, "test_") && ends(name, ".py")) || ends(name, "_test.py") || strcmp(name, "conftest.py") == 0 ||
	       (root && begins(path + root, "test/"));
}

/** "<frozen runpy>", "<string>": no file. */
static enum frame_owner owner_of_no_file(const char *file)
{
	static const char *const own[] = {"<string>", "<stdin>", "<doctest ", "<ipython-input-", "<console>", "<unknown>"};

	if (strcmp(file, "<frozen runpy>") == 0)
		return FRAME_RUNNER;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (begins(file, own[i]))
			return FRAME_OWN;
	return FRAME_LIBRARY;
}

/* ---- the whole ---- */

/** Is PATH inside of folder DIR? */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/** Where libraries end and the rest of PATH begins; 0: it is one's own, as far as its place tells. */
static size_t library_root(const char *path, const char *cwd)
{
	size_t root = root_of(path);

	/* Who works inside of a library's folder, and not at its root, works on it. */
	if (root && cwd && is_below(path, cwd) && strlen(cwd) > root)
		return 0;
	return root;
}

enum frame_owner frame_owner_of(const char *file, const char *cwd)
{
	char path[LONGEST_PATH];
	size_t root;

	if (!file || !*file)
		return FRAME_LIBRARY;
	if (*file == '<')
		return owner_of_no_file(file);
	while (begins(file, "./"))
		file += 2;
	if (*file == '/' || !cwd)
		snprintf(path, sizeof path, "%s", file);
	else
		snprintf(path, sizeof path, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, file);
	root = library_root(path, cwd);
	if (is_starter(path) || (root && is_runner(path + root)))
		return FRAME_RUNNER;
	if (is_test(path, root))
		return FRAME_OWN;
	return root ? FRAME_LIBRARY : FRAME_OWN;
}

/* ---- native ---- */

/** How the interpreter gets from one Python function to the next: Objects/call.c, methodobject.c, descrobject.c,
 *  Python/ceval.c. */
static bool is_glue(const char *function)
{
	static const char *const beginnings[] = {
		"PyObject_Call", "_PyObject_Call", "PyObject_Vectorcall", "_PyObject_Vectorcall", "_PyObject_MakeTpCall",
		"_PyObject_FastCall", "PyVectorcall_", "_PyVectorcall_", "_PyEval_", "PyEval_", "_PyFunction_",
		"function_code_fastcall", "cfunction_", "method_vectorcall", "method_call", "method_get", "slot_tp_",
		"slot_mp_", "slot_sq_", "slot_nb_", "vectorcall_", "partial_", "object_vacall", "_PyCFunction_",
		"_PyMethodDescr_", "_PyCallMethodDescriptor", "_PyBuiltin_Call", "_Py_BuiltinCall", "builtin_exec",
		"gen_send_ex", "gen_iternext", "gen_send", "gen_close", "_PyGen_", "PyIter_", "type_call", "wrapper_call",
		"wrap_", "context_run", "call_function", "do_call_core", "trace_call_function", "pymain_", "Py_RunMain",
		"Py_BytesMain", "Py_Main", "PyRun_", "_PyRun_", "pyrun_", "run_eval_code_obj", "run_mod", "_Py_RunMain",
		"_TAIL_CALL_",
	};

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (begins(function, beginnings[i]))
			return true;
	return false;
}

/** Where distributions install programs and shared objects. */
static bool is_installed(const char *path)
{
	static const char *const roots[] = {"/usr/", "/lib/", "/lib64/", "/lib32/", "/libx32/", "/bin/",
					    "/sbin/", "/opt/", "/nix/", "/gnu/", "/snap/"};

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (begins(path, roots[i]))
			return true;
	/* The same below a prefix, or the root of a container as it is seen from here. */
	return has_folder(path, "lib/") || has_folder(path, "lib64/");
}

/** "python3.11", which may be but a small program that loads libpython. */
static bool is_python(const char *file)
{
	const char *name = file ? name_of(file) : "";

	return begins(name, "python") && name[strspn(name, "python0123456789.dt")] == '\0';
}

enum frame_owner frame_owner_of_native(const char *function, const char *file, const char *cwd, bool in_interpreter)
{
	if (in_interpreter || is_python(file))
		return !function || is_glue(function) ? FRAME_GLUE : FRAME_LIBRARY;
	if (!file || *file != '/' || library_root(file, cwd))
		return FRAME_LIBRARY;
	return is_installed(file) && !(cwd && strcmp(cwd, "/") != 0 && is_below(file, cwd)) ? FRAME_LIBRARY : FRAME_OWN;
}
