/* history.sqlite: a row for each run, and one for each test of it. The library is loaded when it is wanted: a plain run never pays for it,
 * and without it there is just no history. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sqlite3.h>

#include "project/room.h"

#define LIBRARY "libsqlite3.so.0"
enum { BUSY_MS = 3000, RUNS_KEPT = 1000 };

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=NORMAL;"
	"CREATE TABLE IF NOT EXISTS runs(id INTEGER PRIMARY KEY, name TEXT, host TEXT, started INTEGER, seconds REAL, exit_code INTEGER);"
	"CREATE TABLE IF NOT EXISTS tests(run INTEGER NOT NULL REFERENCES runs(id), id TEXT NOT NULL, phase TEXT, outcome TEXT NOT NULL, "
	"seconds REAL, kind TEXT);"
	"CREATE INDEX IF NOT EXISTS tests_by_id ON tests(id, run);"
	"CREATE INDEX IF NOT EXISTS tests_by_run ON tests(run);";

/** Passing, or not: what is skipped says neither. */
#define SEEN \
	"WITH seen AS (SELECT id, run, outcome IN ('failed','error','hung') AS bad, outcome = 'hung' AS hung FROM tests " \
	"WHERE outcome IN ('passed','failed','error','hung')) "

static const char flaky_query[] =
	SEEN ", steps AS (SELECT id, bad, lag(bad) OVER (PARTITION BY id ORDER BY run) AS before FROM seen) "
	"SELECT id, count(*), sum(bad), sum(before IS NOT NULL AND bad <> before) AS flips FROM steps "
	"GROUP BY id HAVING flips > 0 ORDER BY flips DESC, id";

static const char hung_query[] =
	SEEN "SELECT id FROM seen AS s WHERE hung AND run = (SELECT max(run) FROM seen WHERE id = s.id) ORDER BY id";

/* ---- the library ---- */

