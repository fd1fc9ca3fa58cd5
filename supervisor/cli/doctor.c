/* `tracewrap doctor`: is this machine, this environment, this checkout fit for a run? And clearing away what is not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/room.h"

enum { DOCTOR_FIT = 0, DOCTOR_UNFIT = 1, DOCTOR_KILLED = 2, ROUNDS = 2 };

enum mark { MARK_OK, MARK_NOTE, MARK_BAD };
static const char *const mark_names[] = {"ok", "note", "bad"};

struct line {
	enum mark mark;
	const char *about, *words;
};

struct examination {
	struct session s;
	VEC(struct line) lines;
	leftover_vec left;
	bool clears;          /* --fix would do something */
	bool killed;
	const char *next; /* of the first that is bad; NULL */
};

static void note(struct examination *e, enum mark mark, const char *about, const char *words, const char *next)
{
	vec_push(&e->lines, (struct line){mark, about, arena_strdup(e->s.arena, words)});
	if (mark == MARK_BAD && !e->next)
		e->next = next;
}

/* ---- clearing away ---- */

/** A socket is stale once its process is gone: hence a second round. */
bool doctor_clear(struct session *s)
{
	const char *ports[PORTS_MOST];
	struct doctor_where where = session_where(s, ports);
	bool killed = false;

	where.processes = true;
	for (int round = 0; round < ROUNDS; round++) {
		struct doctor_log log = {0};
		leftover_vec left = {0};

		doctor_look(&where, &left);
		doctor_fix(&left, s->opt->watch.grace_ns, &log);
		killed |= log.killed > 0;
		if (log.said.n)
			sys_sayf("tracewrap: %s", log.said.at);
		vec_free(&left);
		doctor_log_free(&log);
	}
	return killed;
}

/* ---- looking ---- */

static void look_at_python(struct examination *e)
{
	static const char *const hows[] = {"named", "active (case A)", "in the checkout, not active", "by uv run"};
	struct interpreter python;
	struct import_check check;
	struct err err = {0};
	char package[200];

	if (session_interpreter(&e->s, &python, &err) < 0) {
		note(e, MARK_BAD, "python", err.text, "tracewrap doctor --sync");
		return;
	}
	if (session_import(&e->s, &python, &check, &err) < 0) {
		note(e, MARK_OK, "python", arena_printf(e->s.arena, "%s, %s", python.python, hows[python.how]), NULL);
		note(e, MARK_BAD, check.state == IMPORT_FAILS || check.state == IMPORT_ELSEWHERE ? "package" : "pytest", err.text,
		     arena_strdup(e->s.arena, err.text));
		return;
	}
	note(e, MARK_OK, "python", arena_printf(e->s.arena, "%s, %s; pytest %s", python.python, hows[python.how], check.pytest), NULL);
	if (*check.file)
		note(e, MARK_OK, "package",
		     arena_printf(e->s.arena, "%s is %s", project_package(&e->s.p, package, sizeof package), check.file), NULL);
	if (!e->s.opt->cmd.collect)
		return;
	if (session_collect(&e->s, &python, &err) < 0)
		note(e, MARK_BAD, "collect", err.text, arena_strdup(e->s.arena, err.text));
	else
		note(e, MARK_OK, "collect", "all tests collect", NULL);
}

static void note_leftover(struct examination *e, const struct leftover *l)
{
	static const char *const names[] = {"address", "process", "socket", "shm"};
	bool clears = doctor_clears(&e->left, l), hinders = l->kind == LEFT_ADDRESS || clears;
	OWNED_TEXT words = {0};

	doctor_words(l, &words);
	e->clears |= clears;
	note(e, hinders ? MARK_BAD : MARK_NOTE, names[l->kind], text_str(&words),
	     clears                          ? "tracewrap doctor --fix"
	     : l->owner == LEFT_RUNNING ? "wait for the end of the run that goes on, or end it"
					     : "end what holds the address; it is none of this checkout's");
}

