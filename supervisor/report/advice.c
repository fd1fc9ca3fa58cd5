/* What to change, for each kind, in the words of Python's library. */
#include <string.h>

#include "report/facts.h"

/* ---- a full pipe ---- */

/** Behind "read": "the stdout of convert.py[2]", "the pipe into which convert.py[2] writes". */
static void add_source(struct text *out, const struct finding *f, const struct full *full)
{
	const char *stream = word_stream(full->writer->fd);

	if (stream) {
		text_addf(out, "the %s of ", stream);
		word_who(out, f, full->writer->pid);
		return;
	}
	text_add(out, "the pipe that ");
	word_who(out, f, full->writer->pid);
	text_add(out, " writes into");
}

static void add_elsewhere(struct text *out, const struct full *full)
{
	const char *stream = word_stream(full->writer->fd);

	if (stream)
		text_addf(out, ", or start it with %s=subprocess.DEVNULL or a file", stream);
}

/** The reader waits for the writer itself. */
static void advise_parent(struct text *out, const struct finding *f, const struct full *full)
{
	text_add(out, "In ");
	word_who(out, f, full->readers.at[0]);
	text_add(out, ", read ");
	add_source(out, f, full);
	if (!word_stream(full->writer->fd)) {
		text_add(out, " before you wait for its end, or in a thread: with multiprocessing recv() or get() comes before "
			      "join(), "
			      "with os.fork() os.read() before os.waitpid()");
		return;
	}
	text_add(out, " while it runs: proc.communicate() instead of proc.wait()");
	add_elsewhere(out, full);
}

static void advise_loop(struct text *out, const struct finding *f, const struct full *full)
{
	text_add(out, "In ");
	word_who(out, f, full->readers.at[0]);
	text_add(out, ", read ");
	add_source(out, f, full);
	text_add(out, " while it runs: await proc.communicate() instead of proc.wait() in asyncio, a task of its own that "
		      "reads it in "
		      "trio or anyio");
	add_elsewhere(out, full);
}

/** The reader is not the writer's parent: the writer was handed the pipe by who started it. */
static void advise_owner(struct text *out, const struct finding *f, const struct full *full)
{
	pid_t owner = full->readers.at[0];
	const struct blocked *b = fact_row(f, owner);
	const char *stream = word_stream(full->writer->fd);

	text_add(out, "The pipe belongs to ");
	word_who(out, f, owner);
	text_add(out, "; ");
	word_list(out, f, f->culprits, f->nculprits);
	text_addf(out, " %s inherited it%s%s. Let ", f->nculprits == 1 ? "has" : "have", stream ? " as " : "",
		  stream ? stream : "");
	word_who(out, f, owner);
	text_add(out, " read it while ");
	if (b && fact_awaits_end(b) && b->nwaits_for_pids == 1)
		word_who(out, f, b->waits_for_pids[0]);
	else
		text_add(out, "the others");
	text_add(out, b && fact_in_loop(b)
			      ? " runs (await proc.communicate(), or a task that reads), or start "
			      : " runs (proc.communicate() instead of proc.wait(), or a thread that reads), or start ");
	if (f->nculprits == 1)
		word_who(out, f, f->culprits[0]);
	else
		text_add(out, "the writers");
	text_addf(out, " with a %s of %s own: a file or subprocess.DEVNULL", stream ? stream : "pipe",
		  f->nculprits == 1 ? "its" : "their");
}

static void advise_no_reader(struct text *out, const struct finding *f, const struct full *full)
{
	text_add(out, "Somebody must read ");
	add_source(out, f, full);
	text_add(out,
		 " while it writes. Close the reading end where it is not used, so that a write without a reader fails with "
		 "BrokenPipeError instead of waiting");
}

/** A task that is not the main thread writes into a pipe of which its process holds both ends: the feeder of a queue. */
static bool is_queue(const struct full *full)
{
	return full->writer->tid != full->writer->pid && full->writer->fd > 2 && full->object->kind == OBJECT_PIPE &&
	       fact_holds(full->object, END_READ, full->writer->pid);
}

static void advise_full(struct text *out, const struct finding *f)
{
	struct full full;
	const struct blocked *reader;

	fact_full(f, &full);
	reader = full.readers.n ? fact_row(f, full.readers.at[0]) : NULL;
	if (!full.object)
		text_add(out, "Read what is written, while it is written");
	else if (fact_is_socket(full.object))
		text_add(out, "Receive while you send: in a thread, or with selectors or asyncio; or send less before you read "
			      "the answer. "
			      "sock.settimeout() turns a send that is stuck into an error");
	else if (full.object->kind == OBJECT_PTY)
		text_add(out, "Read the master side of the terminal while the program runs, not after its end: os.read() in a "
			      "thread, "
			      "pty.spawn(), or pexpect");
	else if (is_queue(&full))
		text_add(out, "This looks like a multiprocessing.Queue: get() all items before you join() the process that "
			      "put() them, for "
			      "it can't end before they are taken");
	else if (!reader)
		advise_no_reader(out, f, &full);
	else if (reader->role == ROLE_EOF)
		text_add(out, "Two streams are read one after the other, and the second one fills up meanwhile: "
			      "proc.communicate() reads "
			      "both at once; stderr=subprocess.STDOUT makes them one");
	else if (!fact_waits_for(reader, full.writer->pid))
		advise_owner(out, f, &full);
	else if (fact_in_loop(reader))
		advise_loop(out, f, &full);
	else
		advise_parent(out, f, &full);
	vec_free(&full.readers);
}

