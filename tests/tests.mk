# The tests. Included by ../Makefile.

UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
UNIT_LIB  := $(sort $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
UNIT      := $(UNIT_SRC:%.c=$(OUT)/%)
HELPERS   := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/helpers/*.c)))

$(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(UNIT_LIB:%.c=$(OUT)/%.o) $(LIB)
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(OUT)/tests/helpers/%: tests/helpers/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) -pthread $(LDFLAGS) -o $@ $<

-include $(UNIT:=.d) $(UNIT_LIB:%.c=$(OUT)/%.d)
.SECONDARY: $(UNIT:=.o) $(UNIT_LIB:%.c=$(OUT)/%.o)

.PHONY: helpers check-unit
helpers: $(HELPERS)

check-unit: $(UNIT) $(HELPERS)
	@for t in $(UNIT); do $$t || exit 1; done
