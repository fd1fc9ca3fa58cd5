/* `tracewrap report FILE...`: saved reports as pages; several are merged into one. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "report/report.h"

/* A report of a thousand processes has 1 MB; what is larger than this is no report. */
#define FILE_MOST (INT64_C(256) << 20)
enum { FORMAT_HTML = 'H', FORMAT_MD = 'M', FORMAT_JUNIT = 'J', FORMAT_TRACE = 'T', FORMAT_GITHUB = 'G', FORMAT_JSON = 'S' };

static const char usage[] = "usage: tracewrap report [--html|--md|--junit|--trace|--github|--json] [-o FILE] FILE...\n";

struct conversion {
	int format;
	const char *output; /* NULL: standard output */
	char **files;
};

static int parse(int argc, char **argv, struct conversion *c, struct err *err)
{
	static const struct option longs[] = {
		{"html", no_argument, NULL, FORMAT_HTML},
		{"md", no_argument, NULL, FORMAT_MD},
		{"junit", no_argument, NULL, FORMAT_JUNIT},
		{"trace", no_argument, NULL, FORMAT_TRACE},
		{"github", no_argument, NULL, FORMAT_GITHUB},
		{"json", no_argument, NULL, FORMAT_JSON},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int o;

	*c = (struct conversion){.format = FORMAT_HTML};
	opterr = 0;
	optind = 0; /* the library begins anew: another line was parsed before */
	while ((o = getopt_long(argc, argv, ":o:h", longs, NULL)) != -1) {
		if (o == ':')
			return err_set(err, -EINVAL, "report: option \"%s\" needs a value", argv[optind - 1]);
		if (o == '?')
			return err_set(err, -EINVAL,
				       "report: unknown option \"%s\"; right are --html, --md, --junit, --trace, --github, "
				       "--json, -o FILE",
				       argv[optind - 1]);
		if (o == 'o')
			c->output = optarg;
		else
			c->format = o;
	}
	c->files = argv + optind;
	if (c->format != 'h' && !*c->files)
		return err_set(err, -EINVAL,
			       "report takes files: tracewrap report [--html|--md|--junit|--trace|--github|--json] FILE...");
	return 0;
}

/** FILE, or the report in the folder FILE of a run. */
static int read_one(const char *file, struct saved_run **out, struct err *err)
{
	OWNED_TEXT text = {0};
	struct err why = {0};
	char path[4200];
	struct stat st;
	int rc = 0;

	snprintf(path, sizeof path, "%s", file);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		snprintf(path, sizeof path, "%s/report.json", file);
		rc = stat(path, &st);
	}
	if (rc == 0 && st.st_size > FILE_MOST)
		return err_set(err, -EINVAL, "%s: is too large for a report", path);
	rc = sys_read_file(AT_FDCWD, path, &text, &why);
	if (rc == SYS_GONE || rc == SYS_DENIED)
		return err_set(err, -EINVAL, "%s: can't be read: %s", path, strerror(rc == SYS_GONE ? ENOENT : EACCES));
	if (rc == 0)
		rc = run_read(text_str(&text), text.n, out, &why);
	return rc ? err_set(err, -EINVAL, "%s: %s", path, why.text) : 0;
}

static void convert(int format, const struct run_report *const *runs, size_t n, struct text *out)
{
	switch (format) {
	case FORMAT_JSON:
		for (size_t i = 0; i < n; i++)
			report_json(runs[i], out);
		break;
	case FORMAT_MD:
		report_markdown(runs, n, out);
		break;
	case FORMAT_GITHUB:
		report_github(runs, n, getenv("GITHUB_WORKSPACE"), out);
		break;
	case FORMAT_JUNIT:
		report_junit(runs, n, NULL, false, out);
		break;
	case FORMAT_TRACE:
		report_trace(runs, n, out);
		break;
	default:
		report_html(runs, n, out);
		break;
	}
}

static int write_out(const struct conversion *c, const struct text *out, struct err *err)
{
	if (c->output)
		return sys_write_file(c->output, text_str(out), out->n, err);
	if (fwrite(text_str(out), 1, out->n, stdout) == out->n && fflush(stdout) == 0)
		return 0;
	return err_set(err, -errno, "standard output: %m");
}

static int run(const struct conversion *c, struct err *err)
{
	VEC(struct saved_run *) saved = {0};
	VEC(const struct run_report *) runs = {0};
	OWNED_TEXT out = {0};
	int rc = 0;

	for (char **file = c->files; *file && !rc; file++) {
		struct saved_run *one = NULL;

		rc = read_one(*file, &one, err);
		if (rc)
			break;
		vec_push(&saved, one);
		vec_push(&runs, &one->r);
	}
	if (!rc) {
		convert(c->format, runs.at, runs.n, &out);
		rc = write_out(c, &out, err);
	}
	for (size_t i = 0; i < saved.n; i++)
		run_free(saved.at[i]);
	vec_free(&saved);
	vec_free(&runs);
	return rc;
}

int report_files(const struct options *opt)
{
	struct conversion c;
	struct err err = {0};
	int argc = 1;

	while (opt->command[argc - 1])
		argc++;
	if (parse(argc, opt->command - 1, &c, &err) == 0 && c.format == 'h') {
		fputs(usage, stdout);
		return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
	}
	if (!err.text[0])
		run(&c, &err);
	if (!err.text[0])
		return 0;
	fprintf(stderr, "tracewrap: %s\n", err.text);
	return EXIT_TRACEWRAP;
}
