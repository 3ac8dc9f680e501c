# sealpoint: one Makefile. `make help` lists what it does.
# Variables of yours: CC, CFLAGS, LDFLAGS (appended), PREFIX, DESTDIR, MODE, O (build folder).

MODE ?= release
O ?= $(if $(filter release,$(MODE)),build,build-$(MODE))
PREFIX ?= /usr/local
# Rooms in their one direction; a shorter list builds and tests only those.
ROOMS ?= core/base core/fs core/seal core/store core/ledger keyring snapshot cli
PYTHON ?= /usr/bin/python3
VERSION := 0.1.0

PACKAGES := libcrypto libzstd libarchive json-c libcyaml
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES))

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
MODE_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_tsan := -O1 -g -fsanitize=thread
MODE_cov := -O0 -g --coverage
MODE_fuzz := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all

override CPPFLAGS += -I. -D_GNU_SOURCE -DSEALPOINT_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
ALL_CFLAGS = -std=c11 $(MODE_$(MODE)) $(WARN) $(HARDEN) -pthread $(CFLAGS)
ALL_LDFLAGS = $(MODE_$(MODE)) -pie -pthread -Wl,-z,relro,-z,now $(LDFLAGS)

SOURCES := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c) $(wildcard $(room)/*/*.c))
SOURCES := $(sort $(SOURCES))
MAIN := cli/main.c
LIB_SOURCES := $(filter-out $(MAIN),$(SOURCES))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(O)/%.o)
LIB := $(O)/libsealpoint.a
UNIT_SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard tests/unit/$(room)/test_*.c) \
	$(wildcard tests/unit/$(room)/*/test_*.c)))
UNIT_SOURCES := $(sort $(UNIT_SOURCES))
UNITS := $(UNIT_SOURCES:%.c=$(O)/%)
HELPER_OBJECTS := $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/*.c))
DEPENDS := $(LIB_OBJECTS:.o=.d) $(O)/cli/main.d $(UNITS:%=%.d)

.PHONY: all
all: $(O)/sealpoint

$(O)/sealpoint: $(O)/cli/main.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(LIB): $(LIB_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/tests/unit/%: tests/unit/%.c $(HELPER_OBJECTS) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(HELPER_OBJECTS) $(LIB) \
		$(PKG_LIBS) -lcmocka

.PHONY: units unit
units: $(UNITS)
unit: units ## run the unit tests (MODE=asan, tsan, … as you like)
	@for test in $(UNITS); do $$test || exit 1; done

.PHONY: clean
clean: ## remove what was built
	rm -rf build build-*

-include $(DEPENDS)
