# Kanso: a ZenML-compatible server. `make help` lists the tasks.
VERSION    := 0.1.0
B          := build
CC         ?= cc
PKGS       := libmariadb json-c libjwt uuid libcrypt libcrypto yaml-0.1 zlib
# Loaded when they are first used: src/base/library.h.
PKGS_LATER := libcurl libssh
WARN       := -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
              -Wformat=2 -Wundef -Wvla -Wno-missing-field-initializers
HARDEN     := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIC \
              -fno-semantic-interposition
SANITIZE   := -DKANSO_DEBUG -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIC
MODE       ?= release
OPT        := $(if $(filter sanitize,$(MODE)),$(SANITIZE),$(HARDEN))
CFLAGS     := -std=c11 -D_GNU_SOURCE -DKANSO_VERSION='"$(VERSION)"' $(OPT) $(WARN) $(EXTRA_CFLAGS)
# Asked for when first used, which is after packages-build.
PKG_CFLAGS  = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(PKGS_LATER)))$(PKG_CFLAGS)
PKG_LIBS    = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
INCLUDES    = -Isrc -I$(B)/gen $(PKG_CFLAGS)
LIBS        = $(PKG_LIBS) -lfcgi -lm
comma      := ,
LDFLAGS    := $(if $(filter sanitize,$(MODE)),-fsanitize=address$(comma)undefined,-Wl,-z,relro,-z,now -Wl,--as-needed \
              -Wl,-Bsymbolic-functions)

