/* What was left behind, and who holds an address: in one sentence, and what to change. */
#include <string.h>

#include "report/facts.h"
#include "report/page.h"

enum { ADDRESSES_MOST = 3 };

static void add_process(struct text *out, const struct leak_process *p)
{
	page_fit(out, p->label && *p->label ? p->label : "?", LABEL_MOST);
	text_addf(out, "[%d]", (int)p->pid);
}

static void add_processes(struct text *out, const struct leak *l)
{
	size_t shown = l->nwho > LIST_MOST + 1 ? LIST_MOST : l->nwho;

	for (size_t i = 0; i < shown; i++) {
		text_add(out, i == 0 ? "" : i + 1 == l->nwho ? " and " : ", ");
		add_process(out, &l->who[i]);
	}
	if (shown < l->nwho)
		text_addf(out, " and %zu more", l->nwho - shown);
}

/** "tcp 127.0.0.1:1616 and unix /run/x.sock"; files without their kind. */
static void add_things(struct text *out, const struct leak *l, bool protocol)
{
	size_t shown = l->nthings > ADDRESSES_MOST + 1 ? ADDRESSES_MOST : l->nthings;

	for (size_t i = 0; i < shown; i++) {
		text_add(out, i == 0 ? "" : i + 1 == l->nthings ? " and " : ", ");
		if (protocol)
			text_addf(out, "%s ", l->things[i].protocol);
		page_fit(out, l->things[i].name, 2 * NAME_MOST);
	}
	if (shown < l->nthings)
		text_addf(out, " and %zu more", l->nthings - shown);
}

static void say_zombie(const struct leak *l, struct text *out)
{
	text_addf(out, "%s never waited for by ", l->nwho == 1 ? "a child that has ended was" : "children that have ended were");
	add_process(out, &l->parent);
	text_add(out, ": ");
	add_processes(out, l);
}

static void say_held(const struct finding *f, struct text *out)
{
	const struct leak *l = &f->leak;

	text_add(out, f->certainty == PROVEN ? "a bind failed, for " : "the address ");
	add_things(out, l, true);
	text_add(out, f->certainty == PROVEN ? " is held by " : " was held by ");
	add_processes(out, l);
	if (f->certainty == SUSPECTED)
		text_add(out, l->before ? " when the run began" : " when the command ended");
	text_add(out, l->owner == OWNER_RUN       ? ", which this run has started"
		      : l->owner == OWNER_EARLIER ? ", which an earlier run of this checkout has left"
						  : ", which is none of this run's processes");
	if (f->certainty == SUSPECTED)
		text_add(out, "; perhaps that is why the run failed");
}

void leak_sentence(const struct finding *f, struct text *out)
{
	const struct leak *l = &f->leak;

	switch (f->kind) {
	case FINDING_LEAKED_PROCESS:
	case FINDING_LEAKED_LISTENER:
		text_addf(out, "%s left running: ", l->nwho == 1 ? "process" : "processes");
		add_processes(out, l);
		if (l->nthings) {
			text_add(out, l->nwho == 1 ? ", listens on " : ", listen on ");
			add_things(out, l, true);
		}
			return;
	case FINDING_ZOMBIE:
		say_zombie(l, out);
		return;
	case FINDING_STALE_SOCKET:
		text_addf(out, "socket file%s left behind, and nobody listens there: ", l->nthings == 1 ? "" : "s");
		add_things(out, l, false);
		return;
	case FINDING_LEAKED_SHM:
		text_addf(out, "shared memory left behind, open nowhere: ");
		add_things(out, l, false);
		return;
	case FINDING_PORT_HELD:
		say_held(f, out);
		return;
	default: /* the kinds of hangs, whose switches name all */
		return;
	}
}

static void advise_held(const struct leak *l, struct text *out)
{
	if (l->owner == OWNER_RUN)
		text_add(out, "End it before the tests that bind the address, or bind port 0 and ask getsockname()");
	else
		text_addf(out, "%s: kill -INT %d; or let the tests bind port 0 and ask getsockname()",
			  l->owner == OWNER_EARLIER ? "End what was left" : "Ask whose it is before you end it",
			  l->nwho ? (int)l->who[0].pid : 0);
}

void leak_advice(const struct finding *f, struct text *out)
{
	switch (f->kind) {
	case FINDING_LEAKED_PROCESS:
		text_add(out, "End it where it is started: proc.terminate() and proc.wait() behind the yield of its fixture, or "
			      "\"with subprocess.Popen(...)\" and terminate()");
		return;
	case FINDING_LEAKED_LISTENER:
		text_add(out, "Let the fixture that starts it end it, by a pid file or a request to end if it is a daemon, and wait "
			      "until the address is free: the next run can't bind it before");
		return;
	case FINDING_ZOMBIE:
		text_add(out, "Wait for each child: os.waitpid(pid, 0) behind os.fork(), proc.wait() or poll() behind Popen, "
			      "join() behind Process.start()");
		return;
	case FINDING_STALE_SOCKET:
		text_add(out, "Unlink the path where the listener is ended, for one that is killed can't: "
			      "Path(path).unlink(missing_ok=True)");
		return;
	case FINDING_LEAKED_SHM:
		text_add(out, "Call unlink() once, by who made it, behind the last close(): shm.unlink() in a finally or a fixture");
		return;
	case FINDING_PORT_HELD:
		advise_held(&f->leak, out);
		return;
	default:
		return;
	}
}
