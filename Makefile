# SPDX-License-Identifier: GPL-2.0-only
#
# mewatch: one file builds everything, into $(O). `make help` lists the targets and the variables.

VERSION := 0.1.0

O ?= build
PREFIX ?= /usr/local
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= bpftool
CFLAGS ?= -O2 -g
FUZZ_SECONDS ?= 60

# Where bpftool is, on the path of root alone.
export PATH := $(PATH):/usr/sbin:/sbin

comma := ,
Q := $(if $(V),,@)
say = @printf '  %-8s%s\n' $(1) $(2)

# Objects with sanitizers live apart from the others; what BPF and generators make is shared.
B := $(O)$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))

# Layers from the top down, which is the order in which a linker wants them.
MODULES := report probe selftest export store kernel ledger policy base
MEWATCH_PACKAGES := libbpf libelf zlib yaml-0.1 libmd libmicrohttpd jansson libcurl libcares libcap-ng sqlite3 liburing
REPLAY_PACKAGES := libpcap
METOP_PACKAGES := libcurl jansson ncursesw
packages = $(shell pkg-config --libs $(1))

WARNINGS := -Wall -Wextra -Wno-unused-parameter -Wshadow -Wvla -Wformat=2 -Wundef $(if $(WERROR),-Werror)
HOST_WARNINGS := $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
HOST_CPPFLAGS := -D_GNU_SOURCE -Iinclude -Isrc -Itools -I$(O) -iquote . $(CPPFLAGS)
HOST_CFLAGS := -std=gnu17 $(HOST_WARNINGS) $(CFLAGS)
HOST_LDFLAGS := -Wl,--as-needed $(LDFLAGS)
ifneq ($(SANITIZE),)
HOST_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_LDFLAGS += -fsanitize=$(SANITIZE)
else
HOST_CFLAGS += -fstack-protector-strong
HOST_LDFLAGS += -Wl,-z,relro,-z,now
endif
# Not -MMD: the layer check reads which headers of foreign libraries a file uses.
DEPFLAGS = -MD -MP -MT $@ -MF $(@:.o=.d)

# The UAPI headers of the host (asm/types.h) are looked for last.
BPF_CFLAGS = -O2 -g -target bpf -mcpu=v3 -std=gnu17 $(WARNINGS) -Iinclude -I. \
	-idirafter /usr/include/$(shell $(CC) -print-multiarch)

