/* Private to python/: where the fields of CPython's structs lie. */
#ifndef TRACEWRAP_PYTHON_OFFSETS_H
#define TRACEWRAP_PYTHON_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row a minor version. -1: the version has no such field. Fields that mean different things by version:
 *   ts_frame      3.8-3.10 PyFrameObject *; 3.11-3.12 _PyCFrame *, which has the frame at cframe_frame; 3.13 on the frame
 *   fr_instr      3.8-3.9 f_lasti in bytes; 3.10 f_lasti in units of 2 bytes; 3.11-3.12 prev_instr, 3.13 on instr_ptr (addresses)
 *   fr_stacktop   3.8-3.9 PyObject ** (NULL while it runs); 3.10 int depth (-1 while it runs); 3.11-3.13 int, slots from
 *                 localsplus on (-1 while it runs); 3.14 on an address (0 while it runs, but not while it calls)
 *   gen_iframe    3.8-3.10 pointer to the frame object; 3.11 on the frame itself
 *   co_lines      3.8-3.9 lnotab; 3.10 table of PEP 626; 3.11 on location table
 *   co_varnames   3.11 on co_localsplusnames; co_nlocals: 3.11 on co_nlocalsplus; co_ncell, co_nfree: 3.8-3.10 tuples of names
 *   is_gil        3.12 on a pointer to the struct that has gil_holder and gil_locked; before, rt_tstate_current is the holder
 *   dk_log2_size  3.8-3.10 dk_size itself */
struct py_offsets {
	uint32_t hex; /* PY_VERSION_HEX of the headers that the row was made from */
	int rt_interp_head, rt_size, rt_tstate_current, is_next, is_id, is_threads_head, is_modules;
	int is_gil, gil_holder, gil_locked;
	int gc_gen0, gc_in_interp, gc_gen_size;
	int ts_next, ts_interp, ts_thread_id, ts_native_id, ts_frame, cframe_frame;
	int fr_back, fr_code, fr_instr, fr_locals, fr_stacktop, fr_owner, fr_is_entry;
	int fr_lineno, fr_iblock, fr_blocks, fr_valuestack, fr_globals;
	int gen_iframe, gen_state, gen_name, gen_qualname;
	int co_filename, co_name, co_firstlineno, co_stacksize, co_flags, co_lines, co_qualname, co_code, co_varnames, co_nlocals;
	int co_exctable, co_ncell, co_nfree;
	int ob_type, tp_name, tp_flags, tp_dict, tp_basicsize, tp_dictoffset, tp_mro, ht_cached_keys;
	int us_state, us_length, us_ascii, us_compact, by_size, by_data, tu_items;
	int cf_ml, cf_self, me_func, me_self, fu_name;
	int di_keys, di_values, dk_log2_size, dk_log2_idx, dk_kind, dk_nentries, dk_indices;
};

/** The row of a minor version; NULL: not known. */
const struct py_offsets *py_offsets_of(int minor);

/** The block that an interpreter describes itself with at _PyRuntime from 3.13 on (pycore_debug_offsets.h). */
enum { PY_BLOCK_WORDS = 128, PY_MOST_OFFSET = 1 << 20 };
/** How many words the block of HEX has; 0: it has none, or its order is not known. */
size_t py_block_words(uint32_t hex);
/** Put what the block of HEX says over the row: it is right where headers are not (3.15.2's own give a _PyRuntime 8 bytes too
 *  short). @return false: a word can't be an offset. O is of no use then. */
bool py_block_overlay(uint32_t hex, const uint64_t *block, struct py_offsets *o);

#endif
