/* What the readers of stacks see: stacks [--native] [--locks] [--tasks] [--test] [--repeat N] [--time] PID... prints one line of JSON for
 * each process, in the order given. --test adds the running test, of processes below our own parent; --repeat reads all of them N times and
 * prints each reading; --time says on standard error what each took. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "observe/observe.h"
#include "stacks/stacks.h"

struct wanted {
	struct stacks_options opt;
	long repeat;
	bool time, test;
};

static void add_string(cJSON *to, const char *key, const char *s)
{
	cJSON_AddItemToObject(to, key, s ? cJSON_CreateString(s) : cJSON_CreateNull());
}

static void add_id(cJSON *to, const char *key, uint64_t id)
{
	char hex[32];

	snprintf(hex, sizeof hex, "0x%llx", (unsigned long long)id);
	add_string(to, key, id ? hex : NULL);
}

/** A number that is not there for LEAST - 1 and below. */
static void add_number(cJSON *to, const char *key, int value, int least)
{
	cJSON_AddItemToObject(to, key, value < least ? cJSON_CreateNull() : cJSON_CreateNumber(value));
}

static void add_frames(cJSON *to, const char *key, const struct frame *frames, size_t n)
{
	cJSON *list = cJSON_AddArrayToObject(to, key);

	for (size_t i = 0; i < n; i++) {
		cJSON *row = cJSON_CreateObject();

		add_string(row, "kind", frames[i].kind == FRAME_PYTHON ? "python" : "native");
		add_string(row, "owner", frame_owner_name(frames[i].owner));
		add_string(row, "function", frames[i].function);
		add_string(row, "file", frames[i].file);
		cJSON_AddNumberToObject(row, "line", frames[i].line);
		add_id(row, "address", frames[i].address);
		add_string(row, "source", frames[i].source);
		cJSON_AddItemToArray(list, row);
	}
}

static void add_owners(cJSON *to, const struct lock_wait *lock)
{
	cJSON *list = cJSON_AddArrayToObject(to, "owners");

	for (size_t i = 0; i < lock->nowners; i++) {
		const struct lock_owner *owner = &lock->owners[i];
		cJSON *row = cJSON_CreateObject();

		cJSON_AddNumberToObject(row, "pid", owner->pid);
		cJSON_AddNumberToObject(row, "tid", owner->tid);
		cJSON_AddBoolToObject(row, "exact", owner->exact);
		add_string(row, "function", owner->at ? owner->at->function : NULL);
		add_string(row, "file", owner->at ? owner->at->file : NULL);
		add_number(row, "line", owner->at ? owner->at->line : 0, 1);
		cJSON_AddItemToArray(list, row);
	}
}

static void add_lock(cJSON *to, const struct lock_wait *lock)
{
	cJSON *row;

	if (lock->kind == LOCK_NONE) {
		cJSON_AddNullToObject(to, "lock");
		return;
	}
	row = cJSON_AddObjectToObject(to, "lock");
	add_string(row, "kind", lock_kind_name(lock->kind));
	add_string(row, "type", lock->type);
	add_id(row, "address", lock->address);
	add_string(row, "shared", lock->shared);
	add_owners(row, lock);
	cJSON_AddBoolToObject(row, "signal", lock->signal);
	cJSON_AddBoolToObject(row, "only_owners", lock->only_owners);
	cJSON_AddBoolToObject(row, "owner_gone", lock->owner_gone);
}

static void add_threads(cJSON *to, const struct process_stacks *p)
{
	cJSON *list = cJSON_AddArrayToObject(to, "threads");

	for (size_t i = 0; i < p->nthreads; i++) {
		const struct stack *s = &p->threads[i];
		cJSON *row = cJSON_CreateObject();

		cJSON_AddNumberToObject(row, "tid", s->tid);
		add_string(row, "quality", stack_quality_name(s->quality));
		add_string(row, "why", s->why);
		add_frames(row, "frames", s->frames, s->nframes);
		add_frames(row, "native", s->native, s->nnative);
		add_lock(row, &s->lock);
		add_number(row, "service_fd", s->service_fd, 0);
		add_string(row, "service", s->service);
		cJSON_AddItemToArray(list, row);
	}
}

static const char *state_name(enum async_state state)
{
	return state == ASYNC_SUSPENDED ? "suspended" : state == ASYNC_RUNNING ? "running" : "created";
}

