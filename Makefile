# The two commands: `make run` and `make test`. The rest are their steps and what developers use.
.PHONY: run test build serve unit check format align images bench sanitize fuzz clean help

run: build ## install, build, pull the models, start all five services
	@build/release/bin/morgan models pull
	@exec build/release/bin/morgan serve

test: ## everything that run needs, plus the whole test suite
	@scripts/bootstrap.sh test
	@scripts/test.sh all

build:
	@scripts/bootstrap.sh build
	@scripts/build.sh release

serve: ## start without looking for anything to build
	@exec build/release/bin/morgan serve

unit: ## the unit tests alone
	@scripts/bootstrap.sh test
	@scripts/test.sh unit

check: ## formatting, layers, versions
	@scripts/check.sh

format: ## rewrite the sources in the house format
	@scripts/check.sh --format

align: ## write what is derived from versions.toml
	@scripts/align.py

images: ## build the CPU image, start it, ask it (needs a container engine; long)
	@scripts/check_images.sh build run

bench: build ## measure, beside the peers that are installed
	@python3 bench/run.py

sanitize: ## the suite under ASan+UBSan and TSan (long)
	@scripts/bootstrap.sh test
	@scripts/sanitize.sh

fuzz: ## hostile input for 10 minutes a target, under sanitizers; SECONDS=60 TARGETS="http json" for less
	@scripts/fuzz.sh $(or $(SECONDS),600) $(TARGETS)

clean: ## remove the build, keep downloads
	@rm -rf build

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile
