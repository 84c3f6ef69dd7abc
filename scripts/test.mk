# Testing. Python and its packages live in $(B)/venv, the stock zenml client in $(B)/zenml-venv.
#
#   make check                   seconds: unit tests, and a smoke test of a whole server
#   make check-api ONLY=tags     a part of a part; ONLY is pytest's -k, SERVER=http://... tests a running server
#   make test                    everything below; closes with `N passed, N failed`
#   make chaos FAULTS=1000       a bad day: faults at random under writers, then a comparison with what they were promised
#   make check-mysql TENTH=3     the fourth tenth of the API tests on MySQL; `make test` takes another one for each commit
#   KANSO_ZENML_VENV=DIR         uses a zenml 0.66.0 that is installed already

UNIT_SRC   := $(sort $(wildcard tests/unit/test_*.c))
UNIT       := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
TOOLS      := $(B)/unit/workload_tool $(B)/unit/kanso-jobs
VENV       := build/venv
ZENML_VENV := $(or $(KANSO_ZENML_VENV),build/zenml-venv)
TESTS      := KANSO_BUILD=$(abspath $(B)) KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) $(VENV)/bin/python tests/run.py

.PHONY: chaos test check check-unit check-api check-security check-conformance check-connectors check-remote check-compose check-sanitize check-secrets-stores check-mysql check-prune check-backup check-way-back check-engine unit tools check-prometheus
check: unit build $(VENV)/.done ## unit tests and a smoke test through nginx: seconds
	@$(TESTS) check
test: | packages-test ## all tests; ends with `N passed, N failed`
	+@$(MAKE) -s -j"$$(nproc)" build unit $(VENV)/.done $(ZENML_VENV)/bin/zenml
	+@TENTH=$$(git rev-list --count HEAD 2>/dev/null || echo 0) $(TESTS) check security api --beside conformance mysql fuzz sanitize ways
check-unit: unit $(VENV)/.done ## the rooms without I/O
	@$(TESTS) unit
check-api: build tools $(VENV)/.done ## rules and errors over HTTP
	@$(TESTS) api
check-security: build $(VENV)/.done ## what strangers and neighbours can do to it; some of it only as root
	@$(TESTS) security
check-conformance: build $(VENV)/.done $(ZENML_VENV)/bin/zenml ## the stock client, and recorded traffic
	@$(TESTS) conformance
check-remote: build unit $(VENV)/.done $(B)/runner-venv $(B)/moto-venv ## templates that really run, in containers: needs root and a network once
	@KANSO_BUILD=$(abspath $(B)) KANSO_RUNNER_VENV=$(abspath $(B)/runner-venv) KANSO_MOTO_VENV=$(abspath $(B)/moto-venv) \
	    $(VENV)/bin/python -m pytest -q tests/conformance/test_remote.py
check-connectors: build unit $(VENV)/.done $(B)/moto-venv $(B)/connectors-venv ## service connectors, also beside the reference with its SDKs: 15 minutes
	@scripts/kanso packages connectors
	@cd tests && KANSO_BUILD=$(abspath $(B)) KANSO_MOTO_VENV=$(abspath $(B)/moto-venv) \
	    KANSO_CONNECTORS_VENV=$(abspath $(B)/connectors-venv) \
	    ../$(VENV)/bin/python -m pytest -q api/test_connector*.py conformance/test_connectors_differential.py
check-compose: $(VENV)/.done $(ZENML_VENV)/bin/zenml $(VENV)/bin/podman-compose ## the page about Docker Compose, in containers: needs root, podman, netavark and aardvark-dns
	@KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) PATH=$(abspath $(VENV))/bin:$$PATH $(VENV)/bin/python -m pytest -q tests/deploy/test_compose.py
$(VENV)/bin/podman-compose: | $(VENV)/.done
	@$(VENV)/bin/pip install -q podman-compose==1.6.0
