/* cli: the command line, subcommands, exit codes. One table of options yields the parser, `--help` and the environment variables.
 */
#ifndef TRACEWRAP_CLI_H
#define TRACEWRAP_CLI_H

#include "intent/intent.h"
#include "project/project.h"
#include "watch/watch.h"

/* Longer than tests wait; trio and asyncio wait for a day where they mean for ever. */
#define DEFAULT_HORIZON_NS (3600 * NS_PER_S)

enum subcommand {
	SUB_RUN, SUB_EXPLAIN, SUB_WHY, SUB_REPORT, SUB_TEST, SUB_DOCTOR, SUB_LAST, SUB_CONFIG, SUB_COMPLETION, SUB_HELP, SUB_VERSION,
};

/** In the order of the words of --mode. */
enum mode_choice { CHOOSE_AUTO, CHOOSE_PROC, CHOOSE_PRELOAD, CHOOSE_PTRACE, CHOOSE_NOTIFY };

/** Where an option's value came from. */
enum origin_how { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_LINE };
struct origin {
	enum origin_how how;
	const char *value; /* as it was written; NULL: of a switch */
	const char *file;  /* FROM_FILE */
	unsigned line;
};
enum { OPTIONS_MOST = 48 };

/** Of `test`, `doctor`, `last` and `config`, which read their words when the project is known. */
struct command_options {
	const char *python, *changed, *init; /* NULL: not given; "" for --changed and --init without a word */
	bool dry_run, last_failed, sync, no_check, fix, collect, flaky;
	pid_t parent;
	struct intent_words words;
};

struct options {
	enum subcommand sub;
	struct origin origin[OPTIONS_MOST]; /* by the row of the table */
	struct command_options cmd;
	struct watch_options watch;
	enum mode_choice mode;
	bool keep_sigint;
	const char *events; /* --events; NULL: nowhere */
	regex_t mask;       /* --mask, where watch.mask points to it */
	bool json;      /* explain: print the JSON object, not the screen */
	struct assumptions assume; /* watch.assume points to it */
	char **command; /* of a run; the file of explain */
};

/** Read the command line and the environment into OUT. argv is used, not copied.
 *  @return 0, or -EINVAL with one line that names the option and what would be right. */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
/** The text of --help. */
void options_help(struct text *out);

/** The table of options of a run, for whoever else needs it. */
struct option_words {
	const char *name, *value, *help; /* VALUE NULL: it is a switch */
	char letter;                     /* 0: none */
	const char *usual;               /* its default; "": none */
};
size_t options_count(void);
struct option_words options_row(size_t i);
/** As keys of a file of settings. */
size_t options_keys(struct config_option keys[OPTIONS_MOST]);
enum intent_arity options_arity(const char *name);
/** Set one by name, as if on the command line. */
int options_set(struct options *o, const char *name, const char *value, struct err *err);
/** What the command line and the environment have left open. */
int options_configure(struct options *o, const struct config *c, struct err *err);

/** The options of subcommands alone. */
struct command_option {
	const char *commands; /* "test doctor" */
	const char *name, *value; /* VALUE "[REF]": may be left out */
	const char *help;
};
size_t command_options_count(void);
const struct command_option *command_options_row(size_t i);
const char *command_name(enum subcommand sub);
/** Read the words behind a subcommand. PLACE: what targets can be; NULL: it takes none. */
int command_parse(struct options *o, const struct intent_place *place, struct err *err);

/** Run OPT.command supervised; @return only when nothing could be started, 125. */
int run_command(struct options *opt);
/** The same, with the settings of the project that it is started in. */
int run_configured(struct options *opt);

/** The subcommands. @return the exit code. */
int command_test(struct options *opt);
int command_doctor(struct options *opt);
int command_last(struct options *opt);
int command_config(struct options *opt);
int command_completion(const struct options *opt);

/** Of --color: 0 auto, 1 always, 2 never. */
bool screen_color(int choice);
unsigned screen_width(void);
/** Is this a job of GitHub Actions, of any CI? */
bool around_github(void);
bool around_ci(void);
/** What the job wants to be told, and where. */
void around_job(struct watch_options *w);

/** "500ms", "30s", "10m", "2h", "1d", a plain number is seconds, "0" is off. @return 0, -EINVAL. */
int duration_parse(const char *text, int64_t *ns);

/** "NAME=D" or "NAME=never", several separated by commas, into AS. WHERE names the option for the message. @return 0, -EINVAL. */
int assume_parse(const char *where, const char *text, struct assumptions *as, struct err *err);

/** Decide how to watch, and open what that needs: fills opt.watch.mode, mode_reason, hear, and what the launch has to do for it. A mode that
 *  can't be had here gives way to a lesser one, but for those that the launch refuses (ptrace, notify). */
void mode_prepare(struct options *opt, struct launch_options *how);

/** Print a verdict that is no run's: F, or NO_FINDING where there is none. */
struct finding;
struct snapshot;
void show_verdict(const struct options *opt, const char *mode, struct finding *f, struct snapshot *s, const char *no_finding);

/** `tracewrap why PID`. @return the exit code: 124 proven, 3 suspected or not to be told, 0 alive, 125. */
int why_pid(const struct options *opt);

/** `tracewrap explain FILE`. @return the exit code: 124 proven, 3 suspected, 0 nothing stuck, 125. */
int explain_file(const struct options *opt);

/** `tracewrap report FILE...`; its words are in opt.command. @return the exit code: 0, 125. */
int report_files(const struct options *opt);

#endif