objects = $(patsubst %.c,$(B)/obj/%.o,$(filter-out %.bpf.c,$(wildcard $(1))))
programs = $(patsubst %.c,$(B)/%,$(filter-out %.bpf.c,$(wildcard $(1))))
bpf_objects = $(patsubst %.bpf.c,$(O)/%.bpf.o,$(wildcard $(1)/*.bpf.c))
skeletons = $(patsubst %.bpf.c,$(O)/%.skel.h,$(wildcard $(1)/*.bpf.c))
# What the test programs of a folder share.
support = $(call objects,$(filter-out $(1)/test_%,$(wildcard $(1)/*.c)))

LIBRARIES := $(MODULES:%=$(B)/lib%.a)
PURE_LIBRARIES := $(filter-out %/libkernel.a,$(LIBRARIES))
# `mewatch replay` is a program of its own: the daemon's objects with another kernel side.
REPLAY_OBJECTS := $(call objects,src/mewatch/replay_*.c)
PROGRAMS := $(if $(wildcard src/mewatch/main.c),$(B)/mewatch $(B)/mewatch-replay) \
	$(if $(wildcard tools/metop/main.c),$(B)/metop)
UNIT_TESTS := $(call programs,tests/unit/*/test_*.c)
KERNEL_TESTS := $(call programs,tests/kernel/test_*.c)
LAB_HELPERS := $(call programs,tests/lab/*.c) $(call bpf_objects,tests/lab)
BENCHES := $(call programs,tests/bench/*.c)
FUZZERS := $(call programs,tests/fuzz/fuzz_*.c)
PROFILES := $(sort $(patsubst vendor/gfi/%.yaml,%,$(wildcard vendor/gfi/*.yaml)))
HEADER_DEPS := $(patsubst %,$(B)/obj/%.d,$(wildcard include/mewatch/*.h src/*/*.h tools/metop/*.h))
GENERATED := $(O)/gen/version.h $(O)/gen/layout.h $(O)/gen/transit_maps.h $(O)/gen/profiles.c \
	$(call skeletons,bpf)

.PHONY: all
all: $(PROGRAMS) $(LIBRARIES) $(B)/libreplay.a ## build mewatch and metop (the default)

# --- Tools -----------------------------------------------------------------------------------

.PHONY: tools FORCE
tools:
	@missing=; \
	for tool in $(CC) $(CLANG) $(LLVM_STRIP) $(BPFTOOL) pkg-config; do \
		command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	for package in $(MEWATCH_PACKAGES) $(REPLAY_PACKAGES) $(METOP_PACKAGES); do \
		pkg-config --exists $$package 2>/dev/null || missing="$$missing $$package"; \
	done; \
	test -z "$$missing" || \
		{ echo "not installed:$$missing; run: sudo make deps" >&2; exit 1; }

.PHONY: test-tools
test-tools:
	@pkg-config --exists cmocka && command -v clang-format >/dev/null || \
		{ echo "not installed: cmocka or clang-format; run: sudo make test-deps" >&2; exit 1; }

# Other flags than last time: everything is compiled again.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(HOST_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(HOST_LDFLAGS)' >$@

# --- Generated -------------------------------------------------------------------------------

$(O)/gen/version.h: Makefile
	@mkdir -p $(@D)
	$(Q)echo '#define ME_VERSION "$(VERSION)"' >$@

# The profiles as C strings in octal, so that any byte passes.
$(O)/gen/profiles.c: $(wildcard vendor/gfi) $(PROFILES:%=vendor/gfi/%.yaml) Makefile
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q){ \
	echo '#include "policy/builtin.h"'; \
	echo 'const struct me_builtin_profile me_builtin_profiles[] = {'; \
	for name in $(PROFILES); do \
		file=vendor/gfi/$$name.yaml; \
		echo "{\"$$name\", \"$$name.yaml\","; \
		od -An -v -to1 $$file | sed 's/ \(...\)/\\\1/g; s/.*/"&"/'; \
		echo ", $$(wc -c <$$file)},"; \
	done; \
	echo '};'; \
	echo 'const size_t me_n_builtin_profiles ='; \
	echo '	sizeof(me_builtin_profiles) / sizeof(me_builtin_profiles[0]);'; \
	} >$@.tmp && mv $@.tmp $@

$(O)/%.bpf.o: %.bpf.c | tools
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf >$@.tmp && mv $@.tmp $@

# The layout id of the pinned maps: a hash of their definitions and of all types that the BPF object
# knows.
$(O)/gen/layout.h: $(O)/bpf/host.bpf.o $(O)/bpf/transit.bpf.o
	@mkdir -p $(@D)
	$(Q)echo "#define ME_LAYOUT_ID \"$$(for object in $^; do \
		$(BPFTOOL) btf dump file $$object; done | sha256sum | cut -c1-16)\"" >$@.tmp && mv $@.tmp $@

# The maps of the transit vantage, for those who have to make each of them: X(name).
$(O)/gen/transit_maps.h: $(O)/bpf/transit.skel.h
	@mkdir -p $(@D)
	$(Q){ echo '#define ME_TRANSIT_MAPS(X) \\'; \
	sed -n 's/.*struct bpf_map \*\(me_[a-z_]*\);/	X(\1) \\/p' $<; \
	echo; } >$@.tmp && mv $@.tmp $@

# What an older version had: members of the contract that change places with the next.
$(O)/gen/older_abi.h: include/mewatch/abi.h Makefile
	@mkdir -p $(@D)
	$(Q)sed '/__u64 packets_sent;$$\|__u64 cgroup; /{N;s/\(.*\)\n\(.*\)/\2\n\1/}' $< >$@.tmp && mv $@.tmp $@

$(O)/tests/kernel/older.bpf.o: private BPF_CFLAGS += -I$(O)
$(O)/tests/kernel/older.bpf.o: $(O)/gen/older_abi.h

# --- Compile and link ------------------------------------------------------------------------

compile = $(CC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(DEPFLAGS) -c $< -o $@
link = $(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) $(filter %.o %.a,$^) -o $@

$(B)/obj/%.o: %.c $(B)/flags | tools $(O)/gen/version.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(compile)

$(B)/obj/gen/%.o: $(O)/gen/%.c $(B)/flags | tools
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(compile)

# What a header includes, each by itself, for the layer check; it also shows that it can.
$(B)/obj/%.h.d: %.h $(B)/flags | $(GENERATED) tools
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CPPFLAGS) -x c -M -MP -MT $@ -MF $@ $<

$(call objects,src/kernel/*.c): | $(call skeletons,bpf) $(O)/gen/layout.h
$(call objects,tests/kernel/*.c): | $(call skeletons,tests/kernel)

# The folder itself is a prerequisite: a source that went away leaves the archive.
$(foreach m,$(MODULES) replay,$(eval $(B)/lib$(m).a: $(call objects,src/$(m)/*.c) $(wildcard src/$(m))))
$(B)/libpolicy.a: $(B)/obj/gen/profiles.o
ifneq ($(findstring fuzzer,$(SANITIZE)),)
# It fills tables of all ports, by which no input is any wiser.
$(B)/obj/src/policy/compile_columns.o: private HOST_CFLAGS += -fno-sanitize-coverage=trace-cmp
endif
# The programs of bpf/ pun types, as the kernel's own sources do.
$(B)/obj/src/replay/program.o: | $(O)/gen/transit_maps.h
$(B)/obj/src/replay/program.o: private HOST_CFLAGS += -fno-strict-aliasing
$(B)/libmewatch.a: $(filter-out %/main.o $(REPLAY_OBJECTS),$(call objects,src/mewatch/*.c)) \
		$(wildcard src/mewatch)
$(B)/libmetop.a: $(filter-out %/main.o,$(call objects,tools/metop/*.c)) $(wildcard tools/metop)
$(B)/%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(B)/mewatch: $(B)/obj/src/mewatch/main.o $(B)/libmewatch.a $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(link) $(call packages,$(MEWATCH_PACKAGES))

# libreplay.a has the kernel side; of libkernel.a only what has nothing to do with it is left to find.
$(B)/mewatch-replay: $(REPLAY_OBJECTS) $(B)/libmewatch.a $(B)/libreplay.a $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(link) $(call packages,$(MEWATCH_PACKAGES) $(REPLAY_PACKAGES))

$(B)/metop: $(B)/obj/tools/metop/main.o $(B)/libmetop.a $(B)/libbase.a
	$(call say,LINK,$@)
	$(Q)$(link) $(call packages,$(METOP_PACKAGES))

# --- Test programs ---------------------------------------------------------------------------

.SECONDEXPANSION:

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $$(call support,tests/unit/$$(*D)) $(PURE_LIBRARIES) \
		| test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,cmocka $(MEWATCH_PACKAGES))

$(B)/tests/unit/mewatch/%: $(B)/obj/tests/unit/mewatch/%.o \
		$$(call support,tests/unit/mewatch) $(B)/libmewatch.a $(LIBRARIES) | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,cmocka $(MEWATCH_PACKAGES))

$(B)/tests/unit/replay/%: $(B)/obj/tests/unit/replay/%.o $$(call support,tests/unit/replay) \
		$(filter-out %/replay_main.o,$(REPLAY_OBJECTS)) $(B)/libmewatch.a $(B)/libreplay.a \
		$(LIBRARIES) | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,cmocka $(MEWATCH_PACKAGES) $(REPLAY_PACKAGES))

$(B)/tests/unit/metop/%: $(B)/obj/tests/unit/metop/%.o $$(call support,tests/unit/metop) \
		$(B)/libmetop.a $(B)/libbase.a | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,cmocka $(METOP_PACKAGES))

# Of libreplay.a the programs are used, beside those in the kernel.
$(B)/tests/kernel/%: $(B)/obj/tests/kernel/%.o $$(call support,tests/kernel) $(LIBRARIES) \
		$(B)/libreplay.a $(LIBRARIES) | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,cmocka $(MEWATCH_PACKAGES) $(REPLAY_PACKAGES))

$(B)/tests/web/%: $(B)/obj/tests/web/%.o $(PURE_LIBRARIES) | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,cmocka $(MEWATCH_PACKAGES))

$(B)/tests/lab/churn_client $(B)/tests/lab/churn_dial: lab_packages := openssl

$(B)/tests/lab/%: $(B)/obj/tests/lab/%.o $(B)/libselftest.a $(B)/libkernel.a $(B)/libbase.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,liburing $(lab_packages)) -pthread

$(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(LIBRARIES)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(call packages,$(MEWATCH_PACKAGES)) -pthread

# Those that use the small worlds of the unit tests need what these are asserted with.
$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(PURE_LIBRARIES) | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -fsanitize=fuzzer $(call packages,cmocka $(MEWATCH_PACKAGES))

$(B)/tests/fuzz/fuzz_capture: $(B)/obj/tests/fuzz/capture_mutate.o
$(B)/tests/fuzz/fuzz_capture $(B)/tests/fuzz/fuzz_state: $(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o \
		$(filter-out %/replay_main.o,$(REPLAY_OBJECTS)) $(B)/libmewatch.a $(B)/libreplay.a \
		$(LIBRARIES) | test-tools
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -fsanitize=fuzzer $(call packages,cmocka $(MEWATCH_PACKAGES) $(REPLAY_PACKAGES))

$(B)/tests/fuzz/fuzz_asked: $(B)/obj/tests/fuzz/fuzz_asked.o $(B)/libmewatch.a $(LIBRARIES)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -fsanitize=fuzzer -Wl,--wrap=me_ask $(call packages,$(MEWATCH_PACKAGES))

$(B)/tests/fuzz/fuzz_metop $(B)/tests/fuzz/fuzz_setup: $(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o \
		$(B)/libmetop.a $(B)/libbase.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -fsanitize=fuzzer $(call packages,$(METOP_PACKAGES))

# --- Test targets ----------------------------------------------------------------------------

SANITIZED := +$(Q)$(MAKE) --no-print-directory SANITIZE=address,undefined

.PHONY: needs-root
needs-root:
	@test "$$(id -u)" = 0 || { echo "needs root: sudo make $(MAKECMDGOALS)" >&2; exit 1; }

.PHONY: check check-kernel check-kernels check-lab check-lab-full check-deb check-web screens overload soak fuzz bench test
.PHONY: run-check run-check-kernel run-lab run-fuzz

# What has a second thread: the writer of the history. They run once more under ThreadSanitizer.
THREAD_TESTS := $(patsubst %.c,$(O)/thread/%,$(wildcard tests/unit/store/test_*.c))

check: $(GENERATED) ## unit tests under ASan and UBSan, checks of layers, format, documents and alert rules
	+$(Q)$(MAKE) --no-print-directory SANITIZE=thread $(THREAD_TESTS)
	$(SANITIZED) run-check

run-check: $(UNIT_TESTS) $(HEADER_DEPS) $(LIBRARIES) $(B)/libreplay.a $(B)/libmewatch.a $(B)/libmetop.a $(PROGRAMS)
	$(Q)tests/run-tests $(UNIT_TESTS) $(THREAD_TESTS) "tests/check-layers $(B)/obj $(O)/bpf" \
		tests/test-layers tests/check-format "tests/check-docs $(B)" tests/check-prometheus \
		"tests/check-completions $(B)" tests/check-dist

check-kernel: needs-root $(GENERATED) ## tests in the kernel (root)
	$(SANITIZED) run-check-kernel

run-check-kernel: $(KERNEL_TESTS)
	$(Q)tests/run-tests $(KERNEL_TESTS)

check-lab: needs-root all $(LAB_HELPERS) ## the lab: namespaces, real servers and clients (root)
	$(Q)ME_BUILD=$(abspath $(B)) tests/lab/run

check-lab-full: needs-root all $(LAB_HELPERS) ## the lab, long form
	$(Q)ME_BUILD=$(abspath $(B)) tests/lab/run --full

overload: needs-root all $(LAB_HELPERS) ## every bound met, one after the other: what was counted, lost and used, as a table (root)
	$(Q)ME_BUILD=$(abspath $(B)) tests/lab/overload

MINUTES ?= 10
SEED ?=

soak: needs-root all $(LAB_HELPERS) ## the lab's days under random faults, for MINUTES (10), drawn by SEED (root)
	$(Q)ME_BUILD=$(abspath $(B)) SOAK_MINUTES=$(MINUTES) SOAK_SEED=$(SEED) tests/lab/soak

run-lab: all $(LAB_HELPERS)
	$(Q)ME_BUILD=$(abspath $(B)) tests/lab/lab-live

screens: needs-root all $(LAB_HELPERS) ## make the screens of README.md and tools/screens/ anew, in the lab (root)
	$(Q)ME_BUILD=$(abspath $(B)) tests/lab/run --here tests/lab/screens.sh

check-web: all $(B)/tests/web/make_history ## the report in a real browser (chromium, poppler-utils)
	$(Q)tests/run-tests "tests/web/check-report $(B)"

check-kernels: all $(KERNEL_TESTS) $(LAB_HELPERS) ## tests on KERNELS ("5.10 6.1 6.12 6.18 newest") of Debian, in emulated machines
	$(Q)ME_BUILD=$(abspath $(B)) tests/kernels/run $(KERNELS)

check-deb: needs-root deb ## the package: installed, upgraded, removed, and run by systemd in an emulated machine (root)
	$(Q)tests/deb/run $(O)

test: needs-root ## install what is missing, build, and run check, check-kernel and check-lab (root)
	+$(Q)$(MAKE) --no-print-directory deps
	+$(Q)$(MAKE) --no-print-directory test-deps
	+$(Q)$(MAKE) --no-print-directory all
	+$(Q)MAKE=$(MAKE) tests/run-suites check check-kernel check-lab

fuzz: $(GENERATED) ## libFuzzer over the parsers, FUZZ_SECONDS (60) each
	+$(Q)$(MAKE) --no-print-directory CC=$(CLANG) SANITIZE=fuzzer-no-link,address,undefined run-fuzz

run-fuzz: $(FUZZERS)
	$(Q)for fuzzer in $(FUZZERS); do \
		corpus=$$fuzzer.corpus; seeds=tests/fuzz/$$(basename $$fuzzer); mkdir -p $$corpus; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$$fuzzer. $$corpus $$(test -d $$seeds && echo $$seeds) || \
			exit 1; \
	done

bench: needs-root all $(BENCHES) $(call bpf_objects,tests/bench) ## what it costs, beside its peers (root)
	$(Q)ME_BUILD=$(abspath $(B)) tests/bench/run

# --- The rest --------------------------------------------------------------------------------

.PHONY: deps test-deps web-deps run lab format format-check install uninstall deb clean help

deps: ## install libraries and compilers from the distribution (root)
	$(Q)tests/install-deps build

test-deps: ## install what the tests need; nothing is started by it (root)
	$(Q)tests/install-deps test

web-deps: ## install the browser of check-web (root)
	$(Q)tests/install-deps web

run: needs-root ## install what is missing, build, and watch this machine with the default profile (root)
	+$(Q)$(MAKE) --no-print-directory deps
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)tools/dist/run-here $(B)

lab: needs-root ## install what is missing, build, and watch the lab: a mail host's day beyond a gateway (root)
	+$(Q)$(MAKE) --no-print-directory deps
	+$(Q)$(MAKE) --no-print-directory test-deps
	+$(Q)$(MAKE) --no-print-directory run-lab

format: test-tools ## let clang-format lay out the sources
	$(Q)tests/check-format --fix

format-check: test-tools ## whether clang-format would change a source
	$(Q)tests/check-format

MANUALS := $(wildcard tools/dist/*.[1-8])
ZSH_COMPLETIONS ?= share/zsh/site-functions
UNITS ?= $(PREFIX)/lib/systemd/system

# What is installed besides the programs: FILE:FOLDER, the folder below PREFIX.
DATA := $(foreach f,$(MANUALS),$(f):share/man/man$(patsubst .%,%,$(suffix $(f)))) \
	$(PROFILES:%=vendor/gfi/%.yaml:share/mewatch/profiles) \
	tools/dist/policy.example.yaml:share/mewatch \
	$(patsubst %,%:share/mewatch/prometheus,$(wildcard tools/dist/prometheus/*)) \
	$(patsubst %,%:share/mewatch/grafana,$(wildcard tools/dist/grafana/*)) \
	$(patsubst %,%:share/bash-completion/completions,$(wildcard tools/dist/completions/bash/*)) \
	$(patsubst %,%:$(ZSH_COMPLETIONS),$(wildcard tools/dist/completions/zsh/*))
TOP := $(DESTDIR)$(PREFIX)
UNIT := $(DESTDIR)$(UNITS)/mewatch.service
SYSUSERS := $(TOP)/lib/sysusers.d/mewatch.conf
file_of = $(word 1,$(subst :, ,$(1)))
folder_of = $(word 2,$(subst :, ,$(1)))

install: all ## install below DESTDIR and PREFIX (/usr/local)
	install -D -m 755 -t $(TOP)/sbin $(B)/mewatch
	install -D -m 755 -t $(TOP)/libexec/mewatch $(B)/mewatch-replay
	install -D -m 755 -t $(TOP)/bin $(B)/metop
	$(foreach f,$(DATA),install -D -m 644 -t $(TOP)/$(call folder_of,$(f)) $(call file_of,$(f)) &&) true
	install -D -m 644 tools/dist/mewatch.sysusers $(SYSUSERS)
	install -D -m 644 tools/dist/mewatch.service $(UNIT)
	sed -i 's|/usr/sbin/mewatch|$(PREFIX)/sbin/mewatch|' $(UNIT)

uninstall: ## remove what install put there
	rm -f $(TOP)/sbin/mewatch $(TOP)/libexec/mewatch/mewatch-replay $(TOP)/bin/metop $(UNIT) $(SYSUSERS)
	rm -f $(foreach f,$(DATA),$(TOP)/$(call folder_of,$(f))/$(notdir $(call file_of,$(f))))
	rmdir --ignore-fail-on-non-empty $(TOP)/share/mewatch/* $(TOP)/share/mewatch \
		$(TOP)/libexec/mewatch 2>/dev/null || true

deb: ## a Debian package, below build/deb
	$(Q)tools/dist/make-deb $(O) $(VERSION)

clean: ## remove everything that was built
	rm -rf $(O)

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo 'Variables: O=build V=1 WERROR=1 SANITIZE=address,undefined PREFIX= DESTDIR= CC= CFLAGS='

.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find $(B)/obj $(O)/bpf $(O)/tests -name '*.d' 2>/dev/null)
