/* Frames by libunwind, with accessors of our own: memory is that of `struct memory` or the mapped file, and of the registers
 * only RSP and RIP are known, and what frame_pointer.c proves.
 *
 * libunwind is loaded when the first stack is read, so that a run in which nothing hangs does not pay for it
 * (docs/libraries.md). Where it finds no unwind entry it guesses (unw_step(), src/x86_64/Gstep.c of 1.6); a guess is no frame
 * here.
 */
#include "stacks/native.h"

#ifdef __x86_64__
#include <dlfcn.h>
#include <libunwind-x86_64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libunwind-x86_64.so.8"

/* Reads of memory for one stack: an unwind entry of a broken file may hold a loop (DW_OP_skip). */
enum { MOST_READS = 1 << 20, TABLE_AT = 12, ROW = sizeof(struct elf_row) };
/* No address of a process: where libunwind finds a table that was made for it. */
#define MADE_AT UINT64_C(0xffe0000000000000)

typedef int search_table(unw_addr_space_t as, unw_word_t ip, unw_dyn_info_t *di, unw_proc_info_t *pi, int need, void *arg);

struct unwinder {
	void *library;
	__typeof__(unw_create_addr_space) *create_addr_space;
	__typeof__(unw_destroy_addr_space) *destroy_addr_space;
	__typeof__(unw_init_remote) *init_remote;
	__typeof__(unw_step) *step;
	__typeof__(unw_get_reg) *get_reg;
	__typeof__(unw_get_proc_info) *get_proc_info;
	__typeof__(unw_get_proc_info_by_ip) *get_proc_info_by_ip;
	search_table *search; /* exported, but in no header: _UPT_find_proc_info() of libunwind-ptrace calls it as well */
	unw_addr_space_t space;
	char why[160], doubt[160];

	/* The stack that is being read. */
	const struct native_source *source;
	struct native_piece near; /* the last one that was asked for */
	bool near_has_tables;
	uint64_t sp, pc, rbp;
	bool has_rbp, asked_rbp, asked_other, no_entry;
	size_t reads;
	const struct elf_row *rows; /* at MADE_AT, for libunwind */
	size_t nrows;
};

/* ---- the process ---- */

static bool has_tables(const struct native_piece *piece)
{
	uint64_t address, offset, size;

	return (elf_eh_frame(piece->elf, &address, &offset, &size) || elf_section(piece->elf, ".eh_frame", &address, &size)) &&
	       address + piece->bias >= piece->start && address + piece->bias < piece->end;
}

static bool piece_at(struct unwinder *u, uint64_t address)
{
	if (address >= u->near.start && address < u->near.end)
		return true;
	if (!u->source->piece_at(u->source->who, address, &u->near)) {
		u->near = (struct native_piece){0};
		return false;
	}
	u->near_has_tables = u->near.elf && has_tables(&u->near);
	return true;
}

/** Unwind tables come from the file: they are the same there, and reading a process costs a system call a page. */
static bool read_file(struct unwinder *u, uint64_t address, void *buf, size_t size)
{
	size_t available;

	if (!piece_at(u, address) || !u->near.elf || !u->near_has_tables)
		return false;

	const uint8_t *at = elf_bytes_at(u->near.elf, address - u->near.bias, &available);

	if (!at || available < size)
		return false;
	memcpy(buf, at, size);
	return true;
}

static int access_memory(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write, void *arg)
{
	struct unwinder *u = arg;

	(void)as;
	if (write || u->reads++ >= MOST_READS)
		return -UNW_EINVAL;
	if (address >= MADE_AT && address - MADE_AT < u->nrows * ROW) { /* whole words */
		memcpy(value, &u->rows[(address - MADE_AT) / ROW], sizeof *value);
		return 0;
	}
	if (read_file(u, address, value, sizeof *value) || memory_read(u->source->memory, address, value, sizeof *value))
		return 0;
	return -UNW_EINVAL;
}

static int access_register(unw_addr_space_t as, unw_regnum_t number, unw_word_t *value, int write, void *arg)
{
	struct unwinder *u = arg;

	(void)as;
	if (write)
		return -UNW_EREADONLYREG;
	if (number == UNW_X86_64_RSP)
		*value = u->sp;
	else if (number == UNW_X86_64_RIP)
		*value = u->pc;
	else if (number == UNW_X86_64_RBP && u->has_rbp)
		*value = u->rbp;
	else {
		u->asked_rbp |= number == UNW_X86_64_RBP;
		u->asked_other |= number != UNW_X86_64_RBP;
		return -UNW_EBADREG;
	}
	return 0;
}

static int access_float(unw_addr_space_t as, unw_regnum_t number, unw_fpreg_t *value, int write, void *arg)
{
	(void)as, (void)number, (void)value, (void)write, (void)arg;
	return -UNW_EBADREG;
}

/* ---- unwind entries ---- */

/** The table for binary search that linkers make: .eh_frame_hdr, LSB Core 10.6.2. */
static bool linked_table(const struct native_piece *piece, unw_dyn_info_t *di)
{
	static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b}; /* version 1; pcrel sdata4, udata4, datarel sdata4 */
	uint64_t address, offset, size;
	size_t all;
	uint32_t rows;

	if (!elf_eh_frame(piece->elf, &address, &offset, &size) || size < TABLE_AT)
		return false;

	const uint8_t *head = elf_bytes(piece->elf, &all) + offset;

	memcpy(&rows, head + 8, sizeof rows);
	if (memcmp(head, usual, sizeof usual) != 0 || rows == 0 || rows > (size - TABLE_AT) / ROW)
		return false;
	di->u.rti.segbase = piece->bias + address;
	di->u.rti.table_data = piece->bias + address + TABLE_AT;
	di->u.rti.table_len = (unw_word_t)rows * ROW / sizeof(unw_word_t);
	return true;
}

/** Static programs have none. */
static bool made_table(struct unwinder *u, const struct native_piece *piece, unw_dyn_info_t *di)
{
	uint64_t base;

	if (!elf_frame_table(piece->elf, &u->rows, &u->nrows, &base))
		return false;
	di->u.rti.segbase = piece->bias + base;
	di->u.rti.table_data = MADE_AT;
	di->u.rti.table_len = (unw_word_t)u->nrows * ROW / sizeof(unw_word_t);
	return true;
}

static bool describe_table(struct unwinder *u, const struct native_piece *piece, unw_dyn_info_t *di)
{
	memset(di, 0, sizeof *di);
	di->format = UNW_INFO_FORMAT_REMOTE_TABLE;
	di->start_ip = piece->start;
	di->end_ip = piece->end;
	u->nrows = 0;
	return piece->elf && (linked_table(piece, di) || made_table(u, piece, di));
}

static int find_entry(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *info, int need, void *arg)
{
	struct unwinder *u = arg;
	struct native_piece piece;
	unw_dyn_info_t di;
	int rc = -UNW_ENOINFO;

	if (u->source->piece_at(u->source->who, ip, &piece) && piece.executable && describe_table(u, &piece, &di))
		rc = u->search(as, ip, &di, info, need, arg);
	/* The row before may be of a function that ended long ago. */
	if (rc >= 0 && (ip < info->start_ip || ip >= info->end_ip))
		rc = -UNW_ENOINFO;
	u->no_entry |= rc < 0;
	return rc;
}

static void put_entry(unw_addr_space_t as, unw_proc_info_t *info, void *arg)
{
	/* Its memory is libunwind's, which takes it back itself (put_unwind_info() in Gparser.c). */
	(void)as, (void)info, (void)arg;
}

static int no_list(unw_addr_space_t as, unw_word_t *list, void *arg)
{
	(void)as, (void)list, (void)arg;
	return -UNW_ENOINFO;
}

static int no_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as, (void)cursor, (void)arg;
	return -UNW_EINVAL;
}

static int no_name(unw_addr_space_t as, unw_word_t address, char *buf, size_t size, unw_word_t *offset, void *arg)
{
	(void)as, (void)address, (void)buf, (void)size, (void)offset, (void)arg;
	return -UNW_ENOINFO;
}

/* ---- loading ---- */

/** dlsym(3) gives objects; POSIX has them hold functions as well. */
static bool take(void *library, const char *name, void *function, size_t size)
{
	void *at = dlsym(library, name);

	memcpy(function, &at, size);
	return at != NULL;
}

#define TAKE(u, field, name) take((u)->library, "_Ux86_64_" name, &(u)->field, sizeof(u)->field)

static bool take_all(struct unwinder *u)
{
	return TAKE(u, create_addr_space, "create_addr_space") && TAKE(u, destroy_addr_space, "destroy_addr_space") &&
	       TAKE(u, init_remote, "init_remote") && TAKE(u, step, "step") && TAKE(u, get_reg, "get_reg") &&
	       TAKE(u, get_proc_info, "get_proc_info") &&
	       TAKE(u, get_proc_info_by_ip, "get_proc_info_by_ip") && TAKE(u, search, "dwarf_search_unwind_table");
}

struct unwinder *unwinder_new(const char **why)
{
	struct unwinder *u = mem_alloc(sizeof *u);

	*why = "native frames: " LIBRARY " is not here (Debian: libunwind8)";
	u->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (u->library && take_all(u)) {
		unw_accessors_t accessors = {find_entry,      put_entry,    no_list,   access_memory,
					     access_register, access_float, no_resume, no_name};

		u->space = u->create_addr_space(&accessors, 0);
	}
	if (u->space) {
		*why = NULL;
		return u;
	}
	unwinder_free(u);
	return NULL;
}

void unwinder_free(struct unwinder *u)
{
	if (!u)
		return;
	if (u->space)
		u->destroy_addr_space(u->space);
	if (u->library)
		dlclose(u->library);
	free(u);
}

/* ---- the walk ---- */

static uint64_t end_of(void *who, uint64_t address)
{
	struct unwinder *u = who;
	unw_proc_info_t info;
	bool no_entry = u->no_entry;
	int rc = u->get_proc_info_by_ip(u->space, address, &info, u);

	u->no_entry = no_entry;
	return rc >= 0 && address >= info.start_ip && address < info.end_ip ? info.end_ip : 0;
}

/** "mov $__NR_rt_sigreturn,%rax; syscall": where a signal handler returns to. unw_is_signal_frame() does not know frames that
 *  have an unwind entry, and libc's has one (sysdeps/unix/sysv/linux/x86_64/libc_sigaction.c). */
static bool is_signal_return(struct unwinder *u, unw_cursor_t *cursor)
{
	static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	uint8_t found[sizeof code];
	unw_word_t pc;

	return u->get_reg(cursor, UNW_REG_IP, &pc) == 0 && native_code(u->source, pc, found, sizeof found) &&
	       memcmp(found, code, sizeof code) == 0;
}

/** In a call the address is behind it, maybe behind the function. A signal's frame is in none, nor is the one that it
 *  interrupted. */
static void describe(struct unwinder *u, unw_cursor_t *cursor, bool in_call, struct native_frame *out)
{
	unw_proc_info_t info;

	*out = (struct native_frame){0};
	u->get_reg(cursor, UNW_REG_IP, &out->pc);
	u->get_reg(cursor, UNW_REG_SP, &out->sp);
	out->at = out->pc - in_call;
	if (u->get_proc_info(cursor, &info) >= 0 && out->at >= info.start_ip && out->at < info.end_ip) {
		out->from = info.start_ip;
		out->to = info.end_ip;
	}
}

static int stop(struct unwinder *u, const char *why, uint64_t pc)
{
	snprintf(u->why, sizeof u->why, "native frames end early: %s, at %#llx", why, (unsigned long long)pc);
	return -1;
}

static int step_again(struct unwinder *u, unw_cursor_t *cursor, const struct native_frame *here)
{
	struct pointerless frame = {u->source, here->sp, here->pc, here->from, here->to, end_of, u};
	const char *why;
	int rc;

	switch (frame_pointer_find(&frame, &u->rbp, &why)) {
	case POINTER_NONE: return stop(u, why, here->pc);
	case POINTER_LIKELY:
		snprintf(u->doubt, sizeof u->doubt, "native frames: %s, at %#llx", why, (unsigned long long)here->pc);
		break;
	case POINTER_PROVEN: break;
	}
	u->has_rbp = true;
	rc = u->step(cursor);
	return rc < 0 ? stop(u, "the frame pointer that was found leads nowhere", here->pc) : rc;
}

/** One frame out. @return 1, 0 at the start of the thread, -1 with the reason in u->why. */
static int step(struct unwinder *u, unw_cursor_t *cursor, const struct native_frame *here)
{
	unw_cursor_t before = *cursor;
	int rc;

	u->asked_rbp = u->asked_other = u->no_entry = false;
	rc = u->step(cursor);
	if (u->no_entry)
		return stop(u, "no unwind entry for this code", here->pc);
	if (rc == -UNW_EBADREG && u->asked_rbp && !u->asked_other) {
		*cursor = before;
		rc = step_again(u, cursor, here);
		if (rc < 0)
			return rc;
	}
	if (rc == -UNW_EBADREG)
		return stop(u, "it takes a register that only a stopped task shows", here->pc);
	if (rc < 0)
		return stop(
			u, u->reads >= MOST_READS ? "its unwind entry does not end" : "the stack does not fit the unwind entry",
			here->pc);
	return rc > 0;
}

/** Is NEXT a frame that can have called HERE? */
static int check(struct unwinder *u, const struct native_frame *here, const struct native_frame *next, bool in_call,
		 bool by_signal)
{
	if (next->sp <= here->sp && in_call)
		return stop(u, "the stack would grow the wrong way", here->pc);
	if (!piece_at(u, next->at) || !u->near.executable)
		return stop(u, "the return address is not in code", here->pc);
	/* What was found without unwind entries alone has to hold to the end. */
	if (u->has_rbp && in_call && !by_signal && !is_behind_call(u->source, next->pc))
		return stop(u, "the return address is not behind a call", here->pc);
	return 1;
}

size_t native_unwind(struct unwinder *u, const struct native_source *source, uint64_t sp, uint64_t pc, struct native_frame *out,
		     size_t most, bool *whole, const char **why)
{
	unw_cursor_t cursor;
	size_t n = 0;
	bool in_call = false;
	int rc = 1;

	u->source = source;
	u->near = (struct native_piece){0};
	u->nrows = 0;
	u->sp = sp;
	u->pc = pc;
	u->has_rbp = false;
	u->reads = 0;
	u->why[0] = u->doubt[0] = '\0';
	if (sp < MEMORY_PAGE)
		rc = stop(u, "there is no stack", pc);
	else if (u->init_remote(&cursor, u->space, u) < 0)
		rc = stop(u, "libunwind refuses to begin", pc);
	while (rc > 0 && n < most) {
		bool by_signal = is_signal_return(u, &cursor);

		describe(u, &cursor, in_call && !by_signal, &out[n]);
		if (out[n].pc == 0) {
			rc = 0;
			break;
		}
		if (n > 0 && check(u, &out[n - 1], &out[n], in_call, by_signal) < 0) {
			rc = -1;
			break;
		}
		in_call = !by_signal;
		rc = step(u, &cursor, &out[n]);
		n++;
	}
	*whole = rc == 0;
	if (rc > 0)
		stop(u, "there are too many", out[n - 1].pc);
	*why = !*whole ? u->why : *u->doubt ? u->doubt : NULL;
	return n;
}

#else

struct unwinder *unwinder_new(const char **why)
{
	*why = "native frames: not on this machine";
	return NULL;
}

void unwinder_free(struct unwinder *u)
{
	(void)u;
}

size_t native_unwind(struct unwinder *u, const struct native_source *source, uint64_t sp, uint64_t pc, struct native_frame *out,
		     size_t most, bool *whole, const char **why)
{
	(void)u, (void)source, (void)sp, (void)pc, (void)out, (void)most;
	*whole = false;
	*why = "native frames: not on this machine";
	return 0;
}
#endif
