/* Any bytes as a line table and as an exception table, of each version. clang -fsanitize=fuzzer,address,undefined */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "python/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int32_t head[3] = {0};
	uint8_t *table;
	size_t n;

	if (size < sizeof head)
		return 0;
	memcpy(head, data, sizeof head);
	n = size - sizeof head;
	table = malloc(n ? n : 1); /* of just that size: what lies behind it is poison */
	if (!table)
		return 0;
	memcpy(table, data + sizeof head, n);
	for (int minor = 8; minor <= 15; minor++)
		if (py_line(minor, head[0], table, n, head[1]) < 0 || py_line(minor, 1, table, n, head[1] & 0xffff) < 0)
			__builtin_trap();
	(void)py_exception_depth(table, n, head[2]);
	free(table);
	return 0;
}
