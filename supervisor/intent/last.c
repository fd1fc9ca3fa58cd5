/* What pytest has noted as failed: {"tests/test_x.py::test_y": true}. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "intent/intent.h"

/** Paths of the system get into it ("../../usr/lib/..."); a name without a file is none of a test. */
static bool is_junk(const char *id)
{
	return *id == '/' || strncmp(id, "../", 3) == 0 || strstr(id, "/../") || !*id || strncmp(id, "::", 2) == 0;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct last_failure *)a)->id, ((const struct last_failure *)b)->id);
}

int last_read(const char *json, size_t len, const struct config *config, bool (*exists)(void *data, const char *path), void *data,
              struct arena *arena, last_vec *out, struct err *err)
{
	cJSON *root = cJSON_ParseWithLength(json, len), *item;

	if (!cJSON_IsObject(root)) {
		cJSON_Delete(root);
		return err_set(err, -EINVAL, "it is cut off, or no JSON; run the tests again, or remove it");
	}
	cJSON_ArrayForEach(item, root) {
		struct last_failure f = {.id = arena_strdup(arena, item->string)};
		const char *file = arena_printf(arena, "%.*s", (int)strcspn(f.id, ":"), f.id);

		text_clean((char *)(uintptr_t)f.id, strlen(f.id));
		if (is_junk(f.id) || !exists(data, file))
			continue;
		f.flaky = config_flaky_of(config, f.id, NULL);
		vec_push(out, f);
	}
	cJSON_Delete(root);
	if (out->n)
		qsort(out->at, out->n, sizeof *out->at, by_id);
	return 0;
}

void last_add_hung(const char *id, const struct config *config, struct arena *arena, last_vec *out)
{
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->at[i].id, id) == 0) {
			out->at[i].hung = true;
			return;
		}

	struct last_failure f = {.id = arena_strdup(arena, id), .hung = true, .flaky = config_flaky_of(config, id, NULL)};

	vec_push(out, f);
}
