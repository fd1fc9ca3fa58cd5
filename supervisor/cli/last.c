/* `tracewrap last`: what failed or hung last time. Nothing is run, nothing collected. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/session.h"

enum { LAST_NOTHING = 0, LAST_SOMETHING = 1 };

static bool exists(void *data, const char *path)
{
	(void)data;
	return access(path, F_OK) == 0;
}

/** Where pytest has found its cache in the last run, options and PYTEST_ADDOPTS included; "": that run was none of `test`. */
static const char *cache_of_last(struct session *s)
{
	OWNED_TEXT text = {0};
	struct outcomes *o = outcomes_new();
	const char *path = arena_printf(s->arena, "%s/last/outcomes.jsonl", s->opt->watch.report_dir), *cache;

	if (sys_read_file(AT_FDCWD, path, &text, NULL) == 0) /* the first line has it */
		outcomes_read(o, text_str(&text), strcspn(text_str(&text), "\n") + (text.n > 0), s->p.config);
	cache = arena_strdup(s->arena, o->cache);
	outcomes_free(o);
	return cache;
}

static int take_pytest(struct session *s, last_vec *out, struct err *err)
{
	OWNED_TEXT text = {0};
	char path[2 * PATH_MAX];
	struct err why = {0};
	int rc = lastfailed_read(&s->p, cache_of_last(s), &text, path, sizeof path, err);

	if (rc)
		return rc == SYS_GONE ? 0 : rc;
	rc = last_read(text_str(&text), text.n, s->p.config, exists, NULL, s->arena, out, &why);
	return rc ? err_set(err, rc, "%.200s: %.100s", path, why.text) : 0;
}

/** A pytest that was killed could not note what it hung in: the last run's report has it, and the history that of earlier ones. */
static int take_hangs(struct session *s, last_vec *out, struct err *err)
{
	OWNED_TEXT text = {0};
	char path[PATH_MAX];
	path_vec hung = {0};
	struct outcomes *o = outcomes_new();
	int rc;

	snprintf(path, sizeof path, "%s/last/report.json", s->opt->watch.report_dir);
	if (sys_read_file(AT_FDCWD, path, &text, NULL) == 0 && outcomes_read_report(o, text_str(&text), text.n, s->p.config))
		for (size_t i = 0; i < o->hangs.n; i++)
			if (o->hangs.at[i].test && o->hangs.at[i].ended)
				last_add_hung(o->hangs.at[i].test, s->p.config, s->arena, out);
	outcomes_free(o);
	rc = past_hung(s->opt->watch.report_dir, &hung, err);
	for (size_t i = 0; i < hung.n; i++)
		last_add_hung(hung.at[i], s->p.config, s->arena, out);
	path_vec_free(&hung);
	return rc == SYS_GONE || rc == -ENOENT ? 0 : rc;
}

int session_last(struct session *s, last_vec *out, struct err *err)
{
	int rc = take_pytest(s, out, err);

	return rc ? rc : take_hangs(s, out, err);
}

static const char *next_words(struct session *s, const last_vec *all)
{
	size_t known = 0;

	for (size_t i = 0; i < all->n; i++)
		known += all->at[i].flaky != NULL;
	if (!all->n)
		return "nothing failed: tracewrap test";
	if (known == all->n)
		return "all of these are known to come and go; once more: tracewrap test --lf";
	return arena_printf(s->arena, "tracewrap test --lf");
}

static int show_json(struct session *s, const last_vec *all)
{
	cJSON *root = cJSON_CreateObject(), *list;

	json_put(root, "next", json_string(next_words(s, all)));
	list = json_put(root, "failed", cJSON_CreateArray());
	for (size_t i = 0; i < all->n; i++) {
		cJSON *row = json_add(list, cJSON_CreateObject());

		json_put(row, "test", json_string(all->at[i].id));
		json_put(row, "hung", cJSON_CreateBool(all->at[i].hung));
		json_put(row, "known_flaky", cJSON_CreateBool(all->at[i].flaky != NULL));
		json_put(row, "note", json_string(all->at[i].flaky ? all->at[i].flaky->note : NULL));
	}
	return json_print(root);
}

static int show(struct session *s, const last_vec *all)
{
	if (all->n)
		printf("%zu test%s failed or hung last time:\n", all->n, all->n == 1 ? "" : "s");
	for (size_t i = 0; i < all->n; i++) {
		const struct last_failure *f = &all->at[i];

		printf("  %-6s %s", f->hung ? "hung" : "failed", f->id);
		if (f->flaky)
			printf("  (known to come and go%s%s)", f->flaky->note ? ": " : "", f->flaky->note ? f->flaky->note : "");
		putchar('\n');
	}
	printf("next: %s\n", next_words(s, all));
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

/* ---- --flaky ---- */

static int show_flaky(struct session *s, const past_flaky_vec *all)
{
	cJSON *root = s->opt->json ? cJSON_CreateObject() : NULL, *list = NULL;

	if (root) {
		json_put(root, "next", json_string(all->n ? "put those that are none of your changes into [[tool.tracewrap.flaky]]" : "nothing to do"));
		list = json_put(root, "flaky", cJSON_CreateArray());
	} else if (!all->n) {
		printf("no test has passed and failed by turns\n");
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct past_flaky *f = &all->at[i];
		bool known = config_flaky_of(s->p.config, f->id, NULL) != NULL;

		if (root) {
			cJSON *row = json_add(list, cJSON_CreateObject());

			json_put(row, "test", json_string(f->id));
			json_put(row, "runs", cJSON_CreateNumber((double)f->runs));
			json_put(row, "failed", cJSON_CreateNumber((double)f->failed));
			json_put(row, "flips", cJSON_CreateNumber((double)f->flips));
			json_put(row, "known_flaky", cJSON_CreateBool(known));
		} else {
			printf("%s\n  failed or hung %lld of %lld times, changed %lld times%s\n", f->id, (long long)f->failed, (long long)f->runs,
			       (long long)f->flips, known ? "; known" : "");
			if (!known)
				printf("  [[tool.tracewrap.flaky]]\n  test = \"%.*s\"\n", (int)strcspn(f->id, "["), f->id);
		}
	}
	return root ? json_print(root) : fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

static int flaky(struct session *s)
{
	past_flaky_vec all = {0};
	struct err err = {0};
	int rc = past_flaky(s->opt->watch.report_dir, &all, &err);
	int code = rc < 0 ? session_fail(&err) : show_flaky(s, &all);

	past_flaky_free(&all);
	return code;
}

int command_last(struct options *opt)
{
	last_vec all = {0};
	struct session s;
	struct err err = {0};
	int code = session_open(&s, opt, false);

	if (code < 0 && opt->cmd.flaky) {
		code = flaky(&s);
	} else if (code < 0 && session_last(&s, &all, &err) < 0) {
		code = session_fail(&err);
	} else if (code < 0) {
		code = opt->json ? show_json(&s, &all) : show(&s, &all);
		code = code ? code : all.n ? LAST_SOMETHING : LAST_NOTHING;
	}
	vec_free(&all);
	session_close(&s);
	return code;
}
