/* Whatever bytes a saved snapshot holds: it is refused, or read, proven, explained and written without a fault.
 * clang -fsanitize=fuzzer,address; tests/fixtures/snapshots/ is the corpus to begin with. */
#include <stdlib.h>
#include <string.h>

#include "prove/prove.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void prove_and_explain(const struct snapshot *s, bool without_service)
{
	struct proof *p = prove(s, &(struct prove_options){.horizon_ns = 600 * NS_PER_S, .without_service = without_service});

	finding_free(explain(s, p, &s->root, 1, p->whole ? PROVEN : SUSPECTED));
	for (size_t i = 0; i < s->nprocs; i++)
		finding_free(explain(s, p, &s->procs[i].pid, 1, SUSPECTED));
	finding_free(explain_stall(s, p, &(struct stall_facts){.quiet_ns = NS_PER_S}));
	proof_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *s, *again;
	struct text first = {0}, second = {0};
	struct err err = {0};

	if (snapshot_read((const char *)data, size, &s, &err)) {
		must(err.text[0] && !strchr(err.text, '\n'));
		return 0;
	}
	prove_and_explain(s, false);
	prove_and_explain(s, true);
	prove_owners(s);
	prove_and_explain(s, false);
	snapshot_write(s, &first);
	must(snapshot_read(first.at, first.n, &again, &err) == 0);
	snapshot_write(again, &second);
	must(strcmp(text_str(&first), text_str(&second)) == 0);
	text_free(&first);
	text_free(&second);
	snapshot_free(s);
	snapshot_free(again);
	return 0;
}