static void add_tasks(cJSON *to, const struct process_stacks *p)
{
	cJSON *list = cJSON_AddArrayToObject(to, "tasks");

	for (size_t i = 0; i < p->ntasks; i++) {
		const struct async_task *t = &p->tasks[i];
		cJSON *row = cJSON_CreateObject(), *others;

		add_string(row, "library", t->library);
		add_string(row, "name", t->name);
		add_id(row, "id", t->id);
		add_id(row, "parent", t->parent);
		add_string(row, "state", state_name(t->state));
		add_frames(row, "frames", t->frames, t->nframes);
		add_string(row, "awaits", t->awaits);
		others = cJSON_AddArrayToObject(row, "waits_for");
		for (size_t k = 0; k < t->nwaits_for; k++) {
			char hex[32];

			snprintf(hex, sizeof hex, "0x%llx", (unsigned long long)t->waits_for[k]);
			cJSON_AddItemToArray(others, cJSON_CreateString(hex));
		}
		add_number(row, "fd", t->fd, 0);
		cJSON_AddBoolToObject(row, "fd_writes", t->fd_writes);
		add_number(row, "child", t->child, 1);
		cJSON_AddItemToArray(list, row);
	}
	add_string(to, "tasks_cut", p->tasks_cut);
}

static bool print_process(pid_t pid, const struct process_stacks *p, struct observe *ob)
{
	char test[4096];
	cJSON *all = cJSON_CreateObject();
	char *line;

	cJSON_AddNumberToObject(all, "pid", pid);
	add_string(all, "python", p->python);
	add_string(all, "why", p->why);
	add_string(all, "actor", p->actor);
	add_number(all, "gil", p->gil_holder, 1);
	cJSON_AddBoolToObject(all, "free_threaded", p->free_threaded);
	add_threads(all, p);
	add_tasks(all, p);
	if (ob)
		add_string(all, "test", observe_current_test(ob, pid, test, sizeof test) ? test : NULL);
	line = cJSON_PrintUnformatted(all);
	cJSON_Delete(all);
	if (!line)
		return false;
	puts(line);
	cJSON_free(line);
	return true;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/** Knows the processes below our parent. NULL: nobody asked, or it can't be. */
static struct observe *open_tests(const struct wanted *want, pid_t root)
{
	struct observe_options opt = {.supervisor = getppid(), .root = root, .skip = {getpid()}, .timers_before = ""};
	struct observe *ob = NULL;
	struct observe_pass pass;
	struct err err = {0};

	if (want->test && (observe_open(&opt, &ob, &err) < 0 || observe_pass(ob, now_ns(), NULL, &pass, &err) < 0))
		fprintf(stderr, "stacks: %s\n", err.text);
	return ob;
}

static bool read_once(struct stacks *st, const struct wanted *want, const pid_t *pids, size_t n)
{
	struct arena *arena = arena_new();
	int64_t began = now_ns();
	struct process_stacks *all = stacks_read(st, arena, pids, n, &want->opt);
	struct observe *ob = open_tests(want, pids[0]);
	bool ok = true;

	if (want->time)
		fprintf(stderr, "%lld us\n", (long long)(now_ns() - began) / 1000);
	for (size_t i = 0; i < n && ok; i++)
		ok = print_process(pids[i], &all[i], ob);
	if (ob)
		observe_close(ob);
	arena_free(arena);
	return ok;
}

static bool parse(int argc, char **argv, struct wanted *want)
{
	static const struct option names[] = {{"native", no_argument, NULL, 'n'}, {"locks", no_argument, NULL, 'l'},
					      {"tasks", no_argument, NULL, 't'}, {"repeat", required_argument, NULL, 'r'},
					      {"time", no_argument, NULL, 'T'}, {"test", no_argument, NULL, 'e'},
					      {"most-ns", required_argument, NULL, 'n' + 256}, {"most-pages", required_argument, NULL, 'p' + 256},
					      {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'n': want->opt.native = true; break;
		case 'l': want->opt.locks = true; break;
		case 't': want->opt.tasks = true; break;
		case 'r': want->repeat = strtol(optarg, NULL, 10); break;
		case 'T': want->time = true; break;
		case 'e': want->test = true; break;
		case 'n' + 256: want->opt.most_ns = strtoll(optarg, NULL, 10); break;
		case 'p' + 256: want->opt.most_pages = strtoul(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return optind < argc && want->repeat > 0;
}

int main(int argc, char **argv)
{
	struct wanted want = {.repeat = 1};
	VEC(pid_t) pids = {0};
	struct stacks *st;
	bool ok = true;

	if (!parse(argc, argv, &want)) {
		fprintf(stderr, "usage: stacks [--native] [--locks] [--tasks] [--test] [--repeat N] [--time] PID...\n");
		return 2;
	}
	for (int i = optind; i < argc; i++)
		vec_push(&pids, (pid_t)strtol(argv[i], NULL, 10));
	st = stacks_new();
	for (long i = 0; i < want.repeat && ok; i++)
		ok = read_once(st, &want, pids.at, pids.n);
	stacks_free(st);
	vec_free(&pids);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