/* ---- an end of file that can't come ---- */

/** @return the first of the holders that does not just wait for the reader, else the first. */
static pid_t leaker(const struct finding *f, const struct end *end)
{
	for (size_t i = 0; i < end->holders.n; i++) {
		const struct blocked *b = fact_row(f, end->holders.at[i]);

		if (!b || !fact_awaits_end(b))
			return end->holders.at[i];
	}
	return end->holders.at[0];
}

static void advise_holder(struct text *out, const struct finding *f, const struct end *end)
{
	pid_t who = leaker(f, end);
	const struct blocked *b = fact_row(f, who);
	int fd = fact_fd(end->pipe, END_WRITE, who);

	if (b && fact_waits_for(b, end->reader->pid)) {
		text_add(out, "In ");
		word_who(out, f, who);
		text_addf(out, ", close the writing end (fd %d) before you wait for ", fd);
		word_who(out, f, end->reader->pid);
		text_add(out, ": proc.stdin.close(), proc.communicate(), or os.close()");
		return;
	}
	if (fd == 1 || fd == 2) {
		text_add(out, "Start ");
		word_who(out, f, who);
		text_addf(out,
			  " with a %s of its own (a file or subprocess.DEVNULL), as a daemon should be, or end it before its "
			  "output is "
			  "read to the end",
			  word_stream(fd));
		return;
	}
	word_who(out, f, who);
	text_addf(out,
		  " has inherited the writing end (fd %d): close it there. With subprocess leave close_fds=True and name what "
		  "a child "
		  "needs in pass_fds; after os.fork() close the ends that are not the child's",
		  fd);
}

static void advise_eof(struct text *out, const struct finding *f)
{
	struct end end;

	fact_end(f, &end);
	if (end.holders.n) {
		advise_holder(out, f, &end);
	} else if (end.reader) {
		text_add(out, "In ");
		word_who(out, f, end.reader->pid);
		text_add(out, ", close the writing end");
		if (end.pipe && fact_holds(end.pipe, END_WRITE, end.reader->pid))
			text_addf(out, " (fd %d)", fact_fd(end.pipe, END_WRITE, end.reader->pid));
		text_add(out, " before you read to the end: os.close() once the writer is started or has written");
	} else {
		text_add(out, "Close the writing end in everybody who does not write");
	}
	vec_free(&end.holders);
}

/* ---- the others ---- */

/** Locks between processes. Where pipes are in it as well, it is what a pool is made of. */
static void advise_shared_lock(struct text *out, const struct finding *f)
{
	bool pipes = false;

	for (size_t i = 0; i < f->nblocked; i++)
		pipes |= f->blocked[i].cause && (f->blocked[i].role == ROLE_EOF || f->blocked[i].role == ROLE_LOOP_EOF);
	if (pipes)
		text_add(out, "This looks like a multiprocessing.Pool or Queue of which a worker has died: its task is lost, "
			      "or the lock that it "
			      "held. concurrent.futures.ProcessPoolExecutor raises BrokenProcessPool instead; get(timeout=...) "
			      "turns the "
			      "wait into an error");
	else if (f->nculprits == 1)
		text_add(out, "Whoever held the lock has ended without giving it back (killed, or left without `with lock:`), "
			      "or an item was "
			      "never put: don't terminate() a process that may hold a lock, and use acquire(timeout=...)");
	else
		text_add(out, "Take the locks in the same order in every process, or only one at a time; acquire(timeout=...) "
			      "turns the wait "
			      "into an error");
}

static bool holds_its_own(const struct finding *f)
{
	ring_rows ring = {0};
	bool own;

	fact_ring(f, &ring);
	own = ring.n == 1;
	vec_free(&ring);
	return own;
}