struct sqlite {
	void *handle;
	sqlite3 *db;
	int (*open)(const char *, sqlite3 **, int, const char *);
	int (*close)(sqlite3 *);
	int (*exec)(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
	int (*prepare)(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
	int (*step)(sqlite3_stmt *);
	int (*reset)(sqlite3_stmt *);
	int (*finalize)(sqlite3_stmt *);
	int (*bind_text)(sqlite3_stmt *, int, const char *, int, void (*)(void *));
	int (*bind_int64)(sqlite3_stmt *, int, sqlite3_int64);
	int (*bind_double)(sqlite3_stmt *, int, double);
	int (*bind_null)(sqlite3_stmt *, int);
	sqlite3_int64 (*last_rowid)(sqlite3 *);
	const unsigned char *(*column_text)(sqlite3_stmt *, int);
	sqlite3_int64 (*column_int64)(sqlite3_stmt *, int);
	const char *(*errmsg)(sqlite3 *);
	int (*busy_timeout)(sqlite3 *, int);
};

/** ISO C has no cast from an object's pointer to a function's; POSIX promises that this does it (dlsym(3)). */
#define LOAD(s, member, name) (*(void **)&(s)->member = dlsym((s)->handle, name), (s)->member != NULL)

static bool load(struct sqlite *s)
{
	s->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	return s->handle && LOAD(s, open, "sqlite3_open_v2") && LOAD(s, close, "sqlite3_close") && LOAD(s, exec, "sqlite3_exec") &&
	       LOAD(s, prepare, "sqlite3_prepare_v2") && LOAD(s, step, "sqlite3_step") && LOAD(s, reset, "sqlite3_reset") &&
	       LOAD(s, finalize, "sqlite3_finalize") && LOAD(s, bind_text, "sqlite3_bind_text") &&
	       LOAD(s, bind_int64, "sqlite3_bind_int64") && LOAD(s, bind_double, "sqlite3_bind_double") &&
	       LOAD(s, bind_null, "sqlite3_bind_null") && LOAD(s, last_rowid, "sqlite3_last_insert_rowid") &&
	       LOAD(s, column_text, "sqlite3_column_text") && LOAD(s, column_int64, "sqlite3_column_int64") &&
	       LOAD(s, errmsg, "sqlite3_errmsg") && LOAD(s, busy_timeout, "sqlite3_busy_timeout");
}

static void close_all(struct sqlite *s)
{
	if (s->db)
		s->close(s->db);
	if (s->handle)
		dlclose(s->handle);
	*s = (struct sqlite){0};
}

static int complain(const struct sqlite *s, const char *path, struct err *err)
{
	return err_set(err, -EIO, "%s: %s; move it away to begin a new one", path, s->db ? s->errmsg(s->db) : "can't be opened");
}

static int open_db(struct sqlite *s, const char *path, bool write, struct err *err)
{
	*s = (struct sqlite){0};
	if (!load(s))
		return err_set(err, -ENOENT, "no history: there is no " LIBRARY " here (Debian: libsqlite3-0)");
	if (s->open(path, &s->db, write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return complain(s, path, err);
	s->busy_timeout(s->db, BUSY_MS);
	/* the first words that make it read the file */
	if (s->exec(s->db, write ? schema : "SELECT count(*) FROM runs", NULL, NULL, NULL) != SQLITE_OK)
		return complain(s, path, err);
	return 0;
}

/* ---- writing ---- */

static int put_run(struct sqlite *s, const struct past_run *run, sqlite3_int64 *id)
{
	sqlite3_stmt *st;
	char host[65] = "";
	int rc = s->prepare(s->db, "INSERT INTO runs(name, host, started, seconds, exit_code) VALUES(?,?,?,?,?)", -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	s->bind_text(st, 1, run->name, -1, SQLITE_STATIC);
	s->bind_text(st, 2, host, -1, SQLITE_STATIC);
	s->bind_int64(st, 3, run->started_s);
	s->bind_double(st, 4, run->seconds);
	s->bind_int64(st, 5, run->exit_code);
	rc = s->step(st);
	s->finalize(st);
	*id = s->last_rowid(s->db);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_tests(struct sqlite *s, const struct past_run *run, sqlite3_int64 id)
{
	sqlite3_stmt *st;
	int rc = s->prepare(s->db, "INSERT INTO tests(run, id, phase, outcome, seconds, kind) VALUES(?,?,?,?,?,?)", -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	for (size_t i = 0; i < run->n && rc == SQLITE_OK; i++) {
		const struct past_test *t = &run->tests[i];

		s->bind_int64(st, 1, id);
		s->bind_text(st, 2, t->id, -1, SQLITE_STATIC);
		s->bind_text(st, 3, t->phase, -1, SQLITE_STATIC);
		s->bind_text(st, 4, t->outcome, -1, SQLITE_STATIC);
		s->bind_double(st, 5, t->seconds);
		if (t->kind)
			s->bind_text(st, 6, t->kind, -1, SQLITE_STATIC);
		else
			s->bind_null(st, 6);
		rc = s->step(st) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		s->reset(st);
	}
	s->finalize(st);
	return rc;
}

static int forget_old(struct sqlite *s)
{
	char words[256];

	snprintf(words, sizeof words, "DELETE FROM tests WHERE run <= (SELECT max(id) FROM runs) - %d;"
		 "DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - %d;", RUNS_KEPT, RUNS_KEPT);
	return s->exec(s->db, words, NULL, NULL, NULL);
}

static int write_run(struct sqlite *s, const char *path, const struct past_run *run, struct err *err)
{
	sqlite3_int64 id = 0;
	int rc = s->exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = put_run(s, run, &id);
	if (rc == SQLITE_OK)
		rc = put_tests(s, run, id);
	if (rc == SQLITE_OK)
		rc = forget_old(s);
	if (rc == SQLITE_OK)
		rc = s->exec(s->db, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : complain(s, path, err);
}

/** What is no database, or of other tables, is kept under another name, with what belongs to it. */
static void move_aside(const char *path, struct text *said)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char from[PATH_MAX + 8], to[PATH_MAX + 64];
	long long now = (long long)time(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(from, sizeof from, "%s%s", path, parts[i]);
		snprintf(to, sizeof to, "%s.broken-%lld%s", path, now, parts[i]);
		if (rename(from, to) == 0 && i == 0)
			text_addf(said, "%s could not be used, and is now %s; a new one was begun", path, to);
	}
}

int past_add(const char *report_dir, const struct past_run *run, struct text *said, struct err *err)
{
	char path[PATH_MAX];
	struct sqlite s;
	struct stat st;
	int rc;

	snprintf(path, sizeof path, "%s/history.sqlite", report_dir);
	rc = open_db(&s, path, true, err);
	if (rc && s.db && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		close_all(&s);
		move_aside(path, said);
		rc = open_db(&s, path, true, err);
	}
	if (!rc)
		rc = write_run(&s, path, run, err);
	close_all(&s);
	return rc;
}

/* ---- reading ---- */

static int open_to_read(struct sqlite *s, const char *report_dir, char path[PATH_MAX], struct err *err)
{
	*s = (struct sqlite){0};
	snprintf(path, PATH_MAX, "%s/history.sqlite", report_dir);
	return access(path, F_OK) < 0 ? SYS_GONE : open_db(s, path, false, err);
}

static char *copy_column(struct sqlite *s, sqlite3_stmt *st, int column)
{
	const char *text = (const char *)s->column_text(st, column);

	return strcpy(mem_alloc(text ? strlen(text) + 1 : 1), text ? text : "");
}

int past_flaky(const char *report_dir, past_flaky_vec *out, struct err *err)
{
	char path[PATH_MAX];
	sqlite3_stmt *st = NULL;
	struct sqlite s;
	int rc = open_to_read(&s, report_dir, path, err);

	if (!rc && s.prepare(s.db, flaky_query, -1, &st, NULL) != SQLITE_OK)
		rc = complain(&s, path, err);
	while (!rc && s.step(st) == SQLITE_ROW) {
		struct past_flaky row = {.id = copy_column(&s, st, 0)};

		row.runs = s.column_int64(st, 1);
		row.failed = s.column_int64(st, 2);
		row.flips = s.column_int64(st, 3);
		vec_push(out, row);
	}
	if (st)
		s.finalize(st);
	close_all(&s);
	return rc;
}

void past_flaky_free(past_flaky_vec *v)
{
	for (size_t i = 0; i < v->n; i++)
		mem_free(v->at[i].id);
	vec_free(v);
}

int past_hung(const char *report_dir, path_vec *out, struct err *err)
{
	char path[PATH_MAX];
	sqlite3_stmt *st = NULL;
	struct sqlite s;
	int rc = open_to_read(&s, report_dir, path, err);

	if (!rc && s.prepare(s.db, hung_query, -1, &st, NULL) != SQLITE_OK)
		rc = complain(&s, path, err);
	while (!rc && s.step(st) == SQLITE_ROW)
		vec_push(out, copy_column(&s, st, 0));
	if (st)
		s.finalize(st);
	close_all(&s);
	return rc;
}
