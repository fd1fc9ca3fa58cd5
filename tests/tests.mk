# The tests. Included by ../Makefile.

UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
UNIT_LIB  := $(sort $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
UNIT      := $(UNIT_SRC:%.c=$(OUT)/%)
HELPERS   := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/helpers/*.c)))
ifeq ($(wildcard supervisor/stacks/*.c),)
HELPERS   := $(filter-out %/stacks,$(HELPERS))
endif

$(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(UNIT_LIB:%.c=$(OUT)/%.o) $(LIB)
	$(CC) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(PKGLIBS) $(LDLIBS) -lcmocka

$(OUT)/tests/helpers/%: tests/helpers/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) -pthread $(LDFLAGS) -o $@ $<

# The launch alone, without a watch loop.
$(OUT)/tests/helpers/guardrun: tests/helpers/guardrun.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(PKGLIBS) $(LDLIBS)

# What the readers of stacks see, of line tables, and where they think that things lie.
$(OUT)/tests/helpers/stacks $(OUT)/tests/helpers/lines $(OUT)/tests/helpers/offsets $(OUT)/tests/helpers/ran $(OUT)/tests/helpers/birth: $(OUT)/tests/helpers/%: tests/helpers/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(PKGLIBS) $(LDLIBS)

# What the preload library tells, without anybody who watches.
$(OUT)/tests/helpers/hearing: tests/helpers/hearing.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(PKGLIBS) $(LDLIBS)

-include $(UNIT:=.d) $(UNIT_LIB:%.c=$(OUT)/%.d)
.SECONDARY: $(UNIT:=.o) $(UNIT_LIB:%.c=$(OUT)/%.o)

.PHONY: helpers
helpers: $(HELPERS)

# Where tests/setup.sh puts the virtual environments, whatever BUILD is.
TEST_ENV   = TRACEWRAP=$(abspath $(OUT)/tracewrap) VENV=$(CURDIR)/build/venv VENV_PYTEST8=$(CURDIR)/build/venv-pytest8 \
             VENV_TRACTOR=$(CURDIR)/build/venv-tractor VENV_PAGES=$(CURDIR)/build/venv-pages HELPERS=$(abspath $(OUT)/tests/helpers)
TEST_PY    = $(firstword $(wildcard build/venv/bin/python) python3)

# All that must hold, one part after the other, with the time that each took.
.PHONY: check
check:
	@sh tests/setup.sh check
	@MAKE='$(MAKE)' sh tests/check.sh

.PHONY: check-layers check-unit check-san check-clang check-e2e check-corpus check-cases check-demo
check-layers: $(OBJ)
	@$(TEST_PY) tests/check-layers.py --self-test --cc '$(CC)'
	@$(TEST_PY) tests/check-layers.py --objects $(OUT) --cc '$(CC) $(CPPFLAGS) -std=gnu17 $(WARN)'

check-unit: $(UNIT) $(HELPERS)
	@for t in $(UNIT); do $$t || exit 1; done

# Does a test fail for each waker, timeout and assumption that the prover forgets?
.PHONY: mutants
mutants: $(UNIT) $(HELPERS)
	@$(TEST_PY) tests/mutants.py --out $(OUT) --cc '$(CC)' --flags='$(CPPFLAGS) -std=gnu17 -O0 $(CFLAGS_MUTANT)' --libs='$(PKGLIBS)' $(MUTANTS)

# The corpus asked from outside, and its snapshots explained again.
.PHONY: why explain-corpus check-why soak check-soak
why explain-corpus: all
	@$(TEST_PY) tests/why/$(if $(filter why,$@),corpus,explain).py --corpus $(CORPUS) --tracewrap $(OUT)/tracewrap --venv build/corpus-venv $(foreach c,$(WHY_ONLY),--only '$(c)')

check-why: all
	@if ! [ -x $(CORPUS)/run-corpus ]; then echo 'skipped: no corpus at $(CORPUS)'; \
	else $(MAKE) --no-print-directory -s why WHY_ONLY='pipe-popen-wait eof-daemon lock-threads-abba slow-inotify'; fi

# Suites of multi-process packages, plain and wrapped by turns: no test may end otherwise, no healthy run be called hung. Those that
# come with run-soak, and ours, which take the place of those of the same name. SOAK='--only loky,trio --minutes 60'
SOAK_RUN  ?= ../shared/soak/run-soak
$(BUILD)/soak.json: tests/soak/suites.py tests/soak/suites.json $(wildcard $(dir $(SOAK_RUN))suites.json)
	@mkdir -p $(@D)
	@$(TEST_PY) tests/soak/suites.py $(filter %.json,$^) >$@ || { rm -f $@; exit 1; }

soak: all $(BUILD)/soak.json
	@$(TEST_PY) $(SOAK_RUN) --suites $(BUILD)/soak.json --wrapper '$(abspath $(OUT)/tracewrap) -q' $(SOAK)

check-soak: all
	@if ! [ -x $(SOAK_RUN) ]; then echo 'skipped: no suites at $(SOAK_RUN)'; \
	else $(MAKE) --no-print-directory -s soak SOAK='--only trio,luigi,watchfiles --rounds 1'; fi

check-san:
	@$(MAKE) --no-print-directory SAN=address,undefined check-unit

check-clang:
	@if command -v clang >/dev/null; then $(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang all check-unit; \
	else echo 'skipped: no clang here'; fi

check-e2e: all helpers
	@$(TEST_ENV) $(TEST_PY) -m pytest -p no:cacheprovider -ra tests/e2e

# The readers of stacks, over every Python that is found here or can be had. PYTHONS='-k 3.13' for some of it.
.PHONY: check-pythons
check-pythons: helpers
	@sh tests/setup.sh pythons
	@$(TEST_ENV) $(TEST_PY) -m pytest -q -p no:cacheprovider -ra $(if $(wildcard build/venv/bin/python),-n auto) tests/pythons $(PYTHONS)

# The pages of every recorded hang, and of every hang of the corpus (if it is there), in a real browser; SHOTS=DIR keeps the pictures.
.PHONY: check-pages
check-pages: all helpers
	@$(TEST_ENV) PAGES=all CORPUS=$(abspath $(CORPUS)) $(TEST_PY) -m pytest -q -p no:cacheprovider -ra tests/e2e/test_pages.py

CORPUS    ?= ../shared/corpus
CORPUS_ONLY = pipe-* actor-tree-* slow-* clean-* outer-runner stderr-while-stdout teardown-log-storm eof-own-write-end \
              join-idle-thread child-wait-lost-signal lock-* eof-* leak-* port-held-*
check-corpus: all
	@if ! [ -x $(CORPUS)/run-corpus ]; then echo 'skipped: no corpus at $(CORPUS)'; \
	elif ! $(TEST_PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then echo 'skipped: the corpus wants Python 3.11'; \
	else $(TEST_PY) $(CORPUS)/run-corpus --tracewrap $(OUT)/tracewrap --venv build/corpus-venv --jobs 2 $(if $(CORPUS_MODE),--mode $(CORPUS_MODE)) \
		$(foreach c,$(CORPUS_ONLY),--only '$(c)'); fi

# Cases of our own in the corpus's format: further hangs and further near-misses. CASES_ONLY='hang-lock-*' for some of them.
check-cases: all
	@if ! [ -x $(CORPUS)/run-corpus ]; then echo 'skipped: no corpus at $(CORPUS)'; \
	elif ! $(TEST_PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then echo 'skipped: the corpus wants Python 3.11'; \
	else $(TEST_PY) $(CORPUS)/run-corpus --cases tests/cases --tracewrap '$(OUT)/tracewrap --stall 20s --on-stall kill' --venv build/corpus-venv --jobs $(or $(CASES_JOBS),2) \
		$(if $(CORPUS_MODE),--mode $(CORPUS_MODE)) $(foreach c,$(CASES_ONLY),--only '$(c)'); fi

check-demo: all
	@BUILT=$(OUT)/tracewrap timeout -k 10 120 sh tests/demo/run.sh

.PHONY: demo
demo:
	@BUILT=$(OUT)/tracewrap sh tests/demo/run.sh

# Other people's test suites, plain and watched: the long set (GUEST='--modes preload,ptrace' or '--only NAME'), and what of it takes seconds.
MODES     ?= proc preload ptrace notify
comma     := ,
spaced    := $(subst ,, )
.PHONY: guest check-guest
guest: all
	@sh tests/setup.sh check
	@$(TEST_PY) tests/guest/guest.py --tracewrap $(OUT)/tracewrap --build build/guest $(GUEST)

check-guest: all
	@$(TEST_ENV) $(TEST_PY) -m pytest -q -p no:cacheprovider -ra tests/guest
	@$(TEST_PY) tests/guest/guest.py --tracewrap $(OUT)/tracewrap --build build/guest --short \
		--modes $(subst $(spaced),$(comma),$(strip $(MODES)))

# What must hold in each mode: those that do not work here say so.
MODAL     := $(wildcard tests/e2e/test_launch*.py) tests/e2e/test_untouched.py tests/e2e/test_hang.py tests/e2e/test_healthy.py
MODAL_CASES = leak-* port-held-* lock-* eof-*
.PHONY: check-modes
check-modes: all helpers
	@failed=; for mode in $(or $(ONLY_MODES),preload ptrace notify); do \
		if ! $(OUT)/tracewrap --mode=$$mode true 2>/dev/null; then echo "skipped: mode $$mode does not work here"; continue; fi; \
		echo "-- $$mode"; \
		TRACEWRAP_MODE=$$mode $(TEST_ENV) $(TEST_PY) -m pytest -q -p no:cacheprovider -ra $(MODAL) || failed="$$failed $$mode"; \
		$(MAKE) --no-print-directory -s check-corpus CORPUS_ONLY='$(CORPUS_ONLY) $(MODAL_CASES)' CORPUS_MODE=$$mode || failed="$$failed $$mode(corpus)"; \
	done; [ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }

.PHONY: check-bare
check-bare:
	@sh tests/bare/run.sh

$(OUT)/bench/load: tests/bench/load.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) -pthread $(LDFLAGS) -o $@ $<

# Proof and explanation of large trees, and how soon a thousand hung processes are told.
$(OUT)/bench/prove: tests/bench/prove.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLCFLAGS) $(LDFLAGS) -o $@ $^ $(PKGLIBS) $(LDLIBS)

.PHONY: bench-prove
bench-prove: all $(OUT)/bench/prove
	@$(OUT)/bench/prove 10000
	@$(TEST_PY) tests/bench/many.py --tracewrap $(OUT)/tracewrap

.PHONY: bench
bench:
	@sh tests/setup.sh check && sh tests/setup.sh bench
	@$(MAKE) --no-print-directory -s all helpers $(OUT)/bench/load
	@build/venv/bin/python tests/bench/pages.py $(OUT)/tracewrap
	@build/venv/bin/python tests/bench/bench.py --tracewrap $(OUT)/tracewrap --load $(OUT)/bench/load --python build/venv/bin/python \
		--stacks $(OUT)/tests/helpers/stacks --py-spy build/venv-bench/bin/py-spy

.PHONY: bench-commands
bench-commands: all
	@build/venv/bin/python tests/bench/commands.py --tracewrap $(OUT)/tracewrap --python build/venv/bin/python

# Fuzzing of what reads text from elsewhere: saved snapshots (and the proof of them), the formats of /proc; and what reads the memory of other
# processes, their files and their tables. Wants clang and its run-time library (Debian: libclang-rt-14-dev). FUZZ=python for one alone.
FUZZ_SECONDS ?= 30
FUZZ      ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SRC   = $(foreach r,base model parse prove image python report config intent,$(wildcard supervisor/$(r)/*.c))
FUZZ_CC    = clang -g -O1 -fno-sanitize-recover=all -std=gnu17 $(CPPFLAGS) -Itests

$(OUT)/fuzz/record: tests/fuzz/record.c tests/fuzz/walk.h $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(ALLCFLAGS) $(LDFLAGS) -o $@ tests/fuzz/record.c $(LIB) $(PKGLIBS) $(LDLIBS)

# Something to begin with: real images of Python processes, real ELF files.
$(BUILD)/fuzz/seeds: $(OUT)/fuzz/record $(OUT)/tracewrap
	@mkdir -p $(BUILD)/fuzz/elf.corpus
	@$(TEST_ENV) $(TEST_PY) tests/fuzz/images.py $(OUT)/fuzz/record $(BUILD)/fuzz/images $(BUILD)/fuzz/python.corpus
	@mkdir -p $(BUILD)/fuzz/run.corpus
	@for s in lock-flock-abba teardown-log-storm stopped-child; do \
		$(OUT)/tracewrap explain --json tests/fixtures/snapshots/$$s.json >$(BUILD)/fuzz/run.corpus/$$s; [ -s $(BUILD)/fuzz/run.corpus/$$s ] || exit 1; done
	@mkdir -p $(BUILD)/fuzz/snapshot.corpus && cp tests/fixtures/snapshots/*.json $(BUILD)/fuzz/snapshot.corpus
	@for f in $(SHIM) $(OUT)/supervisor/base/err.o /bin/true /lib/x86_64-linux-gnu/libdl.so.2; do cp $$f $(BUILD)/fuzz/elf.corpus; done
	@touch $@

# (Of a large state that changes little, inputs may be long from the start, and comparisons are too many to follow.)
.PHONY: fuzz
fuzz: $(BUILD)/fuzz/seeds
	@for name in $(FUZZ); do \
		case $$name in python) how='-fno-sanitize-coverage=trace-cmp' options='-len_control=0 -max_len=4096';; *) how= options='-max_len=65536';; esac; \
		$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $$how -o $(BUILD)/fuzz/fuzz_$$name tests/fuzz/fuzz_$$name.c $(FUZZ_SRC) -lcjson -lelf && \
		mkdir -p $(BUILD)/fuzz/$$name.corpus && \
		FUZZ_IMAGES=$(BUILD)/fuzz/images $(BUILD)/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=20 $$options -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/$$name.corpus || exit 1; done
