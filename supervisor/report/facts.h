/* Questions to a finding, and the words for what it holds. Private to report/. */
#ifndef TRACEWRAP_REPORT_FACTS_H
#define TRACEWRAP_REPORT_FACTS_H

#include "report/report.h"

typedef VEC(pid_t) pids_vec;

/* Names from the run are shown no longer than this; report.json has them whole. */
enum { LABEL_MOST = 24, NAME_MOST = 40, LIST_MOST = 3 };

/* facts.c */
/** The row that says most of process PID: its culprit, a member of the cause, its main thread, any. NULL: it is not stuck. */
const struct blocked *fact_row(const struct finding *f, pid_t pid);
/** The row that the finding is about: a culprit of the cause; NULL when nothing is stuck. */
const struct blocked *fact_main(const struct finding *f);
const struct finding_object *fact_object(const struct finding *f, int index); /* NULL: none */
/** Where the other end of a wait on O is held: O itself for a pipe, else its peer; NULL when that is not known. */
const struct finding_object *fact_other_side(const struct finding *f, const struct finding_object *o);
/** Processes that hold one of ENDS of O, each once; without EXCEPT. */
void fact_holders(const struct finding_object *o, unsigned ends, pid_t except, pids_vec *out);
bool fact_holds(const struct finding_object *o, unsigned ends, pid_t pid);
/** The first descriptor of PID for O that gives one of ENDS; -1. */
int fact_fd(const struct finding_object *o, unsigned ends, pid_t pid);
bool fact_waits_for(const struct blocked *b, pid_t pid);
bool fact_is_culprit(const struct finding *f, pid_t pid);
/** It waits for processes to end and for nothing else, or in a loop that waits for such an end, too. */
bool fact_awaits_end(const struct blocked *b);
bool fact_in_loop(const struct blocked *b); /* an event loop: asyncio, trio, selectors */
bool fact_is_file_lock(const struct blocked *b);
bool fact_is_socket(const struct finding_object *o);
/** What was read of its stack; NULL: nothing. B may be NULL. */
const struct stack *fact_stack(const struct finding *f, const struct blocked *b);
/** The lock that B waits for, as its own memory tells; NULL: not known. */
const struct lock_wait *fact_lock(const struct finding *f, const struct blocked *b);

/** What FINDING_PIPE_FULL is about: who writes, into what, and who could read. */
struct full {
	const struct blocked *writer;
	const struct finding_object *object, *side; /* side: where the reading end is held; both may be NULL */
	pids_vec readers;                           /* without the writer, who waits for the writer first; to be freed */
	bool both;                                  /* two writers into the two ends of a socket */
};
void fact_full(const struct finding *f, struct full *out);

/** What FINDING_PIPE_EOF, and a prompt, is about: who reads, from what, and who keeps it open. */
struct end {
	const struct blocked *reader;
	const struct finding_object *pipe;
	pids_vec holders; /* of the writing end, without the reader; to be freed */
};
void fact_end(const struct finding *f, struct end *out);

/** Tasks of which each waits for a lock that the next one holds, the last for one of the first's; one that waits for a lock of its own is a
 *  ring of one. Owners are as the locks or the stacks tell, inferred ones too: for words, not for proof. Rows of f->blocked; to be freed. */
typedef VEC(const struct blocked *) ring_rows;
void fact_ring(const struct finding *f, ring_rows *out);

/** "HANG proven", "Hang suspected", "No progress", "Time is over"; of leaks "Left behind". */
const char *word_verdict(const struct finding *f);
/** What a process of the history is called: the script or module that it runs, as process_label() has it. */
void fact_label(const struct process_row *p, char *buf, size_t size);

/* words.c */
const char *word_stream(int fd);                                     /* "stdout"; NULL: none of the three */
const char *word_thing(const struct finding_object *o);              /* "pipe", "FIFO", "terminal", "socket", "file" */
const char *word_assumption(enum assumption bit);                    /* what is taken for granted, in the reader's words */
const char *word_signal(int number, char buf[16]);                   /* "SIGKILL" */
void word_who(struct text *out, const struct finding *f, pid_t pid); /* "convert.py[23590]" */
void word_name(struct text *out, const struct finding_object *o);    /* "pipe:[208121]" */
/** "a[1]", "a[1] and b[2]", "a[1], b[2], c[3] and 4 more". */
void word_list(struct text *out, const struct finding *f, const pid_t *pids, size_t n);

/** "RLock", "threading.Event": a lock as its user knows it. */
const char *word_lock(const struct lock_wait *l);
/** "thread 12", "the main thread", "worker.py[12]", as seen from process FROM. */
void word_thread(struct text *out, const struct finding *f, pid_t from, pid_t pid, pid_t tid);

/* leak_words.c: sentence and advice for what was left behind, as report_summary() and report_advice() want them */
void leak_sentence(const struct finding *f, struct text *out);
void leak_advice(const struct finding *f, struct text *out);

/* phrase.c */
/** What a task waits for, behind its name: "waits for convert.py[23590] to end". */
void phrase_wait(struct text *out, const struct finding *f, const struct blocked *b);
/** The same in a few words. */
void phrase_wait_short(struct text *out, const struct finding *f, const struct blocked *b);

#endif
