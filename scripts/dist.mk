# Kanso as something to carry elsewhere: a directory with all that runs, and what is made of it.
#
#   make dist                a tarball that needs nothing but a C library: docs/install/shared-hosting.md
#   make deb                 a Debian package: docs/install/systemd.md
#   make install PREFIX=/opt/kanso [DESTDIR=...]
#                            the same directory for hosts where the libraries of scripts/packages.txt are there

PREFIX ?= /opt/kanso
TREE    = $(DESTDIR)$(PREFIX)
ARCH   := $(shell uname -m)
DIST    = $(B)/dist/kanso-$(VERSION)-linux-$(ARCH).tar.gz

.PHONY: install dist deb packages-dist
install: build man ## copy all that runs to PREFIX (/opt/kanso): programs, pages, scripts
	@install -d $(TREE)/bin $(TREE)/cgi-bin $(TREE)/lib $(TREE)/nginx $(TREE)/sql $(TREE)/scripts/lib $(TREE)/man/man1 $(TREE)/man/man5
	@install -m 755 $(KANSOCTL) $(SUPERVISE) $(JOBS) $(TREE)/bin
	@install -m 755 $(WORKERS) $(CGI) $(TREE)/cgi-bin
	@install -m 644 $(LIB) $(TREE)/lib
	@install -m 644 $(B)/man/man1/* $(TREE)/man/man1
	@install -m 644 $(B)/man/man5/* $(TREE)/man/man5
	@install -m 755 scripts/kanso $(TREE)/scripts
	@install -m 644 scripts/packages.txt $(TREE)/scripts
	@install -m 644 scripts/lib/*.sh $(TREE)/scripts/lib
	@install -m 644 sql/mariadb.cnf $(TREE)/sql
	@cp -R nginx/html $(TREE)/nginx/ && chmod -R u=rwX,go=rX $(TREE)/nginx
	@ln -sf ../scripts/kanso $(TREE)/bin/kanso

packages-dist:
	@scripts/kanso packages build dist
dist: build | packages-dist ## a tarball for hosts without root and compiler, into build/dist
	@rm -rf $(B)/dist && mkdir -p $(B)/dist
	@$(MAKE) -s install DESTDIR=$(B)/dist/tree/ PREFIX=kanso-$(VERSION)
	@scripts/bundle $(B)/dist/tree/kanso-$(VERSION)
	@install -m 644 LICENSE docs/install/shared-hosting.md docs/install/kanso.conf.example docs/configuration.md \
	    $(B)/dist/tree/kanso-$(VERSION)
	@tar -C $(B)/dist/tree --sort=name --owner=0 --group=0 --numeric-owner \
	    --mtime=@$$(git log -1 --format=%ct 2>/dev/null || date +%s) -cf - kanso-$(VERSION) | gzip -9n >$(DIST)
	@rm -rf $(B)/dist/tree
	@echo "$(DIST)"

# Built in a copy of the sources that has what is built here already; what comes of it lies in build/deb. What that needs has
# just been installed (-d): build-essential would bring a C++ compiler, for nothing.
deb: build man | packages-dist ## a Debian package, into build/deb
	@rm -rf $(B)/deb && mkdir -p $(B)/deb/kanso-$(VERSION)/build
	@tar --exclude=./build --exclude=./var --exclude=./.git -cf - . | tar -x -C $(B)/deb/kanso-$(VERSION)
	@cp -a $(wildcard $(addprefix $(B)/,obj prog gen lib bin cgi-bin man libjwt.checked)) $(B)/deb/kanso-$(VERSION)/build
	@sed -i '1s/([^)]*)/($(VERSION))/' $(B)/deb/kanso-$(VERSION)/debian/changelog
	@cd $(B)/deb/kanso-$(VERSION) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -d -us -uc -b >../build.log 2>&1 || \
	    { tail -n 20 ../build.log; exit 1; }
	@rm -rf $(B)/deb/kanso-$(VERSION)
	@ls $(B)/deb/*.deb
