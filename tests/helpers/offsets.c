/* The rows of python/table.h: offsets MINOR prints NAME VALUE, a line each, and the version that the row was made from as `hex`. See
 * tests/pythons/test_offsets.py. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "python/offsets.h"

#define FIELD(name) {#name, offsetof(struct py_offsets, name)}
static const struct {
	const char *name;
	size_t at;
} fields[] = {
	FIELD(rt_interp_head), FIELD(rt_size), FIELD(rt_tstate_current), FIELD(is_next), FIELD(is_id), FIELD(is_threads_head),
	FIELD(is_modules), FIELD(is_gil), FIELD(gil_holder), FIELD(gil_locked), FIELD(gc_gen0), FIELD(gc_in_interp),
	FIELD(gc_gen_size), FIELD(ts_next), FIELD(ts_interp), FIELD(ts_thread_id), FIELD(ts_native_id), FIELD(ts_frame),
	FIELD(cframe_frame), FIELD(fr_back), FIELD(fr_code), FIELD(fr_instr), FIELD(fr_locals), FIELD(fr_stacktop),
	FIELD(fr_owner), FIELD(fr_is_entry), FIELD(fr_lineno), FIELD(fr_iblock), FIELD(fr_blocks), FIELD(fr_valuestack),
	FIELD(fr_globals), FIELD(gen_iframe), FIELD(gen_state), FIELD(gen_name), FIELD(gen_qualname), FIELD(co_filename),
	FIELD(co_name), FIELD(co_firstlineno), FIELD(co_stacksize), FIELD(co_flags), FIELD(co_lines), FIELD(co_qualname),
	FIELD(co_code), FIELD(co_varnames), FIELD(co_nlocals), FIELD(co_exctable), FIELD(co_ncell), FIELD(co_nfree),
	FIELD(ob_type), FIELD(tp_name), FIELD(tp_flags), FIELD(tp_dict), FIELD(tp_basicsize), FIELD(tp_dictoffset),
	FIELD(tp_mro), FIELD(ht_cached_keys), FIELD(us_state), FIELD(us_length), FIELD(us_ascii), FIELD(us_compact),
	FIELD(by_size), FIELD(by_data), FIELD(tu_items), FIELD(cf_ml), FIELD(cf_self), FIELD(me_func), FIELD(me_self),
	FIELD(fu_name), FIELD(di_keys), FIELD(di_values), FIELD(dk_log2_size), FIELD(dk_log2_idx), FIELD(dk_kind),
	FIELD(dk_nentries), FIELD(dk_indices),
};
/* Every member is in the list: all but the first are ints. */
_Static_assert(sizeof(struct py_offsets) == sizeof(uint32_t) + ARRAY_SIZE(fields) * sizeof(int), "a field is missing");

int main(int argc, char **argv)
{
	const struct py_offsets *o = argc == 2 ? py_offsets_of(atoi(argv[1])) : NULL;

	if (!o) {
		fprintf(stderr, "usage: offsets MINOR, of a version that is known\n");
		return 2;
	}
	printf("hex %u\n", o->hex);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		printf("%s %d\n", fields[i].name, *(const int *)(const void *)((const char *)o + fields[i].at));
	return 0;
}
