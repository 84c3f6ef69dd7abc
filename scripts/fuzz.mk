# Fuzzing with libFuzzer, under ASan and UBSan; needs clang.
#
#   make fuzz                    a short run of every target
#   make fuzz RUNS=1000000       a long one; what it finds interesting is kept in $(B)/fuzz/corpus

FUZZ_ROOMS := base json security
FUZZ_SRC   := $(filter-out src/security/run.c,$(wildcard $(FUZZ_ROOMS:%=src/%/*.c)))
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ       := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
RUNS       ?= 100000

.PHONY: fuzz
fuzz: $(FUZZ:%=$(B)/fuzz/%) ## feed the decoders with random input for a few seconds
	@for target in $(FUZZ); do \
	    mkdir -p $(B)/fuzz/corpus/$$target; log=$(B)/fuzz/$$target.log; \
	    $(B)/fuzz/$$target -runs=$(RUNS) -max_len=600 -rss_limit_mb=1024 -artifact_prefix=$(B)/fuzz/ \
	        $(B)/fuzz/corpus/$$target >$$log 2>&1 || { tail -40 $$log; echo "$$target: failed, see $$log"; exit 1; }; \
	    echo "$$target: $(RUNS) inputs"; \
	done

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
