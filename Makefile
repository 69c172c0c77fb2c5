# cdp: a customer data platform inside PostgreSQL.
#
# ROOMS is the one list of the rooms of src/, lowest first.  It is the order
# of the install script and the order in which a room may include another
# (test/lint/rooms.sh checks that).

ROOMS = base norm types identity consent ingest timeline profile model \
	segment propensity audience insight

EXTENSION = cdp
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" cdp.control)

MODULE_big = cdp
OBJS = $(patsubst %.c,%.o,$(foreach room,$(ROOMS),\
	$(sort $(wildcard src/$(room)/*.c))) $(sort $(wildcard src/*.c)))

EXTENSION_SQL = cdp--$(EXTVERSION).sql
DATA_built = $(EXTENSION_SQL)
DATA = $(wildcard src/upgrade/cdp--*.sql)

# libphonenumber takes 30 ms to load: it lives in a module of its own, which
# src/norm loads when a backend first meets a national phone number.
PHONE_MODULE = cdp_phone.so

REGRESS_OPTS = --load-extension=cdp
REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,\
	$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=cdp
TAP_TESTS = 1
PROVE_TESTS = $(sort $(wildcard test/tap/*.pl))

EXTRA_CLEAN = $(PHONE_MODULE) src/norm/phone_module.o \
	cdp--*.sql $(foreach room,$(ROOMS),src/$(room)/*.bc) build

PG_CONFIG ?= pg_config
PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-cast-function-type $(WERROR)
# Nobody puts functions of their own in the place of ours: calls are direct.
PG_CFLAGS += -fno-semantic-interposition
# The server's own flags are gcc's; clang need not know them all.
ifneq ($(findstring clang,$(CC)),)
PG_CFLAGS += -Wno-unknown-warning-option -Wno-ignored-attributes \
	-Wno-ignored-optimization-argument
endif
SHLIB_LINK = -Wl,-Bsymbolic-functions -licui18n -licuuc -lroaring -lm

PGXS := $(shell $(PG_CONFIG) --pgxs)
# Bitcode for inlining by JIT gains nothing for a module of this kind.
override with_llvm = no
include $(PGXS)

all: $(PHONE_MODULE)
install: install-phone
uninstall: uninstall-phone

SCRIPT_PARTS = $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.sql)) \
	$(wildcard src/cdp*.sql src/upgrade/store--*.sql)

$(EXTENSION_SQL): src/install_script.sh $(SCRIPT_PARTS) Makefile cdp.control
	bash $< $(ROOMS) > $@.tmp
	mv $@.tmp $@

ifneq ($(wildcard src/norm/phone_module.cc),)
src/norm/phone_module.o: src/norm/phone_module.cc
	$(CXX) $(CXXFLAGS) -std=c++17 -O2 -fPIC -Wall -Wextra $(WERROR) \
		$(CPPFLAGS) -I$(srcdir)/src -c -o $@ $<

$(PHONE_MODULE): src/norm/phone_module.o
	$(CXX) -shared -o $@ $< -lphonenumber
else
.PHONY: $(PHONE_MODULE)
endif

.PHONY: install-phone uninstall-phone lint fuzz soak
install-phone: $(PHONE_MODULE)
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	if test -f $(PHONE_MODULE); then \
		$(INSTALL_SHLIB) $(PHONE_MODULE) '$(DESTDIR)$(pkglibdir)'; fi

uninstall-phone:
	rm -f '$(DESTDIR)$(pkglibdir)/$(PHONE_MODULE)'

lint:
	for check in test/lint/*.sh; do bash "$$check" || exit 1; done

# Each fuzzer for so long; test/run.sh gives them a few seconds.
FUZZ_SECONDS ?= 600
fuzz:
	for harness in model norm phone predicate record timeline; do PG_CONFIG=$(PG_CONFIG) \
		bash test/fuzz/run.sh $$harness $(FUZZ_SECONDS) || exit 1; done

# Each soak for so long.
SOAK_SECONDS ?= 600
soak:
	for soak in test/soak/*.sh; do \
		bash $$soak $(SOAK_SECONDS) || exit 1; done

# Every object depends on every front door: rooms are small.
$(OBJS): $(wildcard src/*.h src/*/*.h)
