# Requests that lack memory or the database at each point of their way; see docs/reliability.md.
#
#   make torture                 every operation, every database call, memory at up to EACH places of each (60)
#   make torture EACH=100000     every single allocation: hours
#   make torture ONLY=tags       operations whose line holds that; SEED= chooses places; SKIP=140 goes on after so many
#   make torture-sanitize        every operation, and failures of the database, under ASan and UBSan
#   make torture-valgrind        the same under valgrind

.PHONY: torture torture-sanitize torture-valgrind
# The allocator, the database's driver, and the two ends of a request: tests/torture/torture.c has these instead.
TORTURED := __libc_malloc __libc_calloc __libc_realloc __libc_memalign __libc_free mysql_real_connect mysql_query \
            mysql_stmt_prepare mysql_stmt_execute stmt_send stmt_receive mysql_errno mysql_error mysql_stmt_errno mysql_stmt_error \
            FCGX_Accept_r memory_trim
TORTURE  := $(B)/torture/worker

TORMENT   = $(abspath $(VENV))/bin/python -m torture $(if $(EACH),--each $(EACH)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)') $(if $(SKIP),--skip $(SKIP))

# The slice of it that is a part of `make test`.
unit: $(TORTURE)
torture: build $(TORTURE) $(VENV)/.done ## let memory and the database fail at each point of every operation (EACH= SEED= ONLY= SKIP=)
	@cd tests && KANSO_BUILD=$(abspath $(B)) $(TORMENT)
torture-valgrind: EACH ?= 1
torture-valgrind: build $(TORTURE) $(VENV)/.done ## every operation, and failures of the database, under valgrind
	@cd tests && KANSO_BUILD=$(abspath $(B)) $(TORMENT) --valgrind
torture-sanitize: EACH ?= 4
torture-sanitize: $(VENV)/.done ## the same under ASan and UBSan
	+@$(MAKE) -s MODE=sanitize B=build/sanitize build build/sanitize/torture/worker
	@cd tests && KANSO_BUILD=$(abspath build/sanitize) ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 \
	    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 $(TORMENT) --checked

$(B)/torture/torture.o: tests/torture/torture.c | packages-test
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -Wno-missing-prototypes $(INCLUDES) -MMD -MP -c -o $@ $<
$(TORTURE): $(B)/torture/torture.o $(B)/prog/server.o $(LIB_OBJ)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -rdynamic -o $@ $^ $(TORTURED:%=-Wl,--wrap=%) $(LIBS)
-include $(B)/torture/torture.d

.PHONY: soak
soak: build $(VENV)/.done ## mixed requests on 32 connections for an hour: memory, descriptors, p99 (MINUTES= CLIENTS= RATE=)
	@cd tests && KANSO_BUILD=$(abspath $(B)) ../$(VENV)/bin/python -m soak $(if $(MINUTES),--minutes $(MINUTES)) \
	    $(if $(CLIENTS),--clients $(CLIENTS)) $(if $(RATE),--rate $(RATE))