static void advise_lock(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);
	bool shared = b && (b->nwaits_for_pids > 1 || (b->nwaits_for_pids == 1 && b->waits_for_pids[0] != b->pid));

	if (holds_its_own(f))
		text_add(out, "Release the lock before what takes it again is called, or make it a threading.RLock, which its owner "
			      "may take twice");
	else if (b && fact_is_file_lock(b))
		text_add(out, "Take the file locks in the same order everywhere, or only one at a time; LOCK_NB in a loop with "
			      "a limit turns "
			      "the wait into an error");
	else if (shared || f->nculprits > 1)
		advise_shared_lock(out, f);
	else
		text_add(out, "Take locks in the same order in every thread; tell worker threads to end (queue.put(None), "
			      "event.set()) before "
			      "you join() them; a timeout= in acquire(), get(), wait() or join() turns the wait into an error");
}

static void advise_socket(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);
	const struct finding_object *o = b ? fact_object(f, b->object) : NULL;

	if (o && o->listener)
		text_add(out, "Who should have connected has ended, or waits itself: look at its errors. sock.settimeout() "
			      "turns the wait into an "
			      "error; close the listener when the last client is gone");
	else
		text_add(out, "Find out whose turn it was to send: a request or an answer was lost, or still lies in a buffer "
			      "(flush()). "
			      "sock.settimeout(), asyncio.timeout() or trio.fail_after() turns the wait into an error");
}

static void advise_child_wait(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);

	if (b && b->role == ROLE_SIGNAL)
		text_add(out, "The signal was never sent, or before the child waited for it: let the child say first that it "
			      "is ready, or end it "
			      "with proc.terminate() before you wait");
	else
		text_add(out, "Tell the child to end before you wait for it (proc.terminate(), or close what it reads)");
	text_add(out, "; proc.wait(timeout=...) turns the wait into an error");
}

static void advise_tty(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);

	if (f->prompt_or_stdin) {
		text_add(out, "If it asks something (input(), breakpoint() or pdb, a password): nobody can answer here, so "
			      "take that out or start "
			      "it with stdin=subprocess.DEVNULL. If it reads its input to the end: close it, with "
			      "proc.stdin.close() or "
			      "proc.communicate(), before you wait");
		return;
	}
	if (b && b->role == ROLE_TTY)
		text_add(out, "Start the program with stdin=subprocess.DEVNULL, or keep it in the foreground: no process group "
			      "of its own "
			      "(start_new_session, process_group, os.setpgid()) without os.tcsetpgrp()");
	else
		text_add(out, "Write the answer to the master side of the terminal before you wait, close that side, or start "
			      "the program with "
			      "stdin=subprocess.DEVNULL");
}

static void advise_deadlock(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);

	if (b && fact_in_loop(b))
		text_add(out, "Look for an await on a future, event or queue that nobody sets any more: its task has ended or "
			      "was cancelled, or a "
			      "callback was never called. asyncio.timeout() or trio.fail_after() turns the wait into an error");
	else
		text_add(out, "Give the waits a timeout, and look at what each of them should have been woken by");
}

static void advise_kind(struct text *out, const struct finding *f)
{
	switch (f->kind) {
	case FINDING_PIPE_FULL:
		advise_full(out, f);
		break;
	case FINDING_PIPE_EOF:
		advise_eof(out, f);
		break;
	case FINDING_LOCK:
		advise_lock(out, f);
		break;
	case FINDING_FORK_LOCK:
		text_add(out, "Don't fork a process that has threads: multiprocessing.get_context(\"spawn\") (or "
			      "\"forkserver\"), subprocess instead "
			      "of os.fork(), or fork before the first thread is started");
		break;
	case FINDING_SOCKET:
		advise_socket(out, f);
		break;
	case FINDING_CHILD_WAIT:
		advise_child_wait(out, f);
		break;
	case FINDING_TTY:
		advise_tty(out, f);
		break;
	case FINDING_STOPPED:
		text_add(out, "Send it SIGCONT before you wait for it, os.kill(pid, signal.SIGCONT), or take out what stops it "
			      "(SIGSTOP, Ctrl-Z, a "
			      "debugger); os.waitpid(pid, os.WUNTRACED) tells of a stop as well");
		break;
	case FINDING_DEADLOCK:
		advise_deadlock(out, f);
		break;
	case FINDING_STALL:
	case FINDING_BUSY:
	case FINDING_BACKPRESSURE:
		text_addf(out, "If it is only slow, give it a longer %s; else look at what the tasks above are doing, "
			      "for example with py-spy "
			      "dump --nonblocking --pid PID",
			  f->quiet_ns ? "--stall" : f->test_late ? "--test-timeout" : "--timeout");
		break;
	case FINDING_LEAKED_PROCESS:
	case FINDING_ZOMBIE:
	case FINDING_LEAKED_LISTENER:
	case FINDING_STALE_SOCKET:
	case FINDING_LEAKED_SHM:
	case FINDING_PORT_HELD:
		leak_advice(f, out);
		break;
	}
}

void report_advice(const struct finding *f, struct text *out)
{
	advise_kind(out, f);
	text_add(out, ".");
}
