/* JSON values as the report and the events have them, made with cJSON. What comes from the run is made fit to be shown. Private to report/. */
#ifndef TRACEWRAP_REPORT_VALUE_H
#define TRACEWRAP_REPORT_VALUE_H

#include <string.h>

#include <cjson/cJSON.h>

#include "base/base.h"

/* cJSON answers NULL when memory is out, and to nothing else that is done here. */
static inline cJSON *need(cJSON *item)
{
	if (!item)
		base_oom();
	return item;
}

/** Add ITEM to the object PARENT as KEY, which is a constant. */
static inline cJSON *put(cJSON *parent, const char *key, cJSON *item)
{
	must(cJSON_AddItemToObjectCS(parent, key, need(item)));
	return item;
}

static inline cJSON *add(cJSON *array, cJSON *item)
{
	must(cJSON_AddItemToArray(array, need(item)));
	return item;
}

static inline cJSON *string_n(const char *s, size_t n)
{
	OWNED_TEXT copy = {0};

	text_addn(&copy, s, n);
	text_clean(copy.at, copy.n);
	return cJSON_CreateString(text_str(&copy));
}

static inline cJSON *string(const char *s)
{
	return s ? string_n(s, strlen(s)) : cJSON_CreateNull();
}

static inline cJSON *number(int64_t n)
{
	return cJSON_CreateNumber((double)n);
}

/** Seconds, to the millisecond. */
static inline cJSON *seconds(int64_t ns)
{
	int64_t ms = (ns + (ns < 0 ? -NS_PER_MS : NS_PER_MS) / 2) / NS_PER_MS;

	return cJSON_CreateNumber((double)ms / 1000);
}

#endif
