/* base: what every room stands on. Errors as values, memory that is freed as a whole, vectors, text, two maps.
 *
 * No effect but memory. Out of memory ends the process in base_oom(): the supervisor may die at any time, its outer guard
 * then lets the command run on (docs/internals.md), so no caller needs a path for it.
 *
 * Return values, everywhere in the project: 0 is done; negative is -errno, handed up unchanged, with the text set where it was
 * born by err_set(); positive is a condition that the function's own declaration names and its caller handles.
 */
#ifndef TRACEWRAP_BASE_H
#define TRACEWRAP_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof *(a))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- errors ---- */

/** What failed on which object, in one line without a newline. Owned by the caller, zero-initialised. */
struct err {
	char text[320];
};

/** Write the text of an error where it is born. %m is the errno of the call before.
 *  @return RC, so that `return err_set(err, -errno, "open %s: %m", path);` reads well. ERR may be NULL. */
int err_set(struct err *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** What this program promises itself; stays on in release builds. Never for what the kernel or the user says. */
#define must(cond) ((cond) ? (void)0 : base_bug(#cond, __FILE__, __LINE__))
_Noreturn void base_bug(const char *what, const char *file, int line);
_Noreturn void base_oom(void);

/* ---- memory ---- */

/** Memory that is freed as a whole. All that is reached from a snapshot, a proof or a finding lies in its own arena. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is allowed */
/** Zeroed, aligned for any type, never NULL. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size); /* checks the product */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void *arena_memdup(struct arena *a, const void *p, size_t size); /* NULL for size 0 */
/** Bytes handed out, for tests and for the page of figures. */
size_t arena_used(const struct arena *a);

void *mem_alloc(size_t size); /* zeroed, never NULL; free() it */
void *mem_grow(void *p, size_t n, size_t size); /* realloc to n * size, never NULL */

/** A growing array: VEC(int) v = {0}; vec_push(&v, 3); v.at[0]; vec_free(&v). */
#define VEC(type)                                                                                                      \
	struct {                                                                                                       \
		type *at;                                                                                              \
		size_t n, cap;                                                                                         \
	}
#define vec_reserve(v, want)                                                                                           \
	((v)->cap >= (want) ? (void)0                                                                                  \
			    : (void)((v)->cap = (want) < 8 ? 8 : (want) + (want) / 2,                                  \
				     (v)->at = mem_grow((v)->at, (v)->cap, sizeof *(v)->at)))
#define vec_push(v, ...) (vec_reserve((v), (v)->n + 1), (v)->at[(v)->n++] = (__VA_ARGS__))
#define vec_free(v) (mem_free((v)->at), (v)->at = NULL, (v)->n = (v)->cap = 0)
void mem_free(void *p);

/* ---- text ---- */

/** A growing text, always ended by a NUL once something was added (text_str() is never NULL). */
struct text {
	char *at;
	size_t n, cap;
};
void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const char *s, size_t n);
void text_addc(struct text *t, char c, size_t times);
void text_addf(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_addv(struct text *t, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
const char *text_str(const struct text *t);
void text_free(struct text *t);
static inline void text_freep(struct text *t) { text_free(t); }
#define OWNED_TEXT __attribute__((cleanup(text_freep))) struct text

/** Make N bytes fit to be shown or put into JSON: valid UTF-8 stays, control characters and stray bytes become '?'.
 *  In place; the length stays the same. */
void text_clean(char *s, size_t n);

/* ---- maps, a small typed face on uthash ---- */

/** From a number (a pid, a tid, an inode) to a number (an index). */
struct idmap;
struct idmap *idmap_new(void);
void idmap_free(struct idmap *m);
void idmap_put(struct idmap *m, uint64_t key, size_t value);
bool idmap_get(const struct idmap *m, uint64_t key, size_t *value); /* false: no such key; VALUE may be NULL */
void idmap_del(struct idmap *m, uint64_t key);

/** From a string (copied) to a number. */
struct strmap;
struct strmap *strmap_new(void);
void strmap_free(struct strmap *m);
void strmap_put(struct strmap *m, const char *key, size_t value);
bool strmap_get(const struct strmap *m, const char *key, size_t *value);

#endif
