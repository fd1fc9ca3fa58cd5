/* The processes of a run, wherever they are kept. */
#include "model/model.h"

size_t run_count(const struct run_report *r)
{
	return r->history ? history_count(r->history) : r->nrows;
}

const struct process_row *run_row(const struct run_report *r, size_t i)
{
	return r->history ? history_at(r->history, i) : &r->rows[i];
}

size_t run_dropped(const struct run_report *r)
{
	return r->history ? history_dropped(r->history) : r->rows_dropped;
}
