# make               the program, build/tracewrap
# make check         set up what is missing, then every test
# make demo          a real hang, supervised
# make bench         what it costs, as ratios
# make install       PREFIX=/usr/local DESTDIR=
# See README.md. SAN=address,undefined builds with sanitizers, CC=clang with clang; each has its own build folder.

ifeq ($(origin CC),default)
CC        := gcc
endif
PKG       := libcjson libelf libmnl libseccomp
BUILD     ?= build
SAN       ?=
PREFIX    ?= /usr/local
# A checkout that belongs to another user is described as well: who runs this makefile trusts it anyway.
VERSION   := $(or $(if $(wildcard .git),$(shell GIT_OPTIONAL_LOCKS=0 git -c safe.directory='*' describe \
             --always --dirty --tags 2>/dev/null)),unknown)

ifneq ($(SAN),)
OUT       := $(BUILD)/san
SANFLAGS  := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
HARDEN    :=
else
OUT       := $(BUILD)
SANFLAGS  :=
HARDEN    := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif

WARN      := -Wall -Wextra -Werror -Wshadow -Wformat=2 -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes \
             -Wpointer-arith -Wwrite-strings -Wcast-qual
HARDEN    += -fstack-protector-strong -fstack-clash-protection -fPIE
CPPFLAGS  += -D_GNU_SOURCE -Isupervisor -I. -DTRACEWRAP_VERSION='"$(VERSION)"'
CFLAGS    ?= -O2 -g
ALLCFLAGS  = -std=gnu17 $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
LDFLAGS   += -pie -Wl,-z,relro,-z,now -Wl,--as-needed
# Asked for when something is linked: pkg-config need not be there to read this file.
PKGLIBS    = $(shell pkg-config --libs $(PKG))

ROOMS     := base model parse tree prove image python leaks report config intent sys act observe stacks project doctor hear launch watch cli
SRC       := $(foreach r,$(ROOMS),$(sort $(wildcard supervisor/$(r)/*.c)))
OBJ       := $(SRC:%.c=$(OUT)/%.o)
OBJ       += $(OUT)/supervisor/hear/library.o $(OUT)/supervisor/project/plugin.o
LIBOBJ    := $(filter-out $(OUT)/supervisor/cli/main.o,$(OBJ))
LIB       := $(OUT)/libtracewrap.a

.DEFAULT_GOAL := all
.PHONY: all
all: $(OUT)/tracewrap

$(OUT)/tracewrap: $(OUT)/supervisor/cli/main.o $(LIB)
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(PKGLIBS) $(LDLIBS)

$(LIB): $(LIBOBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

# Changes with the version, so that what shows it is compiled again.
$(OUT)/version: always
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
$(filter $(OUT)/supervisor/cli/%,$(OBJ)): $(OUT)/version

.PHONY: always
always:

# The library that is preloaded into the programs of a run, and is carried along inside of ours. It must load under any C library of any
# age: nothing is linked to it, and what it calls is there everywhere (preload/shim.h). Never with sanitizers. Each start of a program
# pays for its loading: two segments, not four, and no mprotect, are half of that. Calls among ours stay inside, as libc's own do.
SHIM       = $(OUT)/preload/libtracewrap.so
SHIM_SRC  := $(sort $(wildcard preload/*.c))
SHIM_FLAGS = -std=gnu17 $(WARN) -O2 -g -fPIC -fvisibility=hidden -ftls-model=initial-exec -ffreestanding -fno-stack-protector \
             -fno-builtin -U_FORTIFY_SOURCE -D_GNU_SOURCE -I.
$(OUT)/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(SHIM_FLAGS) -MMD -MP -c -o $@ $<

$(SHIM): $(SHIM_SRC:%.c=$(OUT)/%.o)
	$(CC) -shared -nostdlib -Wl,-Bsymbolic-functions,-z,norelro,-z,noseparate-code,-z,now,-z,noexecstack -Wl,--build-id -Wl,-soname,$(notdir $@) -o $@.debug $^
	objcopy --strip-debug $@.debug $@

$(OUT)/supervisor/hear/library.o: supervisor/hear/library.S $(SHIM)
	@mkdir -p $(@D)
	$(CC) -DSHIM_FILE='"$(SHIM)"' -c -o $@ $<

# What a run of `tracewrap test` loads into pytest: a file of Python, carried along as it is.
$(OUT)/supervisor/project/plugin.o: supervisor/project/plugin.S supervisor/project/outcomes.py
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

-include $(OBJ:.o=.d) $(SHIM_SRC:%.c=$(OUT)/%.d)

include tests/tests.mk

# The manual page: its options come from the program's own table.
$(OUT)/tracewrap.1: docs/tracewrap.1.scd $(OUT)/tracewrap
	{ sed '/^@OPTIONS@$$/,$$d' $<; $(OUT)/tracewrap completion scdoc; sed '1,/^@OPTIONS@$$/d' $<; } >$@.scd
	scdoc <$@.scd >$@.tmp && mv $@.tmp $@

.PHONY: man
man: $(OUT)/tracewrap.1

.PHONY: install uninstall
install: all $(if $(shell command -v scdoc),man)
	install -D -m 755 $(OUT)/tracewrap $(DESTDIR)$(PREFIX)/bin/tracewrap
	if [ -f $(OUT)/tracewrap.1 ]; then install -D -m 644 $(OUT)/tracewrap.1 $(DESTDIR)$(PREFIX)/share/man/man1/tracewrap.1; fi

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/tracewrap $(DESTDIR)$(PREFIX)/share/man/man1/tracewrap.1

# The virtual environments stay: they take long to make. "rm -rf build" removes them too.
.PHONY: clean
clean:
	rm -rf $(addprefix $(BUILD)/,supervisor tests san clang bench demo version tracewrap libtracewrap.a)
