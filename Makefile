# sealpoint: one Makefile. `make help` lists what it does.
#
# Variables of yours: CC, CFLAGS, LDFLAGS (appended), PREFIX, DESTDIR, MODE (release, debug, asan,
# tsan, cov, fuzz), O (build directory), JOBS, and ROOMS: a shorter list builds and tests only those.

MODE ?= release
O ?= $(if $(filter release,$(MODE)),build,build-$(MODE))
PREFIX ?= /usr/local
# Rooms in their one direction.
ROOMS ?= core/base core/fs core/seal core/store core/ledger core/repository \
	keyring keyring/file keyring/catalogue \
	$(addprefix snapshot/,format source read backup restore verify browse) \
	cli/config cli/command cli
PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc)
SEALPOINT_FIXTURES ?= $(abspath ../shared/fixtures)
FUZZ_SECONDS ?= 60
VERSION := 0.1.0
export SEALPOINT_FIXTURES

PACKAGES := libcrypto libzstd libarchive json-c yaml-0.1
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
# These install what is missing, or need nothing; everything else would fail in a thousand lines.
NEED_NOTHING := help clean deps deps-real deps-bench check quickstart bench bench-memory
ifneq ($(filter-out $(NEED_NOTHING),$(or $(MAKECMDGOALS),all)),)
ifeq ($(PKG_LIBS),)
$(error not installed: one of $(PACKAGES); run `make deps`)
endif
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wformat=2 -Wundef \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wnull-dereference
GCC_ONLY := $(shell $(CC) --version 2>/dev/null | grep -q clang || echo -Wjump-misses-init)
WARN += $(GCC_ONLY)
ifeq ($(CI),true)
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fPIE
MODE_release := -O2 -g -D_FORTIFY_SOURCE=2
MODE_debug := -O0 -g3
MODE_asan := -O1 -gline-tables-only -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_tsan := -O1 -gline-tables-only -fsanitize=thread
MODE_cov := -O0 -g --coverage -DSEALPOINT_COVERAGE
MODE_fuzz := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all

override CPPFLAGS += -I. -D_GNU_SOURCE -DSEALPOINT_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
ALL_CFLAGS = -std=c11 $(MODE_$(MODE)) $(WARN) $(HARDEN) -pthread $(CFLAGS)
# Hundreds of tests are linked while one works: by the faster linker, where it is.
FAST_LD := $(if $(filter debug,$(MODE)),$(shell command -v ld.gold >/dev/null && echo -fuse-ld=gold))
ALL_LDFLAGS = $(MODE_$(MODE)) $(FAST_LD) -pie -pthread -Wl,-z,relro,-z,now $(LDFLAGS)

SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
MAIN := cli/main.c
LIB_SOURCES := $(filter-out $(MAIN),$(SOURCES))
# Files that the binary carries; cli/embedded.h declares them.
EMBEDDED := $(if $(filter cli,$(ROOMS)),$(wildcard cli/embedded/*))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(O)/%.o) $(if $(EMBEDDED),$(O)/embedded.o)
LIB := $(O)/libsealpoint.a
UNIT_SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard tests/unit/$(room)/test_*.c)))
UNITS := $(UNIT_SOURCES:%.c=$(O)/%)
# THREADED=build: only the tests whose binary there can start a thread. The others cannot race.
ifdef THREADED
UNITS := $(patsubst $(THREADED)/%,$(O)/%,$(shell for test in $(UNIT_SOURCES:%.c=$(THREADED)/%); do \
	nm -u $$test | grep -q pthread_create && echo $$test; done))
endif
# Helpers are the other files there. A test takes from their library what it calls. Those that
# stand in front of the C library (fake_*.c) only go into tests that include their header: from a
# library, a mere call of write() would take one in.
HELPER_SOURCES := $(shell find tests/unit -name '*.c' -not -name 'test_*' | LC_ALL=C sort)
FAKE_OBJECTS := $(patsubst %.c,$(O)/%.o,$(shell find tests/unit -name 'fake_*.c' | LC_ALL=C sort))
HELPER_OBJECTS := $(filter-out $(FAKE_OBJECTS),$(HELPER_SOURCES:%.c=$(O)/%.o))
HELPERS := $(O)/tests/unit/libhelpers.a
FUZZERS := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_*.c))
DEPENDS := $(LIB_OBJECTS:.o=.d) $(O)/cli/main.d $(UNITS:%=%.d) $(FUZZERS:%=%.d) \
	$(HELPER_OBJECTS:.o=.d) $(FAKE_OBJECTS:.o=.d)

# What the release build leaves beside the binary; the binary itself writes them.
DOCUMENTS := $(O)/sealpoint.1 $(O)/completions/sealpoint.bash $(O)/completions/_sealpoint \
	$(O)/completions/sealpoint.fish

.PHONY: all
all: $(O)/sealpoint $(if $(filter release,$(MODE)),$(DOCUMENTS)) ## build the binary, its man page and completions

$(O)/sealpoint: $(O)/cli/main.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(LIB): $(LIB_OBJECTS)
$(HELPERS): $(HELPER_OBJECTS)
$(LIB) $(HELPERS):
	rm -f $@
	ar rcs $@ $^

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# "cli/embedded/a.b" is the array embedded_a_b, ended by NUL.
$(O)/embedded.c: $(EMBEDDED)
	@mkdir -p $(@D)
	@{ echo '#include "cli/embedded.h"'; for file in $^; do \
		echo "const unsigned char embedded_$$(basename $$file | tr -c 'a-z0-9\n' _)[] = {"; \
		od -A n -v -t u1 -w20 $$file | sed 's/[0-9][0-9]*/&,/g'; echo '0};'; done; } >$@
$(O)/embedded.o: $(O)/embedded.c
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A document is real once it is whole: an interrupted run must not leave half a man page.
write_document = @mkdir -p $(@D) && $(O)/sealpoint help $(1) >$@.new && mv $@.new $@
$(O)/sealpoint.1: $(O)/sealpoint
	$(call write_document,--man)
$(O)/completions/sealpoint.bash: $(O)/sealpoint
	$(call write_document,--completion bash)
$(O)/completions/_sealpoint: $(O)/sealpoint
	$(call write_document,--completion zsh)
$(O)/completions/sealpoint.fish: $(O)/sealpoint
	$(call write_document,--completion fish)

.PHONY: install uninstall
SHARE := $(DESTDIR)$(PREFIX)/share
INSTALLED := $(DESTDIR)$(PREFIX)/bin/sealpoint $(SHARE)/man/man1/sealpoint.1 \
	$(SHARE)/bash-completion/completions/sealpoint $(SHARE)/zsh/site-functions/_sealpoint \
	$(SHARE)/fish/vendor_completions.d/sealpoint.fish
install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(O)/sealpoint $(word 1,$(INSTALLED))
	install -D -m 644 $(O)/sealpoint.1 $(word 2,$(INSTALLED))
	install -D -m 644 $(O)/completions/sealpoint.bash $(word 3,$(INSTALLED))
	install -D -m 644 $(O)/completions/_sealpoint $(word 4,$(INSTALLED))
	install -D -m 644 $(O)/completions/sealpoint.fish $(word 5,$(INSTALLED))
uninstall: ## remove what install put there
	rm -f $(INSTALLED)

# ---- tests ----

# The sanitizers want the kernel's old address layout; where personality(2) is barred we do without.
STILL := $(shell setarch $(shell uname -m) -R true 2>/dev/null && echo setarch $(shell uname -m) -R)
RUN = $(if $(filter asan tsan fuzz,$(MODE)),$(STILL))

# The fakes among the headers that the test was compiled with.
fakes_of = $(filter $(FAKE_OBJECTS),$(patsubst %.h:,$(O)/%.o,$(shell cat $(1).d)))
$(UNITS): $(O)/%: $(O)/%.o $(FAKE_OBJECTS) $(HELPERS) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(call fakes_of,$@) $(HELPERS) $(LIB) $(PKG_LIBS) -lcmocka

.PHONY: units unit
units: $(UNITS)
unit: units ## run the unit tests (MODE=asan, tsan, … as you like; QUIET=1: a line for each)
	@$(if $(QUIET),tests/tools/units.sh $(JOBS) $(RUN) -- $(UNITS),\
		for test in $(UNITS); do $(RUN) $$test || exit 1; done)

# Tools of the tests. They are the same in every mode.
TOOL_FLAGS := -std=c11 -O2 -g $(WARN) $(CFLAGS)
# Debian's WiredTiger; or WIREDTIGER=DIRECTORY with bin/wt, include and lib (snappy built in) of another.
WIREDTIGER ?=
WT_SNAPPY = $(if $(WIREDTIGER),,$(shell pkg-config --variable=libdir wiredtiger)/libwiredtiger_snappy.so)
WT_FLAGS = $(if $(WIREDTIGER),-I$(WIREDTIGER)/include -L$(WIREDTIGER)/lib -Wl$(,)-rpath$(,)$(WIREDTIGER)/lib \
	-lwiredtiger,$$(pkg-config --cflags --libs wiredtiger))
, := ,
WTMAKE_SOURCES := $(addprefix tests/tools/,wtmake.c shop.c documents.c words.c bson.c)
TOOLS := $(O)/tests/tools/wtmake $(O)/tests/tools/measure $(O)/tests/tools/faultshim.so $(O)/tests/tools/vast

.PHONY: tools
tools: $(TOOLS) ## build what the tests use: wtmake, faultshim.so, measure, vast
$(O)/tests/tools/wtmake: $(WTMAKE_SOURCES) $(wildcard tests/tools/*.h)
	@mkdir -p $(@D)
	$(CC) -I. -D_GNU_SOURCE -DWT_SNAPPY='"$(WT_SNAPPY)"' $(TOOL_FLAGS) -o $@ $(WTMAKE_SOURCES) $(WT_FLAGS)
$(O)/tests/tools/measure: tests/tools/measure.c
	@mkdir -p $(@D)
	$(CC) -I. -D_GNU_SOURCE $(TOOL_FLAGS) -o $@ $<
$(O)/tests/tools/vast: tests/tools/vast.c $(LIB)
	@mkdir -p $(@D)
	$(CC) -I. -D_GNU_SOURCE $(TOOL_FLAGS) -o $@ $< $(LIB) $(PKG_LIBS)
$(O)/tests/tools/faultshim.so: tests/tools/faultshim.c tests/tools/power.c tests/tools/power.h
	@mkdir -p $(@D)
	$(CC) -I. -D_GNU_SOURCE $(TOOL_FLAGS) -fPIC -shared -o $@ $(filter %.c,$^) -pthread

# What pytest is told; T is one file or test: make scenario T=tests/scenario/test_restore.py
T ?= tests/scenario
# All of them: as many files at once as there are processors. Each test has a directory of its own.
PYTEST_FLAGS ?= $(if $(filter tests/scenario,$(T)),-n $(JOBS) --dist loadfile)
PYTEST = SEALPOINT=$(abspath $(O)/sealpoint) SEALPOINT_TOOLS=$(abspath $(O)/tests/tools) \
	PATH=$(if $(WIREDTIGER),$(WIREDTIGER)/bin:)$$PATH \
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -q -p no:cacheprovider $(PYTEST_FLAGS)
.PHONY: scenario reference
scenario: all tools ## drive the binary as a user does (T=file: only that)
	$(if $(wildcard tests/scenario/test_*.py),$(PYTEST) $(T),@echo no scenario tests)
.PHONY: soak-faults
soak-faults: all tools ## let the power fail at every change of every command (minutes; check takes a sample)
	SEALPOINT_SOAK=1 $(PYTEST) $(addprefix tests/scenario/test_,power.py mount_point.py tampering.py)
reference: all tools ## open what the binary wrote with the Python reader
	$(PYTHON) tests/reference/subkeys.py
	$(PYTHON) tests/reference/floe.py tests/golden/floe
	$(PYTHON) tests/reference/keyring.py tests/golden/keyring
	$(if $(wildcard tests/reference/test_*.py),$(PYTEST) tests/reference)

.PHONY: check-fixtures
check-fixtures: $(O)/tests/unit/core/seal/test_floe ## run every known answer under $(SEALPOINT_FIXTURES)
	@test -d '$(SEALPOINT_FIXTURES)' || { \
		echo 'no fixtures at $(SEALPOINT_FIXTURES): set SEALPOINT_FIXTURES' >&2; exit 1; }
	$(O)/tests/unit/core/seal/test_floe

.PHONY: mutants
mutants: ## break one check at a time, and see that a test says so (hours; ONLY=core/seal or SAMPLE=50 for a part)
	@$(PYTHON) tests/tools/mutants.py $(if $(ONLY),--only '$(ONLY)') $(if $(SAMPLE),--sample $(SAMPLE))

.PHONY: lint
lint: ## format, room order, banned calls, headers alone, clang-tidy
	@tests/lint/run.sh

# ---- fuzzers: libFuzzer (clang) looks for inputs; replay.c runs over those found, in any mode ----

FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),,$(O)/tests/fuzz/replay.o)
$(O)/tests/fuzz/%: tests/fuzz/%.c $(FUZZ_MAIN) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) \
		$(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $< $(FUZZ_MAIN) $(LIB) $(PKG_LIBS)

.PHONY: fuzz fuzzers fuzz-replay
fuzzers: $(FUZZERS)
fuzz: ## let every fuzzer run for FUZZ_SECONDS; new inputs go to build-fuzz/corpus
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang MODE=fuzz O=$(O)-fuzz fuzzers
	@tests/fuzz/run.sh $(O)-fuzz $(FUZZ_SECONDS) $(STILL)
fuzz-replay: fuzzers ## run every fuzz target once over its corpus (MODE=asan is the one that sees most)
	@tests/fuzz/run.sh $(O) 0 $(RUN)

# ---- everything ----

SUB = @echo "== $(1)"; $(MAKE) --no-print-directory -j$(JOBS)
.PHONY: check check-installed
check: deps ## install what is missing, then lint and every test: gcc, clang, all sanitizers
	@$(MAKE) --no-print-directory check-installed
check-installed:
	$(call SUB,lint) -s lint
	$(call SUB,build) -s all tools
	$(call SUB,unit tests: gcc) -s QUIET=1 unit
	$(call SUB,unit tests: clang with address and undefined-behaviour sanitizers) -s CC=clang MODE=asan QUIET=1 O=$(O)-asan unit
	$(call SUB,unit tests: clang with thread sanitizer) -s CC=clang MODE=tsan THREADED=$(O) QUIET=1 O=$(O)-tsan unit
	$(call SUB,fuzz corpora) -s CC=clang MODE=asan O=$(O)-asan fuzz-replay
	$(call SUB,scenarios) -s scenario
	$(call SUB,the second reader) -s reference
	@echo "== all checks passed"

.PHONY: soak
soak: all ## root: a random history of bursts, snapshots and backups, each restored and compared (ROUNDS=200 SEED=1)
	$(PYTHON) tests/soak/soak.py $(abspath $(O))/sealpoint $(or $(ROUNDS),200) $(SEED)

.PHONY: cover
cover: ## which lines no test runs: files, worst first (build-cov/cover.html)
	@$(MAKE) --no-print-directory -s -j$(JOBS) MODE=cov O=$(O)-cov all tools unit
	@$(MAKE) --no-print-directory -s MODE=cov O=$(O)-cov scenario
	gcovr --root . --object-directory $(O)-cov --filter '(core|keyring|snapshot|cli)/' \
		--sort-percentage --html-details $(O)-cov/cover.html --txt -

.PHONY: bench bench-memory
bench: deps-bench ## time sealpoint beside its peers (SIZE_MB=2000 UPDATES=35000 ROUNDS=5); quiet machine
	@$(MAKE) --no-print-directory -s -j$(JOBS) all tools
	@tests/bench/bench.sh $(abspath $(O)) speed
bench-memory: deps-bench ## peak memory of each command, at one and ten times the data
	@$(MAKE) --no-print-directory -s -j$(JOBS) all tools
	@tests/bench/bench.sh $(abspath $(O)) memory

.PHONY: quickstart
quickstart: deps-real ## install what is missing, build, and show the whole life of a backup
	@$(MAKE) --no-print-directory -s -j$(JOBS) all tools
	@tests/quickstart.sh $(abspath $(O))

.PHONY: deps deps-real deps-bench
deps: ## install the Debian packages that build and tests need (only those that are missing)
	@tests/tools/deps.sh build real check
deps-real:
	@tests/tools/deps.sh build real
deps-bench:
	@tests/tools/deps.sh build real bench

.PHONY: clean
clean: ## remove what was built
	rm -rf build build-*

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
		printf '%-16s %s\n' "$$name" "$$what"; done

# Half-written targets of failed commands must not look finished.
.DELETE_ON_ERROR:

-include $(DEPENDS)
