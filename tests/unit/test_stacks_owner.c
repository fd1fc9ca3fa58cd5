/* Whose code a frame is, by where its file lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/base.h"
#include "stacks/owner.h"

struct row {
	const char *cwd, *file;
	enum frame_owner owner;
};

static void expect_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (frame_owner_of(rows[i].file, rows[i].cwd) != rows[i].owner) {
			fprintf(stderr, "%s in %s: %s\n", rows[i].file, rows[i].cwd ? rows[i].cwd : "-",
				frame_owner_name(frame_owner_of(rows[i].file, rows[i].cwd)));
			fail();
		}
}

static void usual_places(void **state)
{
	static const struct row rows[] = {
		{"/home/u/app", "/home/u/app/app/db.py", FRAME_OWN},
		{"/home/u/app", "/home/u/app/tests/test_db.py", FRAME_OWN},
		{"/home/u/app", "app/db.py", FRAME_OWN},
		{"/home/u/app", "./app/db.py", FRAME_OWN},
		{"/", "/srv/app/db.py", FRAME_OWN},
		{"/home/u/app", "/usr/lib/python3.11/threading.py", FRAME_LIBRARY},
		{"/home/u/app", "/usr/lib/python3/dist-packages/apt/cache.py", FRAME_LIBRARY},
		{"/home/u/app", "/usr/local/lib/python3.13/site-packages/trio/_core/_run.py", FRAME_LIBRARY},
		{"/home/u/app", "/usr/lib64/python3.9/site-packages/six.py", FRAME_LIBRARY},
		{"/home/u/app", "/home/u/.pyenv/versions/3.12.1/lib/python3.12/asyncio/events.py", FRAME_LIBRARY},
		{"/home/u/app", "/home/u/.local/lib/python3.11/site-packages/requests/api.py", FRAME_LIBRARY},
		{"/home/u/app", "/opt/python/lib/python3.13t/queue.py", FRAME_LIBRARY},
		{"/home/u/app", "/opt/pypy/lib/pypy3.10/threading.py", FRAME_LIBRARY},
		{"/home/u/app", "/usr/lib/python311.zip/threading.py", FRAME_LIBRARY},
		{NULL, "/usr/lib/python3.11/threading.py", FRAME_LIBRARY},
		{NULL, "/home/u/app/app/db.py", FRAME_OWN},
		{NULL, "app/db.py", FRAME_OWN},
		{"/home/u/app", NULL, FRAME_LIBRARY},
		{"/home/u/app", "", FRAME_LIBRARY},
	};

	(void)state;
	expect_rows(rows, ARRAY_SIZE(rows));
}

/** A virtual environment lies below the working directory as a rule, and is none of one's own. */
static void environments(void **state)
{
	static const struct row rows[] = {
		{"/home/u/app", "/home/u/app/.venv/lib/python3.11/site-packages/requests/api.py", FRAME_LIBRARY},
		{"/home/u/app", ".venv/lib/python3.11/site-packages/requests/api.py", FRAME_LIBRARY},
		{"/home/u/app", "/home/u/app/.tox/py311/lib/python3.11/site-packages/app/db.py", FRAME_LIBRARY},
		{"/home/u/app", "/home/u/app/.eggs/six-1.0-py3.9.egg/six.py", FRAME_LIBRARY},
		{"/home/u/app", "/home/u/app/__pypackages__/3.11/lib/six.py", FRAME_LIBRARY},
		/* editable: a link to where it is developed */
		{"/home/u/app", "/home/u/other/src/other/core.py", FRAME_OWN},
		/* checked out inside of an environment */
		{"/home/u/venv/src/proj", "/home/u/venv/src/proj/proj/core.py", FRAME_OWN},
		{"/home/u/venv/src/proj", "/home/u/venv/lib/python3.11/site-packages/requests/api.py", FRAME_LIBRARY},
		{"/x/lib/python3.11/site-packages/proj", "/x/lib/python3.11/site-packages/proj/core.py", FRAME_OWN},
		{"/x/lib/python3.11/site-packages/proj", "/x/lib/python3.11/site-packages/requests/api.py", FRAME_LIBRARY},
		{"/x/lib/python3.11/site-packages", "/x/lib/python3.11/site-packages/requests/api.py", FRAME_LIBRARY},
		{"/x/lib/python3.11/site-packages/proj",
		 "/x/lib/python3.11/site-packages/proj/.venv/lib/python3.9/site-packages/a.py", FRAME_LIBRARY},
		/* the standard library's own tests, and a checkout of CPython */
		{"/usr/lib/python3.11/test", "/usr/lib/python3.11/test/support/threading_helper.py", FRAME_OWN},
		{"/usr/lib/python3.11/test", "/usr/lib/python3.11/threading.py", FRAME_LIBRARY},
		{"/usr/lib/python3.11", "/usr/lib/python3.11/threading.py", FRAME_LIBRARY},
		{"/usr/lib/python3.11", "/usr/lib/python3.11/test/test_queue.py", FRAME_OWN},
		{"/usr", "/usr/lib/python3.11/threading.py", FRAME_LIBRARY},
		{"/tmp", "/usr/lib/python3.11/test/libregrtest/main.py", FRAME_OWN},
		{"/home/u/cpython", "/home/u/cpython/Lib/threading.py", FRAME_OWN},
		/* the tests of an installed package: pytest --pyargs numpy */
		{"/tmp", "/usr/lib/python3/dist-packages/numpy/tests/test_lazyloading.py", FRAME_OWN},
		{"/tmp", "/usr/lib/python3/dist-packages/numpy/conftest.py", FRAME_OWN},
		{"/tmp", "/usr/lib/python3/dist-packages/numpy/core/numeric.py", FRAME_LIBRARY},
		/* names that only look like it */
		{"/home/u/app", "/home/u/python3.11/app.py", FRAME_OWN},
		{"/home/u/app", "/home/u/my-site-packages/app.py", FRAME_OWN},
		{"/home/u/app", "/home/u/glib/python3.11/app.py", FRAME_OWN},
		{"/home/u/app", "/home/u/application/x.py", FRAME_OWN},
	};

	(void)state;
	expect_rows(rows, ARRAY_SIZE(rows));
}

