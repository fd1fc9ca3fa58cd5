/* Native and Python frames in one stack, and what machine code says of calls and frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stacks/native.h"

/* ---- the merge ---- */

struct made {
	struct arena *arena;
	struct native_frame frames[16];
	struct frame native[16], python[16];
	struct python_frame pf[16];
	size_t nnative, npython;
	struct frame *out;
	size_t n;
	const char *why;
};

/** NATIVE: one letter a frame, 'L' a loop. PYTHON: one letter a frame, a capital one where the loop was entered for it. */
static struct made make(const char *native, const char *python, bool native_whole, bool python_whole, bool python_cut)
{
	struct made m = {.arena = arena_new(), .nnative = strlen(native), .npython = strlen(python)};

	for (size_t i = 0; i < m.nnative; i++) {
		m.frames[i].loop = native[i] == 'L';
		m.native[i] = (struct frame){.kind = FRAME_NATIVE, .function = arena_strndup(m.arena, native + i, 1)};
	}
	for (size_t i = 0; i < m.npython; i++) {
		m.pf[i].entry = python[i] < 'a';
		m.python[i] = (struct frame){.kind = FRAME_PYTHON, .function = arena_strndup(m.arena, python + i, 1)};
	}

	struct both_stacks both = {m.frames, m.native, m.nnative, native_whole, m.pf, m.python, m.npython, python_whole, python_cut};

	m.out = stacks_merge(m.arena, &both, &m.n, &m.why);
	return m;
}

static void expect_joined(const char *native, const char *python, bool whole, bool cut, const char *want)
{
	struct made m = make(native, python, whole, !cut, cut);
	char got[64] = "";

	assert_non_null(m.out);
	assert_null(m.why);
	for (size_t i = 0; i < m.n; i++)
		strcat(got, m.out[i].function);
	assert_string_equal(got, want);
	arena_free(m.arena);
}

static void expect_merged(const char *native, const char *python, bool whole, const char *want)
{
	expect_joined(native, python, whole, false, want);
}

static void expect_apart(const char *native, const char *python, bool native_whole, bool python_whole, const char *why)
{
	struct made m = make(native, python, native_whole, python_whole, false);

	assert_null(m.out);
	assert_int_equal(m.n, 0);
	assert_non_null(m.why);
	if (!strstr(m.why, why)) {
		fprintf(stderr, "%s\n", m.why);
		fail();
	}
	arena_free(m.arena);
}

static void merged(void **state)
{
	(void)state;
	expect_merged("rLs", "aB", true, "raBs");
	expect_merged("rLsLm", "aBcD", true, "raBscDm");
	expect_merged("LL", "AB", true, "AB");
	expect_merged("LLm", "aBC", true, "aBCm");
	expect_merged("rm", "", true, "rm");
	expect_merged("", "", true, "");
	/* The native stack ends early: what it has is right, and the rest of the Python frames lies below. */
	expect_merged("rLs", "aBcD", false, "raBscD");
	expect_merged("r", "aB", false, "raB");
	expect_merged("", "aB", false, "aB");
}

/** Of a very deep stack the innermost frames are read: they have their places, and what lies farther out is left away. */
static void cut(void **state)
{
	(void)state;
	expect_joined("rLsLtLm", "aBcD", true, true, "raBscD");
	expect_joined("rLsLtLm", "aBcDe", true, true, "raBscDte"); /* in the middle of a group */
	expect_joined("rLsLt", "aBcD", false, true, "raBscD");
	expect_joined("rLs", "aBcD", false, true, "raBscD");

	struct made m = make("rLs", "aBcD", true, false, true);

	assert_null(m.out);
	arena_free(m.arena);
}

static void apart(void **state)
{
	(void)state;
	expect_apart("rLs", "aBcD", true, true, "2 times by its own account, 1 times by the native stack");
	expect_apart("rLLs", "aB", true, true, "1 times by its own account, 2 times");
	expect_apart("rLLs", "aB", false, true, "1 times by its own account, 2 times");
	expect_apart("rLs", "", true, true, "0 times by its own account");
	expect_apart("rLs", "aB", true, false, "the Python stack is not whole");
}

/* ---- calls ---- */

static enum code_call call_of(const char *bytes, size_t n, uint64_t *target)
{
	uint8_t before[CODE_BEFORE];

	memset(before, 0x90, sizeof before);
	memcpy(before + CODE_BEFORE - n, bytes, n);
	return code_call_before(before, 0x1000, target);
}
#define CALL_OF(bytes, target) call_of(bytes, sizeof bytes - 1, target)