check-stores: build tools $(VENV)/.done $(B)/stores-venv $(B)/moto-venv $(B)/fake-gcs $(B)/azurite ## artifact stores on what plays S3, Google's and Azure's: needs a network once
	@cd tests && KANSO_BUILD=$(abspath $(B)) KANSO_STORES_VENV=$(abspath $(B)/stores-venv) ../$(VENV)/bin/python -m pytest -q \
	    api/test_artifact_stores.py api/test_artifact_emulators.py conformance/test_remote_stores.py
check-secrets-stores: build $(VENV)/.done $(B)/moto-venv $(B)/vault $(B)/secrets-venv ## secrets stores, also beside the reference with its SDKs: needs a network once
	@cd tests && KANSO_BUILD=$(abspath $(B)) KANSO_SECRETS_VENV=$(abspath $(B)/secrets-venv) ../$(VENV)/bin/python -m pytest -q \
	    api/test_secrets_stores.py conformance/test_secrets_stores_differential.py
check-sanitize: $(VENV)/.done ## unit and API tests once more under ASan and UBSan
	+@$(TESTS) sanitize
check-mysql: build tools $(VENV)/.done ## API tests and recorded traffic on MySQL
	@$(TESTS) mysql
check-way-back: build $(VENV)/.done $(ZENML_VENV)/bin/zenml ## from ZenML 0.66.0 to Kanso and back by backups: minutes
	@cd tests && KANSO_BUILD=$(abspath $(B)) KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) KANSO_WAY_BACK=1 ../$(VENV)/bin/python -m pytest -q \
	    conformance/test_way_back.py
check-backup: build $(VENV)/.done ## backup and restore of 300,000 rows beside a writer (ROWS=)
	@cd tests && KANSO_BUILD=$(abspath $(B)) KANSO_BACKUP_ROWS=$(or $(ROWS),300000) ../$(VENV)/bin/python -m pytest -q -s \
	    api/test_backup.py -k large_database
check-prune: build $(VENV)/.done ## `kansoctl prune` of 20,000 runs beside writers (RUNS=)
	@cd tests && KANSO_BUILD=$(abspath $(B)) KANSO_PRUNE_RUNS=$(or $(RUNS),20000) ../$(VENV)/bin/python -m pytest -q -s \
	    api/test_prune.py -k beside_writers
check-engine: build tools $(VENV)/.done $(ZENML_VENV)/bin/zenml ## API tests and the stock client on ENGINE=mysql-9.7, mysql-8.4 or mariadb-11
	@KANSO_TEST_DATABASE=$(or $(ENGINE),mysql-9.7) $(TESTS) engine
check-prometheus: build $(VENV)/.done $(B)/promtool ## metrics and alert rules by Prometheus's own promtool: a download of 19 MB
	@cd tests && KANSO_BUILD=$(abspath $(B)) PROMTOOL=$(abspath $(B)/promtool) ../$(VENV)/bin/python -m pytest -q api/test_monitoring.py
$(B)/promtool:
	@mkdir -p $(B)/prometheus && cd $(B)/prometheus && apt-get download -q prometheus && dpkg-deb -x prometheus_*.deb . && \
	    mv usr/bin/promtool ../promtool && rm -rf $(abspath $(B)/prometheus)
chaos: build $(VENV)/.done ## kill, freeze and cut everything under load (FAULTS=100 MINUTES= SEED= PAUSE=10 RATE= CLUSTER=); what is lost?
	@cd tests && KANSO_BUILD=$(abspath $(B)) ../$(VENV)/bin/python -m chaos $(if $(FAULTS),--faults $(FAULTS)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(PAUSE),--pause $(PAUSE)) $(if $(RATE),--rate $(RATE)) $(if $(MINUTES),--minutes $(MINUTES)) \
	    $(if $(CLUSTER),--cluster)
