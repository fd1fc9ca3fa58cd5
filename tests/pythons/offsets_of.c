/* Prints where the fields of CPython's structs lie in the version whose headers it is compiled with: NAME VALUE, a line each. It is never
 * linked to that version: only offsetof() and sizeof are asked. A new row of supervisor/python/table.h is made of what it prints:
 *
 *     cc -w -I PREFIX/include/python3.N -I PREFIX/include/python3.N/internal offsets_of.c && ./a.out
 */
#ifndef Py_BUILD_CORE
# define Py_BUILD_CORE 1
#endif
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#include <frameobject.h>
#if PY_VERSION_HEX >= 0x03080000
# if PY_VERSION_HEX < 0x03090000
#  include "internal/pycore_pystate.h"
#  include "internal/pycore_pymem.h"
# else
#  include "internal/pycore_runtime.h"
#  include "internal/pycore_interp.h"
#  include "internal/pycore_gc.h"
# endif
#else
# include "internal/pystate.h"
# include "internal/mem.h"
#endif
#if PY_VERSION_HEX >= 0x030b0000
# include "internal/pycore_frame.h"
# include "internal/pycore_dict.h"
# include "internal/pycore_code.h"
#endif
#if PY_VERSION_HEX >= 0x030d0000
# include "internal/pycore_tstate.h"
#endif
#if PY_VERSION_HEX >= 0x030e0000
# include "internal/pycore_interpframe.h"
#endif
#if PY_VERSION_HEX < 0x030b0000
/* not installed before 3.11 (Objects/dict-common.h): the layout by hand */
struct dk_old { Py_ssize_t refcnt, size; void *lookup; Py_ssize_t usable, nentries; char indices[1]; };
#endif
#define F(name, val) printf("%s %ld\n", #name, (long)(val))
#define O(name, type, mem) F(name, offsetof(type, mem))
int main(void) {
	F(hex, PY_VERSION_HEX);
	/* runtime */
	O(rt_interp_head, _PyRuntimeState, interpreters.head);
	F(rt_size, sizeof(_PyRuntimeState));
#if PY_VERSION_HEX < 0x030c0000
	O(rt_tstate_current, _PyRuntimeState, gilstate.tstate_current);
#else
	F(rt_tstate_current, -1);
#endif
	/* interpreter */
	O(is_next, PyInterpreterState, next);
	O(is_id, PyInterpreterState, id);
#if PY_VERSION_HEX >= 0x030b0000
	O(is_threads_head, PyInterpreterState, threads.head);
#else
	O(is_threads_head, PyInterpreterState, tstate_head);
#endif
#if PY_VERSION_HEX >= 0x030c0000
	O(is_modules, PyInterpreterState, imports.modules);
	O(is_gil, PyInterpreterState, ceval.gil);
	F(gil_holder, offsetof(struct _gil_runtime_state, last_holder));
	F(gil_locked, offsetof(struct _gil_runtime_state, locked));
#else
	O(is_modules, PyInterpreterState, modules);
	F(is_gil, -1); F(gil_holder, -1); F(gil_locked, -1);
#endif
#if PY_VERSION_HEX >= 0x03090000
	O(gc_gen0, PyInterpreterState, gc.generations[0].head);
	F(gc_in_interp, 1);
#else
	O(gc_gen0, _PyRuntimeState, gc.generations[0].head);
	F(gc_in_interp, 0);
#endif
	F(gc_gen_size, sizeof(struct gc_generation));
	/* thread */
	O(ts_next, PyThreadState, next);
	O(ts_interp, PyThreadState, interp);
	O(ts_thread_id, PyThreadState, thread_id);
#if PY_VERSION_HEX >= 0x030b0000
	O(ts_native_id, PyThreadState, native_thread_id);
#else
	F(ts_native_id, -1);
#endif
#if PY_VERSION_HEX >= 0x030d0000
	O(ts_frame, PyThreadState, current_frame); F(cframe_frame, -1);
#elif PY_VERSION_HEX >= 0x030b0000
	O(ts_frame, PyThreadState, cframe); O(cframe_frame, _PyCFrame, current_frame);
#else
	O(ts_frame, PyThreadState, frame); F(cframe_frame, -1);
#endif
	/* frame */
#if PY_VERSION_HEX >= 0x030b0000
	O(fr_back, _PyInterpreterFrame, previous);
# if PY_VERSION_HEX >= 0x030d0000
	O(fr_code, _PyInterpreterFrame, f_executable);
	O(fr_instr, _PyInterpreterFrame, instr_ptr);
# else
	O(fr_code, _PyInterpreterFrame, f_code);
	O(fr_instr, _PyInterpreterFrame, prev_instr);
# endif
	O(fr_locals, _PyInterpreterFrame, localsplus);
# if PY_VERSION_HEX >= 0x030e0000
	O(fr_stacktop, _PyInterpreterFrame, stackpointer);
# else
	O(fr_stacktop, _PyInterpreterFrame, stacktop);
# endif
	O(fr_owner, _PyInterpreterFrame, owner);
# if PY_VERSION_HEX < 0x030c0000
	O(fr_is_entry, _PyInterpreterFrame, is_entry);
# else
	F(fr_is_entry, -1);
# endif
	F(fr_lineno, -1); F(fr_iblock, -1); F(fr_blocks, -1); F(fr_valuestack, -1);
	O(fr_globals, _PyInterpreterFrame, f_globals);
	O(gen_iframe, PyGenObject, gi_iframe);
	O(gen_state, PyGenObject, gi_frame_state);
#else
	O(fr_back, PyFrameObject, f_back);
	O(fr_code, PyFrameObject, f_code);
	O(fr_instr, PyFrameObject, f_lasti);
	O(fr_locals, PyFrameObject, f_localsplus);
# if PY_VERSION_HEX >= 0x030a0000
	O(fr_stacktop, PyFrameObject, f_stackdepth);
# else
	O(fr_stacktop, PyFrameObject, f_stacktop);
# endif
	F(fr_owner, -1); F(fr_is_entry, -1);
	O(fr_lineno, PyFrameObject, f_lineno);
	O(fr_iblock, PyFrameObject, f_iblock);
	O(fr_blocks, PyFrameObject, f_blockstack);
	O(fr_valuestack, PyFrameObject, f_valuestack);
	O(fr_globals, PyFrameObject, f_globals);
	O(gen_iframe, PyGenObject, gi_frame);
	F(gen_state, -1);
#endif
	O(gen_name, PyGenObject, gi_name);
	O(gen_qualname, PyGenObject, gi_qualname);
	/* code */
	O(co_filename, PyCodeObject, co_filename);
	O(co_name, PyCodeObject, co_name);
	O(co_firstlineno, PyCodeObject, co_firstlineno);
	O(co_stacksize, PyCodeObject, co_stacksize);
	O(co_flags, PyCodeObject, co_flags);
#if PY_VERSION_HEX >= 0x030a0000
	O(co_lines, PyCodeObject, co_linetable);
#else
	O(co_lines, PyCodeObject, co_lnotab);
#endif
#if PY_VERSION_HEX >= 0x030b0000
	O(co_qualname, PyCodeObject, co_qualname);
	O(co_code, PyCodeObject, co_code_adaptive);
	O(co_varnames, PyCodeObject, co_localsplusnames);
	O(co_nlocals, PyCodeObject, co_nlocalsplus);
	O(co_exctable, PyCodeObject, co_exceptiontable);
	F(co_ncell, -1); F(co_nfree, -1);
#else
	F(co_qualname, -1);
	O(co_code, PyCodeObject, co_code);
	O(co_varnames, PyCodeObject, co_varnames);
	O(co_nlocals, PyCodeObject, co_nlocals);
	F(co_exctable, -1);
	O(co_ncell, PyCodeObject, co_cellvars); O(co_nfree, PyCodeObject, co_freevars);
#endif
	/* objects */
	O(ob_type, PyObject, ob_type);
	O(tp_name, PyTypeObject, tp_name);
	O(tp_flags, PyTypeObject, tp_flags);
	O(tp_dict, PyTypeObject, tp_dict);
	O(tp_basicsize, PyTypeObject, tp_basicsize);
	O(tp_dictoffset, PyTypeObject, tp_dictoffset);
	O(ht_cached_keys, PyHeapTypeObject, ht_cached_keys);
	O(us_state, PyASCIIObject, state);
	O(us_length, PyASCIIObject, length);
	F(us_ascii, sizeof(PyASCIIObject));
	F(us_compact, sizeof(PyCompactUnicodeObject));
	O(by_size, PyVarObject, ob_size);
	O(by_data, PyBytesObject, ob_sval);
	O(tu_items, PyTupleObject, ob_item);
	O(cf_ml, PyCFunctionObject, m_ml);
	O(cf_self, PyCFunctionObject, m_self);
	O(di_keys, PyDictObject, ma_keys);
	O(di_values, PyDictObject, ma_values);
#if PY_VERSION_HEX >= 0x030b0000
	O(dk_log2_size, PyDictKeysObject, dk_log2_size);
	O(dk_log2_idx, PyDictKeysObject, dk_log2_index_bytes);
	O(dk_kind, PyDictKeysObject, dk_kind);
	O(dk_nentries, PyDictKeysObject, dk_nentries);
	O(dk_indices, PyDictKeysObject, dk_indices);
#else
	O(dk_log2_size, struct dk_old, size);
	F(dk_log2_idx, -1); F(dk_kind, -1);
	O(dk_nentries, struct dk_old, nentries);
	O(dk_indices, struct dk_old, indices);
#endif
	F(me_func, offsetof(PyMethodObject, im_func)); F(me_self, offsetof(PyMethodObject, im_self));
	O(fu_name, PyFunctionObject, func_name);
	O(tp_mro, PyTypeObject, tp_mro);
	return 0;
}
