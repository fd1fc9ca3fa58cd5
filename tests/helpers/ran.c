/* Which test ran when: ran PID FROM TO [FROM TO]... (the wall clock in ns) prints a line of JSON: the test of each stretch,
 * or null. "false": PID runs no tests.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "stacks/stacks.h"

enum { MOST = 64 };

int main(int argc, char **argv)
{
	struct stacks_moment at[MOST] = {{0}};
	size_t n = 0;
	struct arena *arena = arena_new();
	struct stacks *st = stacks_new();

	for (int i = 2; i + 1 < argc && n < MOST; i += 2)
		at[n++] = (struct stacks_moment){.from_ns = strtoll(argv[i], NULL, 10), .to_ns = strtoll(argv[i + 1], NULL, 10)};
	if (!n) {
		fprintf(stderr, "usage: ran PID FROM TO [FROM TO]...\n");
		return 2;
	}

	bool known = stacks_tests(st, arena, (pid_t)strtol(argv[1], NULL, 10), at, n);
	cJSON *list = known ? cJSON_CreateArray() : cJSON_CreateFalse();

	for (size_t i = 0; known && i < n; i++)
		cJSON_AddItemToArray(list, at[i].test ? cJSON_CreateString(at[i].test) : cJSON_CreateNull());

	char *line = cJSON_PrintUnformatted(list);

	if (line)
		puts(line);
	cJSON_free(line);
	cJSON_Delete(list);
	stacks_free(st);
	arena_free(arena);
	return line ? 0 : 1;
}