CTL_SRC    := $(sort $(wildcard src/ctl/*.c))
SUPERVISE_SRC := $(sort $(wildcard src/supervise/*.c))
JOBS_SRC   := $(sort $(wildcard src/background/*.c))
CGI_SRC    := $(sort $(wildcard src/cgi/*.c))
LIB_SRC    := $(filter-out $(CTL_SRC) $(SUPERVISE_SRC) $(JOBS_SRC) $(CGI_SRC),$(sort $(wildcard src/*/*.c src/*/*/*.c)))
GROUP_SRC  := $(sort $(wildcard cgi-bin/*.c))
LIB_OBJ    := $(LIB_SRC:%.c=$(B)/obj/%.o) $(GROUP_SRC:%.c=$(B)/obj/%.o)
WORKERS    := $(GROUP_SRC:cgi-bin/%.c=$(B)/cgi-bin/%)
KANSOCTL   := $(if $(CTL_SRC),$(B)/bin/kansoctl)
SUPERVISE  := $(B)/bin/kanso-supervise
JOBS       := $(B)/bin/kanso-jobs
CGI        := $(B)/cgi-bin/kanso
LIB        := $(B)/lib/libkanso.so

.DEFAULT_GOAL := all
.PHONY: all build stale man clean help
# Programs whose source is gone are removed: nobody is to run them by mistake.
stale:
	@rm -f $(filter-out $(WORKERS) $(CGI),$(wildcard $(B)/cgi-bin/*))
all build: $(LIB) $(WORKERS) $(CGI) $(KANSOCTL) $(SUPERVISE) $(JOBS) stale ## build workers into build/cgi-bin and tools into build/bin

# A file that is gone is no longer newer than anything: the list of the objects says so.
$(B)/obj/library: FORCE
	@mkdir -p $(@D)
	@echo '$(LIB_OBJ)' | cmp -s - $@ || echo '$(LIB_OBJ)' >$@
.PHONY: FORCE
$(LIB): $(LIB_OBJ) $(B)/obj/library
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) -shared $(OPT) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LIBS)

# What is missing of Debian's packages for a purpose is installed; where there is no apt-get, the compiler will tell.
.PHONY: packages-build packages-test packages-lint
packages-build:
	@! command -v apt-get >/dev/null || scripts/kanso packages build
packages-test:
	@scripts/kanso packages build run database test
packages-lint:
	@scripts/kanso packages build lint

$(B)/obj/%.o: %.c | packages-build
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) $(INCLUDES) -MMD -MP -c -o $@ $<

$(B)/obj/src/auth/token.o: | $(B)/libjwt.checked
$(B)/libjwt.checked: scripts/check-libjwt | packages-build
	@mkdir -p $(@D)
	@scripts/check-libjwt
	@touch $@

$(B)/prog/%.o: cgi-bin/%.c | packages-build
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) $(INCLUDES) -DKANSO_PROGRAM -MMD -MP -c -o $@ $<

# Linked to the library as it is found at start: a change of the library alone makes no new workers.
$(B)/cgi-bin/%: $(B)/prog/%.o | $(LIB)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -o $@ $< -L$(B)/lib -lkanso -Wl,-rpath,'$$ORIGIN/../lib'

$(B)/bin/kansoctl: $(CTL_SRC:%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -o $@ $(filter %.o,$^) -L$(B)/lib -lkanso -Wl,-rpath,'$$ORIGIN/../lib' $(LIBS)

$(JOBS): $(JOBS_SRC:%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -o $@ $(filter %.o,$^) -L$(B)/lib -lkanso -Wl,-rpath,'$$ORIGIN/../lib'

$(CGI): $(CGI_SRC:%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -o $@ $(filter %.o,$^) -L$(B)/lib -lkanso -Wl,-rpath,'$$ORIGIN/../lib'

$(SUPERVISE): $(SUPERVISE_SRC:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -o $@ $^

.SECONDARY:

FORMATTED := $(shell git ls-files -co --exclude-standard "*.c" "*.h" 2>/dev/null)
.PHONY: format lint
format: ## bring the C files into the house style
	@clang-format -i $(FORMATTED)
lint: | packages-lint ## clang-format, clang-tidy, cppcheck, and who includes whom; changes nothing
	@scripts/check-includes
	@clang-format --dry-run -Werror $(FORMATTED)
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --library=scripts/cppcheck.cfg --suppress=missingIncludeSystem \
	    --enable=warning,portability -Isrc -j2 src cgi-bin
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --library=scripts/cppcheck.cfg --suppress=missingIncludeSystem \
	    --suppress=unusedFunction:'tests/fuzz/*' --enable=unusedFunction -Isrc src cgi-bin tests/unit tests/fuzz
	@mkdir -p $(B) && printf '%s\n' $(filter-out -fcf-protection -fstack-clash-protection -fno-semantic-interposition,$(CFLAGS)) \
	    $(patsubst -I%,-I$(CURDIR)/%,$(filter-out -I/%,$(INCLUDES))) $(filter -I/%,$(INCLUDES)) >$(B)/compile_flags.txt
	@printf '%s\n' $(LIB_SRC) $(CTL_SRC) $(SUPERVISE_SRC) $(JOBS_SRC) $(CGI_SRC) $(GROUP_SRC) | xargs -P "$$(nproc)" -n 4 clang-tidy --quiet -p $(B)

# The day of the pages is that of the last change, so that a build can be repeated.
man: $(KANSOCTL) ## write the manual pages into build/man
	@mkdir -p $(B)/man/man1 $(B)/man/man5
	@export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null)}; \
	    $(KANSOCTL) man >$(B)/man/man1/kansoctl.1; $(KANSOCTL) man kanso.conf >$(B)/man/man5/kanso.conf.5
	@sed "1s/.*/$$(head -n 1 $(B)/man/man1/kansoctl.1)/" docs/man/kanso.1 >$(B)/man/man1/kanso.1

clean: ## remove what was built (var/ stays)
	rm -rf $(B)/obj $(B)/prog $(B)/man $(B)/lib $(B)/bin $(B)/cgi-bin $(B)/gen $(B)/unit

help: ## list the tasks
	@grep -hE '^[a-z][a-z -]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-22s %s\n", $$1, $$2}'

-include $(wildcard scripts/*.mk)
-include $(shell find $(B)/obj $(B)/prog -name '*.d' 2>/dev/null)