static void look_at_machine(struct examination *e)
{
	const char *ports[PORTS_MOST];
	struct doctor_where where = session_where(&e->s, ports);
	bool configured = session_is_set(&e->s, "ports");

	where.processes = true;
	if (!configured)
		where.nports = 0;
	doctor_look(&where, &e->left);
	for (size_t i = 0; i < e->left.n; i++)
		note_leftover(e, &e->left.at[i]);
	for (size_t i = 0; i < where.nports; i++) {
		bool held = false;

		for (size_t k = 0; k < e->left.n; k++)
			held |= e->left.at[k].kind == LEFT_ADDRESS && strcmp(e->left.at[k].name, ports[i]) == 0;
		if (!held)
			note(e, MARK_OK, "address", arena_printf(e->s.arena, "%s is free", ports[i]), NULL);
	}
}

static void look_at_tables(struct examination *e)
{
	words_vec rot = {0};

	intent_rot(&e->s.place, e->s.arena, session_source, &e->s, &rot);
	for (size_t i = 0; i < rot.n; i++)
		note(e, MARK_NOTE, "settings", rot.at[i], NULL);
	vec_free(&rot);
}

/* ---- showing ---- */

static const char *next_of(const struct examination *e)
{
	return e->next ? e->next : "tracewrap test";
}

static cJSON *leftover_row(const struct examination *e, const struct leftover *l)
{
	static const char *const kinds[] = {"address", "process", "socket", "shm"};
	cJSON *row = cJSON_CreateObject();

	json_put(row, "kind", json_string(kinds[l->kind]));
	json_put(row, "name", *l->name ? json_string(l->name) : cJSON_CreateNull());
	json_put(row, "owner", json_string(doctor_owner_name(l->owner)));
	json_put(row, "clears", cJSON_CreateBool(doctor_clears(&e->left, l)));
	json_put(row, "pid", l->who.pid ? cJSON_CreateNumber(l->who.pid) : cJSON_CreateNull());
	json_put(row, "command", l->who.pid ? json_string(l->who.command) : cJSON_CreateNull());
	json_put(row, "test", *l->who.test ? json_string(l->who.test) : cJSON_CreateNull());
	return row;
}

static int show_json(const struct examination *e, int code)
{
	cJSON *root = cJSON_CreateObject(), *list;

	json_put(root, "next", json_string(next_of(e)));
	json_put(root, "fit", cJSON_CreateBool(e->next == NULL));
	json_put(root, "exit_code", cJSON_CreateNumber(code));
	list = json_put(root, "checks", cJSON_CreateArray());
	for (size_t i = 0; i < e->lines.n; i++) {
		cJSON *row = json_add(list, cJSON_CreateObject());

		json_put(row, "state", json_string(mark_names[e->lines.at[i].mark]));
		json_put(row, "about", json_string(e->lines.at[i].about));
		json_put(row, "what", json_string(e->lines.at[i].words));
	}
	list = json_put(root, "leftovers", cJSON_CreateArray());
	for (size_t i = 0; i < e->left.n; i++)
		json_add(list, leftover_row(e, &e->left.at[i]));
	return json_print(root);
}

static int show(const struct examination *e)
{
	for (size_t i = 0; i < e->lines.n; i++) {
		OWNED_TEXT words = {0};

		text_add(&words, e->lines.at[i].words);
		text_clean(words.at, words.n);
		printf("%-5s %-9s %s\n", mark_names[e->lines.at[i].mark], e->lines.at[i].about, text_str(&words));
	}
	printf("next: %s\n", next_of(e));
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

static int examine(struct examination *e)
{
	const struct command_options *cmd = &e->s.opt->cmd;
	int code, shown;

	if (cmd->fix && !cmd->dry_run)
		e->killed = doctor_clear(&e->s);
	look_at_python(e);
	look_at_machine(e);
	look_at_tables(e);
	code = e->next ? DOCTOR_UNFIT : e->killed ? DOCTOR_KILLED : DOCTOR_FIT;
	shown = e->s.opt->json ? show_json(e, code) : show(e);
	return shown ? shown : code;
}

int command_doctor(struct options *opt)
{
	struct examination e = {0};
	int code = session_open(&e.s, opt, true);

	if (code < 0)
		code = examine(&e);
	vec_free(&e.lines);
	vec_free(&e.left);
	session_close(&e.s);
	return code;
}
