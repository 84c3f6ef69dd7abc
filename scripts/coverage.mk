# What of ZenML's API is there.
.PHONY: coverage-api
coverage-api: build ## the operations of ZenML by group: served, tested, replayed
	@scripts/coverage-api --build $(B) --names
