/* Offsets of CPython's structs on x86-64, without Py_DEBUG, Py_TRACE_REFS and Py_GIL_DISABLED. Included by offsets.c alone.
 *
 * Made with offsetof() from the installed headers (Py_BUILD_CORE) of 3.8.18, 3.9.18, 3.10.13, 3.11.7, 3.12.1, 3.13.0 and of
 * Debian's 3.14.10 and 3.15.2. One row serves all releases of a minor version up to 3.12: 3.11.2 and 3.11.7 give the same. From
 * 3.13 on patch releases differ, and what the interpreter says of itself goes over the row (offsets.c). rt_size is what tells
 * another build: it is compared with the size of the symbol _PyRuntime up to 3.12. By hand, from Objects/dict-common.h, which is
 * not installed: dk_* of 3.8 to 3.10.
 */
#ifndef TRACEWRAP_PYTHON_TABLE_H
#define TRACEWRAP_PYTHON_TABLE_H

#include "python/offsets.h"

/* clang-format off */
static const struct py_offsets py_rows[] = {
{
	.hex = 0x030812f0, .rt_interp_head = 32, .rt_size = 1464, .rt_tstate_current = 1368, .is_next = 0, .is_id = 16,
	.is_threads_head = 8, .is_modules = 56, .is_gil = -1, .gil_holder = -1, .gil_locked = -1, .gc_gen0 = 368,
	.gc_in_interp = 0, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 176, .ts_native_id = -1,
	.ts_frame = 24, .cframe_frame = -1, .fr_back = 24, .fr_code = 32, .fr_instr = 104, .fr_locals = 360, .fr_stacktop = 72,
	.fr_owner = -1, .fr_is_entry = -1, .fr_lineno = 108, .fr_iblock = 112, .fr_blocks = 120, .fr_valuestack = 64,
	.fr_globals = 48, .gen_iframe = 16, .gen_state = -1, .gen_name = 48, .gen_qualname = 56, .co_filename = 104,
	.co_name = 112, .co_firstlineno = 40, .co_stacksize = 32, .co_flags = 36, .co_lines = 120, .co_qualname = -1,
	.co_code = 48, .co_varnames = 72, .co_nlocals = 28, .co_exctable = -1, .co_ncell = 88, .co_nfree = 80, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 872,
	.us_state = 32, .us_length = 16, .us_ascii = 48, .us_compact = 72, .by_size = 16, .by_data = 32, .tu_items = 24,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = -1, .dk_kind = -1,
	.dk_nentries = 32, .dk_indices = 40, .me_func = 16, .me_self = 24, .fu_name = 64, .tp_mro = 344,
},
{
	.hex = 0x030912f0, .rt_interp_head = 32, .rt_size = 656, .rt_tstate_current = 568, .is_next = 0, .is_id = 24,
	.is_threads_head = 8, .is_modules = 856, .is_gil = -1, .gil_holder = -1, .gil_locked = -1, .gc_gen0 = 640,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 176, .ts_native_id = -1,
	.ts_frame = 24, .cframe_frame = -1, .fr_back = 24, .fr_code = 32, .fr_instr = 104, .fr_locals = 360, .fr_stacktop = 72,
	.fr_owner = -1, .fr_is_entry = -1, .fr_lineno = 108, .fr_iblock = 112, .fr_blocks = 120, .fr_valuestack = 64,
	.fr_globals = 48, .gen_iframe = 16, .gen_state = -1, .gen_name = 48, .gen_qualname = 56, .co_filename = 104,
	.co_name = 112, .co_firstlineno = 40, .co_stacksize = 32, .co_flags = 36, .co_lines = 120, .co_qualname = -1,
	.co_code = 48, .co_varnames = 72, .co_nlocals = 28, .co_exctable = -1, .co_ncell = 88, .co_nfree = 80, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 864,
	.us_state = 32, .us_length = 16, .us_ascii = 48, .us_compact = 72, .by_size = 16, .by_data = 32, .tu_items = 24,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = -1, .dk_kind = -1,
	.dk_nentries = 32, .dk_indices = 40, .me_func = 16, .me_self = 24, .fu_name = 64, .tp_mro = 344,
},
{
	.hex = 0x030a0df0, .rt_interp_head = 32, .rt_size = 672, .rt_tstate_current = 568, .is_next = 0, .is_id = 24,
	.is_threads_head = 8, .is_modules = 856, .is_gil = -1, .gil_holder = -1, .gil_locked = -1, .gc_gen0 = 640,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 176, .ts_native_id = -1,
	.ts_frame = 24, .cframe_frame = -1, .fr_back = 24, .fr_code = 32, .fr_instr = 96, .fr_locals = 352, .fr_stacktop = 80,
	.fr_owner = -1, .fr_is_entry = -1, .fr_lineno = 100, .fr_iblock = 104, .fr_blocks = 112, .fr_valuestack = 64,
	.fr_globals = 48, .gen_iframe = 16, .gen_state = -1, .gen_name = 40, .gen_qualname = 48, .co_filename = 104,
	.co_name = 112, .co_firstlineno = 40, .co_stacksize = 32, .co_flags = 36, .co_lines = 120, .co_qualname = -1,
	.co_code = 48, .co_varnames = 72, .co_nlocals = 28, .co_exctable = -1, .co_ncell = 88, .co_nfree = 80, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 872,
	.us_state = 32, .us_length = 16, .us_ascii = 48, .us_compact = 72, .by_size = 16, .by_data = 32, .tu_items = 24,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = -1, .dk_kind = -1,
	.dk_nentries = 32, .dk_indices = 40, .me_func = 16, .me_self = 24, .fu_name = 32, .tp_mro = 344,
},
{
	.hex = 0x030b07f0, .rt_interp_head = 40, .rt_size = 166688, .rt_tstate_current = 576, .is_next = 0, .is_id = 48,
	.is_threads_head = 16, .is_modules = 888, .is_gil = -1, .gil_holder = -1, .gil_locked = -1, .gc_gen0 = 672,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 152, .ts_native_id = 160,
	.ts_frame = 56, .cframe_frame = 8, .fr_back = 48, .fr_code = 32, .fr_instr = 56, .fr_locals = 72, .fr_stacktop = 64,
	.fr_owner = 69, .fr_is_entry = 68, .fr_lineno = -1, .fr_iblock = -1, .fr_blocks = -1, .fr_valuestack = -1,
	.fr_globals = 8, .gen_iframe = 80, .gen_state = 75, .gen_name = 32, .gen_qualname = 40, .co_filename = 112,
	.co_name = 120, .co_firstlineno = 72, .co_stacksize = 68, .co_flags = 48, .co_lines = 136, .co_qualname = 128,
	.co_code = 184, .co_varnames = 96, .co_nlocals = 76, .co_exctable = 40, .co_ncell = -1, .co_nfree = -1, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 872,
	.us_state = 32, .us_length = 16, .us_ascii = 48, .us_compact = 72, .by_size = 16, .by_data = 32, .tu_items = 24,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = 9, .dk_kind = 10,
	.dk_nentries = 24, .dk_indices = 32, .me_func = 16, .me_self = 24, .fu_name = 32, .tp_mro = 344,
},
{
	.hex = 0x030c01f0, .rt_interp_head = 40, .rt_size = 459944, .rt_tstate_current = -1, .is_next = 0, .is_id = 8,
	.is_threads_head = 72, .is_modules = 944, .is_gil = 384, .gil_holder = 8, .gil_locked = 16, .gc_gen0 = 136,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 136, .ts_native_id = 144,
	.ts_frame = 56, .cframe_frame = 0, .fr_back = 8, .fr_code = 0, .fr_instr = 56, .fr_locals = 72, .fr_stacktop = 64,
	.fr_owner = 70, .fr_is_entry = -1, .fr_lineno = -1, .fr_iblock = -1, .fr_blocks = -1, .fr_valuestack = -1,
	.fr_globals = 24, .gen_iframe = 72, .gen_state = 67, .gen_name = 24, .gen_qualname = 32, .co_filename = 112,
	.co_name = 120, .co_firstlineno = 68, .co_stacksize = 64, .co_flags = 48, .co_lines = 136, .co_qualname = 128,
	.co_code = 192, .co_varnames = 96, .co_nlocals = 72, .co_exctable = 40, .co_ncell = -1, .co_nfree = -1, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 880,
	.us_state = 32, .us_length = 16, .us_ascii = 40, .us_compact = 56, .by_size = 16, .by_data = 32, .tu_items = 24,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = 9, .dk_kind = 10,
	.dk_nentries = 24, .dk_indices = 32, .me_func = 16, .me_self = 24, .fu_name = 32, .tp_mro = 344,
},
{
	.hex = 0x030d00f0, .rt_interp_head = 632, .rt_size = 283320, .rt_tstate_current = -1, .is_next = 7264, .is_id = 7272,
	.is_threads_head = 7344, .is_modules = 7656, .is_gil = 16, .gil_holder = 8, .gil_locked = 16, .gc_gen0 = 7424,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 152, .ts_native_id = 160,
	.ts_frame = 72, .cframe_frame = -1, .fr_back = 8, .fr_code = 0, .fr_instr = 56, .fr_locals = 72, .fr_stacktop = 64,
	.fr_owner = 70, .fr_is_entry = -1, .fr_lineno = -1, .fr_iblock = -1, .fr_blocks = -1, .fr_valuestack = -1,
	.fr_globals = 24, .gen_iframe = 72, .gen_state = 67, .gen_name = 24, .gen_qualname = 32, .co_filename = 112,
	.co_name = 120, .co_firstlineno = 68, .co_stacksize = 64, .co_flags = 48, .co_lines = 136, .co_qualname = 128,
	.co_code = 200, .co_varnames = 96, .co_nlocals = 72, .co_exctable = 40, .co_ncell = -1, .co_nfree = -1, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 880,
	.us_state = 32, .us_length = 16, .us_ascii = 40, .us_compact = 56, .by_size = 16, .by_data = 32, .tu_items = 24,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = 9, .dk_kind = 10,
	.dk_nentries = 24, .dk_indices = 32, .me_func = 16, .me_self = 24, .fu_name = 32, .tp_mro = 344,
},
{
	.hex = 0x030e0af0, .rt_interp_head = 808, .rt_size = 316616, .rt_tstate_current = -1, .is_next = 7272, .is_id = 7280,
	.is_threads_head = 7344, .is_modules = 7688, .is_gil = 16, .gil_holder = 8, .gil_locked = 16, .gc_gen0 = 7432,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 152, .ts_native_id = 160,
	.ts_frame = 72, .cframe_frame = -1, .fr_back = 8, .fr_code = 0, .fr_instr = 56, .fr_locals = 80, .fr_stacktop = 64,
	.fr_owner = 74, .fr_is_entry = -1, .fr_lineno = -1, .fr_iblock = -1, .fr_blocks = -1, .fr_valuestack = -1,
	.fr_globals = 24, .gen_iframe = 72, .gen_state = 67, .gen_name = 24, .gen_qualname = 32, .co_filename = 112,
	.co_name = 120, .co_firstlineno = 68, .co_stacksize = 64, .co_flags = 48, .co_lines = 136, .co_qualname = 128,
	.co_code = 208, .co_varnames = 96, .co_nlocals = 72, .co_exctable = 40, .co_ncell = -1, .co_nfree = -1, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 880,
	.us_state = 32, .us_length = 16, .us_ascii = 40, .us_compact = 56, .by_size = 16, .by_data = 32, .tu_items = 32,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = 9, .dk_kind = 10,
	.dk_nentries = 24, .dk_indices = 32, .me_func = 16, .me_self = 24, .fu_name = 32, .tp_mro = 344,
},
{
	.hex = 0x030f02f0, .rt_interp_head = 936, .rt_size = 346568, .rt_tstate_current = -1, .is_next = 7264, .is_id = 7272,
	.is_threads_head = 7336, .is_modules = 7592, .is_gil = 16, .gil_holder = 8, .gil_locked = 16, .gc_gen0 = 7408,
	.gc_in_interp = 1, .gc_gen_size = 24, .ts_next = 8, .ts_interp = 16, .ts_thread_id = 176, .ts_native_id = 184,
	.ts_frame = 72, .cframe_frame = -1, .fr_back = 8, .fr_code = 0, .fr_instr = 56, .fr_locals = 80, .fr_stacktop = 64,
	.fr_owner = 74, .fr_is_entry = -1, .fr_lineno = -1, .fr_iblock = -1, .fr_blocks = -1, .fr_valuestack = -1,
	.fr_globals = 24, .gen_iframe = 72, .gen_state = 67, .gen_name = 24, .gen_qualname = 32, .co_filename = 112,
	.co_name = 120, .co_firstlineno = 68, .co_stacksize = 64, .co_flags = 48, .co_lines = 136, .co_qualname = 128,
	.co_code = 208, .co_varnames = 96, .co_nlocals = 72, .co_exctable = 40, .co_ncell = -1, .co_nfree = -1, .ob_type = 8,
	.tp_name = 24, .tp_flags = 168, .tp_dict = 264, .tp_basicsize = 32, .tp_dictoffset = 288, .ht_cached_keys = 888,
	.us_state = 32, .us_length = 16, .us_ascii = 40, .us_compact = 56, .by_size = 16, .by_data = 32, .tu_items = 32,
	.cf_ml = 16, .cf_self = 24, .di_keys = 32, .di_values = 40, .dk_log2_size = 8, .dk_log2_idx = 9, .dk_kind = 10,
	.dk_nentries = 24, .dk_indices = 32, .me_func = 16, .me_self = 24, .fu_name = 32, .tp_mro = 344,
},
};

#endif