static void calls(void **state)
{
	uint64_t target = 0;

	(void)state;
	assert_int_equal(CALL_OF("\xe8\x10\x00\x00\x00", &target), CODE_CALL);
	assert_int_equal(target, 0x1010);
	assert_int_equal(CALL_OF("\xe8\xf0\xff\xff\xff", &target), CODE_CALL);
	assert_int_equal(target, 0xff0);
	assert_int_equal(CALL_OF("\xff\x15\x00\x01\x00\x00", &target), CODE_CALL_POINTER);
	assert_int_equal(target, 0x1100);
	assert_int_equal(CALL_OF("\xff\xd0", &target), CODE_CALL_UNKNOWN);                     /* *%rax */
	assert_int_equal(CALL_OF("\x41\xff\xd4", &target), CODE_CALL_UNKNOWN);                 /* *%r12 */
	assert_int_equal(CALL_OF("\xff\x10", &target), CODE_CALL_UNKNOWN);                     /* *(%rax) */
	assert_int_equal(CALL_OF("\xff\x50\x18", &target), CODE_CALL_UNKNOWN);                 /* *0x18(%rax) */
	assert_int_equal(CALL_OF("\xff\x54\x24\x08", &target), CODE_CALL_UNKNOWN);             /* *8(%rsp) */
	assert_int_equal(CALL_OF("\xff\x90\x18\x01\x00\x00", &target), CODE_CALL_UNKNOWN);     /* *0x118(%rax) */
	assert_int_equal(CALL_OF("\xff\x14\xc5\x00\x10\x00\x00", &target), CODE_CALL_UNKNOWN); /* *0x1000(,%rax,8) */
	assert_int_equal(CALL_OF("\xff\x14\xc8", &target), CODE_CALL_UNKNOWN);                 /* *(%rax,%rcx,8) */
	assert_int_equal(CALL_OF("\xff\xe0", &target), CODE_NO_CALL);                          /* a jump */
	assert_int_equal(CALL_OF("\x48\x89\xc7", &target), CODE_NO_CALL);
	assert_int_equal(CALL_OF("\x90", &target), CODE_NO_CALL);
}

static void linkage_entries(void **state)
{
	static const uint8_t plain[16] = {0xff, 0x25, 0x10, 0, 0, 0},
			     marked[16] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x10, 0, 0, 0},
			     bound[16] = {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x10, 0, 0, 0},
			     other[16] = {0x55, 0x48, 0x89, 0xe5};
	uint64_t pointer = 0;

	(void)state;
	assert_true(code_plt_pointer(plain, sizeof plain, 0x1000, &pointer));
	assert_int_equal(pointer, 0x1016);
	assert_true(code_plt_pointer(marked, sizeof marked, 0x1000, &pointer));
	assert_int_equal(pointer, 0x101a);
	assert_true(code_plt_pointer(bound, sizeof bound, 0x1000, &pointer));
	assert_int_equal(pointer, 0x101b);
	assert_false(code_plt_pointer(other, sizeof other, 0x1000, &pointer));
	for (size_t n = 0; n < 6; n++)
		assert_false(code_plt_pointer(plain, n, 0x1000, &pointer));
}

static void jumps(void **state)
{
	static const uint8_t code[] = {0xe9, 0x10, 0, 0, 0, 0x0f, 0x84, 0x10, 0, 0, 0, 0xe8, 0x10, 0, 0, 0};

	(void)state;
	assert_int_equal(code_count_jumps(code, sizeof code, 0x1000, 0x1015, 0x1016), 1);
	assert_int_equal(code_count_jumps(code, sizeof code, 0x1000, 0x1015, 0x1020), 2); /* and no call */
	assert_int_equal(code_count_jumps(code, 4, 0x1000, 0x1015, 0x1020), 0);
	assert_int_equal(code_count_jumps(code, sizeof code, 0x1000, 0x2000, 0x3000), 0);
}

/* ---- frames ---- */

static bool size_of(const char *bytes, size_t n, uint64_t *size)
{
	uint8_t *exact = malloc(n ? n : 1); /* for the sanitizer to see what is read behind it */
	bool known;

	memcpy(exact, bytes, n);
	known = code_frame_size(exact, n, size);
	free(exact);
	return known;
}
#define SIZE_OF(bytes, size) size_of(bytes, sizeof bytes - 1, size)

#define PUSH_RBP "\x55"
#define MOV_RSP_RBP "\x48\x89\xe5"
#define CALL "\xe8\0\0\0\0"

