# The pages in a browser, and ZenML's own dashboard; see docs/pages.md.
#
#   make check-browser ONLY=devices     a part of it; SERVER=http://... tests a running server
#   make dashboard DASHBOARD=FOLDER     fetches ZenML's dashboard into a folder outside the repository

ZENML_VENV ?= $(or $(KANSO_ZENML_VENV),build/zenml-venv)

.PHONY: check-browser bench-pages dashboard screens
check-browser: build $(ZENML_VENV)/bin/zenml ## the pages in a real Chromium, and ZenML's own dashboard where make dashboard has put it
	@KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) tests/browser/run $(if $(ONLY),-k '$(ONLY)') $(if $(SERVER),--server-url $(SERVER))
bench-pages: build $(ZENML_VENV)/bin/zenml ## a run of 5,000 steps in a browser: how soon it is drawn, how soon a step opens
	@KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) KANSO_BROWSER_STEPS=$(or $(STEPS),5000) tests/browser/run -q -s -k too_large
screens: build $(ZENML_VENV)/bin/zenml ## make the pictures of the README anew
	@KANSO_ZENML_VENV=$(abspath $(ZENML_VENV)) tests/browser/run -k test_pictures
	@mkdir -p docs/pictures
	@for name in overview run compare; do cp build/screens/picture-$$name.png docs/pictures/$$name.png; done
dashboard: ## fetch ZenML's own dashboard for KANSO_DASHBOARD_DIR
	@scripts/dashboard.sh $(DASHBOARD)
