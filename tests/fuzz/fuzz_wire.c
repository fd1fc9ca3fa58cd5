/* Any bytes as a slot of the ring, what is left over as its text. clang -fsanitize=fuzzer,address,undefined */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "parse/parse.h"
#include "preload/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_slot slot = {0};
	size_t n = size < sizeof slot ? size : sizeof slot;
	struct text text = {0};
	struct event ev;

	memcpy(&slot, data, n);
	slot.kind %= 32;
	text_addn(&text, (const char *)data + n, size - n);
	if (parse_wire(&slot, &text, 1, &ev) == 0 && (ev.pid < 0 || ev.child < 0 || ev.parent < 0 || strchr(ev.text, '\033')))
		__builtin_trap();
	text_free(&text);
	return 0;
}