static void runners(void **state)
{
	static const struct row rows[] = {
		{"/home/u/app", "/v/lib/python3.11/site-packages/_pytest/runner.py", FRAME_RUNNER},
		{"/home/u/app", "/v/lib/python3.11/site-packages/pluggy/_callers.py", FRAME_RUNNER},
		{"/home/u/app", "/v/lib/python3.11/site-packages/pytest/__main__.py", FRAME_RUNNER},
		{"/home/u/app", "/v/lib/python3.11/site-packages/xdist/remote.py", FRAME_RUNNER},
		{"/home/u/app", "/v/lib/python3.11/site-packages/pytest_asyncio/plugin.py", FRAME_LIBRARY},
		{"/home/u/app", "/home/u/app/venv/lib/python3.11/site-packages/_pytest/main.py", FRAME_RUNNER},
		{"/home/u/app", "/v/bin/pytest", FRAME_RUNNER},
		{"/home/u/app", "/home/u/app/venv/bin/py.test", FRAME_RUNNER},
		{"/home/u/app", "/usr/lib/python3.11/runpy.py", FRAME_RUNNER},
		{"/home/u/app", "<frozen runpy>", FRAME_RUNNER},
		/* somebody who develops pytest */
		{"/home/u/pytest", "/home/u/pytest/src/_pytest/runner.py", FRAME_OWN},
		{"/home/u/app", "/home/u/app/tools/runpy.py", FRAME_OWN},
	};

	(void)state;
	expect_rows(rows, ARRAY_SIZE(rows));
}

static void no_files(void **state)
{
	static const struct row rows[] = {
		{"/home/u/app", "<string>", FRAME_OWN},
		{"/home/u/app", "<stdin>", FRAME_OWN},
		{"/home/u/app", "<doctest app.db[0]>", FRAME_OWN},
		{"/home/u/app", "<frozen importlib._bootstrap>", FRAME_LIBRARY},
		{"/home/u/app", "<attrs generated init app.Row>", FRAME_LIBRARY},
		{"/home/u/app", "<__array_function__ internals>", FRAME_LIBRARY},
	};

	(void)state;
	expect_rows(rows, ARRAY_SIZE(rows));
}

static void native(void **state)
{
	static const struct {
		const char *function, *file, *cwd;
		bool in_interpreter;
		enum frame_owner owner;
	} rows[] = {
		{"read", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/home/u/app", false, FRAME_LIBRARY},
		{"read", "/mnt/root/lib/x86_64-linux-gnu/libc.so.6", "/home/u/app", false, FRAME_LIBRARY},
		{"work", "/home/u/app/build/worker", "/home/u/app", false, FRAME_OWN},
		{"work", "/home/u/app/build/lib/libworker.so", "/home/u/app", false, FRAME_OWN},
		{"work", "/home/u/tools/worker", "/home/u/app", false, FRAME_OWN},
		{"work", "/usr/src/app/worker", "/usr/src/app", false, FRAME_OWN},
		{"main", "/usr/bin/cat", "/home/u/app", false, FRAME_LIBRARY},
		{"main", "/usr/bin/cat", "/", false, FRAME_LIBRARY},
		{"fast", "/home/u/app/.venv/lib/python3.11/site-packages/x/_fast.so", "/home/u/app", false, FRAME_LIBRARY},
		{"clock", "[vdso]", "/home/u/app", false, FRAME_LIBRARY},
		{NULL, NULL, "/home/u/app", false, FRAME_LIBRARY},
		{"PyObject_Vectorcall", "/usr/bin/python3.11", "/home/u/app", true, FRAME_GLUE},
		{"_PyEval_Vector", "/home/u/.pyenv/lib/libpython3.11.so.1.0", "/home/u/app", true, FRAME_GLUE},
		{"cfunction_vectorcall_FASTCALL", "/usr/bin/python3.11", "/home/u/app", true, FRAME_GLUE},
		{"method_vectorcall_NOARGS", "/usr/bin/python3.11", "/home/u/app", true, FRAME_GLUE},
		{NULL, "/usr/bin/python3.15", "/home/u/app", true, FRAME_GLUE},
		{"_start", "/home/u/.pyenv/versions/3.11.7/bin/python3.11", "/home/u/app", false, FRAME_LIBRARY},
		{"work", "/home/u/app/build/pythonic", "/home/u/app", false, FRAME_OWN},
		{"list_sort_impl", "/usr/bin/python3.11", "/home/u/app", true, FRAME_LIBRARY},
		{"PyObject_Vectorcall", "/home/u/app/own.so", "/home/u/app", false, FRAME_OWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum frame_owner got = frame_owner_of_native(rows[i].function, rows[i].file, rows[i].cwd, rows[i].in_interpreter);

		if (got != rows[i].owner) {
			fprintf(stderr, "%s of %s: %s\n", rows[i].function, rows[i].file, frame_owner_name(got));
			fail();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_places), cmocka_unit_test(environments), cmocka_unit_test(runners),
		cmocka_unit_test(no_files),     cmocka_unit_test(native),
	};

	return cmocka_run_group_tests_name("owners of frames", tests, NULL, NULL);
}
