# Requests that lack memory or the database at each point of their way; see docs/reliability.md.
#
#   make torture                 every operation, every database call, memory at up to EACH places of each (60)
#   make torture EACH=100000     every single allocation: hours
#   make torture ONLY=tags       operations whose line holds that; SEED= chooses places

.PHONY: torture
# The allocator, the database's driver, and the two ends of a request: tests/torture/torture.c has these instead.
TORTURED := __libc_malloc __libc_calloc __libc_realloc __libc_memalign __libc_free mysql_real_connect mysql_query \
            mysql_stmt_prepare mysql_stmt_execute stmt_send stmt_receive mysql_errno mysql_error mysql_stmt_errno mysql_stmt_error \
            FCGX_Accept_r memory_trim
TORTURE  := $(B)/torture/worker

torture: build $(TORTURE) $(VENV)/.done ## let memory and the database fail at each point of every operation (EACH= SEED= ONLY=)
	@cd tests && KANSO_BUILD=$(abspath $(B)) ../$(VENV)/bin/python -m torture $(if $(EACH),--each $(EACH)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)')

$(B)/torture/torture.o: tests/torture/torture.c | packages-test
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -Wno-missing-prototypes $(INCLUDES) -MMD -MP -c -o $@ $<
$(TORTURE): $(B)/torture/torture.o $(B)/prog/server.o $(LIB_OBJ)
	@echo "  LD $@"
	@$(CC) $(OPT) $(LDFLAGS) -pie -rdynamic -o $@ $^ $(TORTURED:%=-Wl,--wrap=%) $(LIBS)
-include $(B)/torture/torture.d
