# Two commands matter: `make run` and `make check`. Meson does the work; see meson.build.
BUILD = build
PREFIX = /usr/local
FUZZ_SECONDS = 60

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)
run: deps all
	$(BUILD)/valija demo
check: deps
	@tools/check
bench: deps all
	@bench/run
fuzz: deps
	@tools/fuzz $(FUZZ_SECONDS)
lint: all
	@tools/lint
rfc:
	@tools/rfccheck --print
install: all
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
deps:
	@tools/deps
$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) --prefix $(PREFIX)
.PHONY: all run check bench fuzz lint rfc install deps
