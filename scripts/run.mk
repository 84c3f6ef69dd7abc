# Running Kanso on this machine: `scripts/kanso --help` says what each does.

.PHONY: run start stop restart database status logs
run: ## start in the foreground: database, workers, nginx; Ctrl-C stops all
	@exec scripts/kanso run
start: ## the same in the background
	@scripts/kanso start
stop: ## stop what was started
	@scripts/kanso stop
restart: ## take up new settings and programs; no request is lost
	@scripts/kanso restart
database: ## start the private database alone, for `kansoctl restore`
	@scripts/kanso database
status: ## what runs, with its memory
	@scripts/kanso status
logs: ## follow the logs
	@exec scripts/kanso logs

# Files that are part of the library without the compiler knowing.
$(B)/obj/src/db/embedded.o: sql/schema.sql sql/kanso.sql sql/flavors.json $(wildcard nginx/*.in) scripts/workload-bridge.py