bench: build $(VENV)/.done $(ZENML_VENV)/bin/zenml ## measure beside the reference (QUICK=1: a smaller one)
	@KANSO_BUILD=$(abspath $(B)) KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) \
	    $(VENV)/bin/python tests/bench/bench.py $(if $(QUICK),--quick)
bench-cost: build $(VENV)/.done ## what a request costs nginx, the worker and the database; as root (ONLY=runs)
	@KANSO_BUILD=$(abspath $(B)) $(VENV)/bin/python tests/bench/cost.py $(if $(ONLY),--only "$(ONLY)")
bench-size: build $(VENV)/.done ## every list, filter and sort key with 200 and 20,000 runs (RUNS=200,20000; ONLY=/steps)
	@KANSO_BUILD=$(abspath $(B)) $(VENV)/bin/python tests/bench/sizes.py --runs $(or $(RUNS),200$(comma)20000) $(if $(ONLY),--only $(ONLY))
check-plans: build $(VENV)/.done ## no statement of any operation reads all of a table that grows (PLANS=write: tests/bench/plans.txt)
	@KANSO_BUILD=$(abspath $(B)) $(VENV)/bin/python tests/bench/plans.py

unit: $(UNIT) $(TOOLS)
	@rm -f $(filter-out $(foreach p,$(UNIT) $(TOOLS),$p $p.o $p.d),$(wildcard $(B)/unit/*))
tools: $(TOOLS)
UNIT_LINK   = -L$(B)/lib -lkanso -Wl,-rpath,'$$ORIGIN/../lib'
# Functions of db/db.h that tests/unit/fake_db.h has instead.
FAKED      := run begin commit rollback room errno error cause trace_begin
$(B)/unit/test_resource: UNIT_LINK = $(LIB_OBJ) $(FAKED:%=-Wl,--wrap=db_%)
$(B)/unit/test_resource: $(LIB_OBJ)
# As workers: linked anew when their own source changes.
$(B)/unit/%.o: tests/unit/%.c | packages-test
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) -Wno-missing-prototypes $(INCLUDES) -MMD -MP -c -o $@ $<
$(B)/unit/%.o: tests/jobs/%.c | packages-test
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) $(INCLUDES) -MMD -MP -c -o $@ $<
$(B)/unit/%: $(B)/unit/%.o | $(LIB)
	@echo "  LD $@"
	@$(CC) -o $@ $< $(OPT) $(LDFLAGS) $(UNIT_LINK) $(LIBS) -lcmocka
-include $(UNIT:=.d) $(TOOLS:=.d)

$(VENV)/.done: tests/requirements.txt | packages-test
	@scripts/venv $(VENV) -r tests/requirements.txt
	@touch $@

# Without a network there is no stock client; the tests that need it then say that they were left out.
$(ZENML_VENV)/bin/zenml: | packages-test
	@scripts/venv $(ZENML_VENV) 'zenml[server]==0.66.0' || echo "no zenml 0.66.0: its tests are left out"

# What the container of a run from a template has: the stock client with the integrations of a remote stack. Its tests need moto
# besides, and Podman; they are skipped where one is not there.
$(B)/runner-venv: | $(ZENML_VENV)/bin/zenml
	@echo "  PIP $@"
	@rm -rf $@.new && mkdir -p $@.new && cp -a $(ZENML_VENV)/. $@.new && $@.new/bin/python -m pip install -q --disable-pip-version-check \
	    kubernetes==25.3.0 s3fs==2026.9.0 aiobotocore==3.10.0 boto3==1.43.117 aws-profile-manager==0.7.3 && \
	    $@.new/bin/python -m pip download -q --no-deps -d $@.new/wheels argparse==1.4.0 && \
	    mv $@.new $@ || { rm -rf $@.new; exit 1; }
# The stock client, and the reference, with the packages of remote artifact stores.
$(B)/stores-venv: | $(ZENML_VENV)/bin/zenml
	@echo "  PIP $@"
	@rm -rf $@.new && mkdir -p $@.new && cp -a $(ZENML_VENV)/. $@.new && $@.new/bin/python -m pip install -q --disable-pip-version-check \
	    s3fs==2026.9.0 aiobotocore==3.10.0 boto3==1.43.117 gcsfs==2026.10.1 adlfs==2026.8.0 && mv $@.new $@ || { rm -rf $@.new; exit 1; }
# moto plays AWS for the tests of service connectors, which are skipped where it is not installed.
$(B)/moto-venv:
	@python3 -m venv $@ && $@/bin/pip install -q 'moto[server,s3,sts,ecr,eks]' || { rm -rf $@; exit 1; }
# A HashiCorp Vault with the KV engine alone: the whole one takes a quarter of an hour to build.
$(B)/vault: tests/kit/vault/main.go
	@rm -rf $@.new && mkdir -p $@.new/source && cp $< $@.new/source && cd $@.new/source && go mod init kanso/vault 2>$@.log && \
	    go get github.com/hashicorp/vault@v1.13.0 2>>$@.log && go mod tidy 2>>$@.log && go build -o ../vault . && cd ../.. && mv $@.new $@ || \
	    { rm -rf $@.new; exit 1; }
$(B)/secrets-venv: | $(B)/connectors-venv
	@echo "  PIP $@"
	@rm -rf $@.new && cp -a $(B)/connectors-venv $@.new && $@.new/bin/python -m pip install -q --disable-pip-version-check \
	    azure-keyvault-secrets==4.12.0 google-cloud-secret-manager==2.32.0 hvac==2.4.0 && mv $@.new $@ || { rm -rf $@.new; exit 1; }
# They play Google's and Azure's stores: written in Go and for Node.
$(B)/fake-gcs:
	@mkdir -p $@.new && GOBIN=$(abspath $@.new) go install github.com/fsouza/fake-gcs-server@v1.56.1 && mv $@.new $@ || \
	    { rm -rf $@.new; exit 1; }
$(B)/azurite:
	@mkdir -p $@.new && npm install --silent --no-fund --no-audit --prefix $@.new azurite@3.35.0 && mv $@.new $@ || \
	    { rm -rf $@.new; exit 1; }
# The reference with the SDKs of its time: later ones lack what it calls.
$(B)/connectors-venv: | $(ZENML_VENV)/bin/zenml
	@echo "  PIP $@"
	@python3 -m venv $@ && $@/bin/pip install -q --disable-pip-version-check \
	    'zenml[server,connectors-aws,connectors-gcp,connectors-azure,connectors-kubernetes]==0.66.0' kubernetes==25.3.0 \
	    azure-mgmt-resource==23.1.1 azure-mgmt-containerservice==31.0.0 azure-mgmt-containerregistry==10.3.0 \
	    azure-mgmt-storage==21.2.1 azure-storage-blob==12.22.0 azure-identity==1.17.1 'paramiko<4' || { rm -rf $@; exit 1; }

# The release before, to upgrade from: the last tag, or else twenty commits ago.
PREVIOUS ?= $(shell git describe --tags --abbrev=0 2>/dev/null || git rev-parse HEAD~20)
$(B)/previous/.$(PREVIOUS): | packages-dist
	@rm -rf $(B)/previous && mkdir -p $(B)/previous
	@git archive $(PREVIOUS) | tar -x -C $(B)/previous
	@$(MAKE) -s -C $(B)/previous VERSION=0.0.9 dist deb
	@touch $@

packages-deploy:
	@scripts/kanso packages test deploy
.PHONY: check-deploy packages-deploy
check-deploy: dist deb $(VENV)/.done $(ZENML_VENV)/bin/zenml $(VENV)/bin/podman-compose $(B)/previous/.$(PREVIOUS) | packages-deploy ## every way to install Kanso, on bare machines: as root
	@KANSO_RELEASE_BEFORE=$(PREVIOUS) PATH=$(abspath $(VENV))/bin:$$PATH $(TESTS) deploy
