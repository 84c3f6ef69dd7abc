# Fuzzing with libFuzzer, under ASan and UBSan; needs clang.
#
#   make fuzz                    every target for a few seconds
#   make fuzz SECONDS=600        longer; what it finds interesting is kept in $(B)/fuzz/corpus
#   make fuzz FUZZ="json body"   some of them
#
# tests/fuzz/corpus holds a few inputs of each kind to begin with.

FUZZ_SRC   := $(LIB_SRC) $(GROUP_SRC)
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -DKANSO_VERSION='"$(VERSION)"' -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ       := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
SECONDS    ?= 6

.PHONY: fuzz
fuzz: $(FUZZ:%=$(B)/fuzz/%) $(B)/fuzz/names.dict ## feed the decoders with random input for a few seconds
	@for target in $(FUZZ); do \
	    mkdir -p $(B)/fuzz/corpus/$$target; log=$(B)/fuzz/$$target.log; \
	    $(B)/fuzz/$$target -max_total_time=$(SECONDS) -max_len=600 -timeout=20 -rss_limit_mb=1024 \
	        -dict=$(B)/fuzz/names.dict -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus/$$target \
	        $$(ls -d tests/fuzz/corpus/$$target 2>/dev/null) >$$log 2>&1 || \
	        { tail -40 $$log; echo "$$target: failed, see $$log"; exit 1; }; \
	    echo "$$target: $$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' $$log) inputs"; \
	done

# The names of all members of bodies and queries: random bytes do not find them.
$(B)/fuzz/names.dict: $(KANSOCTL)
	@mkdir -p $(@D)
	@$(KANSOCTL) openapi | grep -o '"[a-z_][a-z_]*"' | sort -u >$@

$(B)/fuzz/obj/%.o: %.c | packages-test
	@mkdir -p $(@D)
	@echo "  FUZZ CC $<"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(INCLUDES) -MMD -MP -c -o $@ $<

$(B)/fuzz/kanso.a: $(FUZZ_SRC:%.c=$(B)/fuzz/obj/%.o)
	@ar rcs $@ $^

$(B)/fuzz/%: tests/fuzz/fuzz_%.c $(B)/fuzz/kanso.a
	@echo "  FUZZ LD $@"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer $(INCLUDES) -o $@ $^ $(LIBS)
-include $(shell find $(B)/fuzz/obj -name '*.d' 2>/dev/null)