static void frame_sizes(void **state)
{
	uint64_t size = 0;

	(void)state;
	assert_true(SIZE_OF(PUSH_RBP MOV_RSP_RBP CALL, &size));
	assert_int_equal(size, 0);
	/* _Py_write() of Debian's python3.15 */
	assert_true(SIZE_OF("\xf3\x0f\x1e\xfa"
			    "\x48\xb8\xff\xff\xff\xff\xff\xff\xff\x7f" PUSH_RBP MOV_RSP_RBP "\x41\x57\x41\x56\x41\x89\xfe\x41\x55"
			    "\x49\x89\xf5\x41\x54\x53\x48\x83\xec\x18\x48\x39\xc2\x48\x0f\x46\xc2\x48\x89\xc3" CALL,
			    &size));
	assert_int_equal(size, 5 * 8 + 0x18);
	assert_true(SIZE_OF(PUSH_RBP MOV_RSP_RBP "\x48\x81\xec\x20\x01\x00\x00" CALL, &size));
	assert_int_equal(size, 0x120);
	assert_true(SIZE_OF(PUSH_RBP MOV_RSP_RBP "\x48\x83\xc4\x80" CALL, &size)); /* add $-128,%rsp */
	assert_int_equal(size, 128);
	assert_true(SIZE_OF(PUSH_RBP MOV_RSP_RBP "\x48\x8b\x07\x48\x89\x45\xf8\x0f\x05",
			    &size)); /* a leaf with a system call of its own */
	assert_int_equal(size, 0);
	assert_true(SIZE_OF("\x85\xff\x74\x10" PUSH_RBP MOV_RSP_RBP "\x53" CALL, &size)); /* the frame is made behind a test */
	assert_int_equal(size, 8);

	assert_false(SIZE_OF("\x48\x83\xec\x18" CALL, &size));                               /* no frame pointer */
	assert_false(SIZE_OF(PUSH_RBP MOV_RSP_RBP "\x48\x83\xe4\xe0" CALL, &size));          /* aligned */
	assert_false(SIZE_OF(PUSH_RBP MOV_RSP_RBP "\x48\x81\xec\x00\x10\x00\x00", &size));   /* probed */
	assert_false(SIZE_OF(PUSH_RBP MOV_RSP_RBP "\xc5\xf8\x77\x48\x83\xec\x18", &size));   /* what is not known here */
	assert_false(SIZE_OF("", &size));
	assert_true(code_moves_stack((const uint8_t *)"\x90\x48\x29\xc4", 4)); /* sub %rax,%rsp */
	assert_true(code_moves_stack((const uint8_t *)"\x90\x48\x29\xfc", 4));
	assert_true(code_moves_stack((const uint8_t *)"\x90\x4c\x29\xcc", 4));
	assert_true(code_moves_stack((const uint8_t *)"\x48\x2b\xe0", 3));
	assert_true(code_moves_stack((const uint8_t *)"\x48\x89\xc4", 3));  /* mov %rax,%rsp */
	assert_true(code_moves_stack((const uint8_t *)"\x4c\x89\xec", 3));  /* mov %r13,%rsp */
	assert_false(code_moves_stack((const uint8_t *)"\x48\x89\xec", 3)); /* mov %rbp,%rsp, of an epilogue */
	assert_false(code_moves_stack((const uint8_t *)"\x49\x89\xc4", 3)); /* mov %rax,%r12 */
	assert_false(code_moves_stack((const uint8_t *)"\x49\x29\xc4", 3)); /* sub %rax,%r12 */
	assert_false(code_moves_stack((const uint8_t *)"\x4c\x8b\xe0", 3)); /* mov %rax,%r12 */
	assert_false(code_moves_stack((const uint8_t *)"\x48\x29\xc3\x48\x83\xec\x18", 7));
	assert_false(code_moves_stack((const uint8_t *)"\x48\x29", 2));
}

/** Any bytes, cut anywhere. */
static void odd_code(void **state)
{
	uint32_t seed = 5;
	char bytes[64];
	uint64_t size;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t n = (seed >> 8) % sizeof bytes;

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
		if (n > 4 && i % 2)
			memcpy(bytes, PUSH_RBP MOV_RSP_RBP, 4);
		if (size_of(bytes, n, &size))
			assert_true(size < 64 * 8 + 4096);
		else
			seed++;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merged),          cmocka_unit_test(apart), cmocka_unit_test(cut), cmocka_unit_test(calls),
		cmocka_unit_test(linkage_entries), cmocka_unit_test(jumps), cmocka_unit_test(frame_sizes),
		cmocka_unit_test(odd_code),
	};

	return cmocka_run_group_tests_name("native and Python frames joined", tests, NULL, NULL);
}
