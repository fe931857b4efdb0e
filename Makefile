# Every target has a line in `make help`, under the heading before it.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WHEELS = .cache/wheels
READY = $(VENV)/.ready

IMAGES ?=
TARGET ?=
TARGETS ?= $(TARGET)
SEASON ?= 2021
PRESET ?= fast
METRIC ?= psnr
CODEC ?=
AVIF ?=
LIMIT ?=
BASELINES ?= best
ENGINE ?= local
CONFIG ?= training/configs/base.toml
RUN ?=
DATA ?= ../shared/data/train
KODAK ?= ../shared/data/kodak
THREADS ?=
ENTRIES ?= ours=dist
SHEET ?=
CODECS ?=
PRESETS ?=
DIST ?= dist
COUNT ?= 100000
PYTHONS ?=
SEED ?= 1
WHAT ?= streams
CONTAINER = .cache/container
WISHES = --metric "$$METRIC" $(if $(LIMIT),--limit $(LIMIT))

# Recipes take values from the environment, as they are: a name may hold spaces, quotes and dollars. Where there are
# several, with quotes of their own (LIMIT, ENTRIES, CODECS, PYTHONS), the shell reads them.
VALUES = IMAGES CONFIG RUN DATA KODAK DIST SHEET SEASON PRESET METRIC CODEC BASELINES ENGINE THREADS COUNT SEED WHAT
$(foreach name,$(VALUES),$(eval override $(name) := $$(value $(name))))
export $(VALUES) TARGETS PRESETS
OF_CODEC = $(if $(CODEC),--codec "$$CODEC")
OF_TARGETS = $(if $(TARGETS),--targets $$TARGETS)
OF_IMAGES = $(if $(IMAGES),--images "$$IMAGES")

.DEFAULT_GOAL := help

.PHONY: help
help:
	@sed -nE -e 's/^##@ (.*)/\n\1/p' -e 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

$(READY): requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.lock
	touch $@

##@ Build and check a submission

.PHONY: submission
submission: setup ## encode, allocate, pack, rehearse and score (IMAGES=folder, PRESET=fast, SEASON=2021, TARGET=0.15, METRIC=psnr, LIMIT="psnr=28:", CODEC=mean-scale, AVIF=1 where the server decodes AVIF, BASELINES=best|quick|none)
	$(BIN)/python -m submission submit --season "$$SEASON" --preset "$$PRESET" --engine "$$ENGINE" --baselines "$$BASELINES" --dist "$$DIST" $(if $(AVIF),--avif) $(WISHES) $(OF_CODEC) $(OF_IMAGES) $(OF_TARGETS)

.PHONY: check
check: setup ## every problem of a submission, with its severity (DIST=dist, SEASON=2021)
	$(BIN)/python -m submission check "$$DIST" --season "$$SEASON"

.PHONY: rehearsal
rehearsal: setup container ## the packed decoder as the server runs it, three times: time, memory, projection
	$(BIN)/python -m submission rehearse --dist "$$DIST" --season "$$SEASON"

.PHONY: freeze
freeze: setup container ## after validation: from now on the decoder must stay as it is (decoder.lock.json)
	$(BIN)/python -m submission freeze --dist "$$DIST" --season "$$SEASON" $(OF_CODEC)

$(CONTAINER)/.ready: submission/container.txt requirements.lock
	rm -rf $(CONTAINER)
	$(PYTHON) -m venv $(CONTAINER)
	$(CONTAINER)/bin/python -m pip install --quiet --requirement submission/container.txt --constraint requirements.lock
	touch $@

.PHONY: container
container: $(CONTAINER)/.ready ## the rehearsal's Python: torch, numpy and Pillow, nothing of this project

.PHONY: clean
clean: ## remove built packages and reports, not the environment, the caches and files of others
	if [ -d "$$DIST" ]; then $(BIN)/python -m submission clean --dist "$$DIST"; fi
	rm -rf reports/leaderboard reports/tuning reports/curves
	rm -f reports/leaderboard.csv reports/leaderboard.md reports/leaderboard.png

.PHONY: clean-cache
clean-cache: ## remove what runs keep in .cache to be faster, not the wheels and the container
	$(BIN)/python -m submission clean-cache

##@ Study

.PHONY: leaderboard
leaderboard: setup ## rank submissions and decoded folders (IMAGES=folder, ENTRIES="ours=dist theirs=their.zip", SHEET=AVIF, METRIC=psnr, SEASON=2021, BASELINES=best|quick|none)
	$(BIN)/python -m submission leaderboard $(ENTRIES) --baselines "$$BASELINES" --season "$$SEASON" --metric "$$METRIC" $(OF_IMAGES) \
	  $(OF_TARGETS) $(if $(SHEET),--sheet "$$SHEET")

.PHONY: curves
curves: setup ## rate-distortion of models and codecs beside published ones: docs/kodak.png (IMAGES=folder, CODECS="1 WebP AVIF", PRESETS="fast medium")
	$(BIN)/python -m submission curves --images "$${IMAGES:-$$KODAK}" $(OF_CODEC) $(if $(CODECS),--codecs $(CODECS)) \
	  $(if $(PRESETS),--presets $$PRESETS) \
	  $(if $(IMAGES),--output reports/curves)

.PHONY: tune
tune: setup ## the bytes of each picture: tables and plots (IMAGES=folder, PRESET=fast, TARGET=0.15, METRIC=psnr, LIMIT="bpp=:0.5")
	$(BIN)/python -m rate_control tune $(if $(IMAGES),"$$IMAGES",$(error give IMAGES=folder of photographs)) --preset "$$PRESET" --engine "$$ENGINE" $(WISHES) $(OF_CODEC) $(OF_TARGETS) --output reports/tuning

.PHONY: models
models: setup ## the shipped models: parameters, arithmetic, bytes, hours, BD-rate on Kodak (KODAK=folder)
	if [ -d "$$KODAK" ]; then set -- --kodak "$$KODAK"; fi; $(BIN)/python -m submission models "$$@"

.PHONY: bench
bench: setup ## time of decoding, refinement, metrics and allocation, memory at 8192x8192
	$(BIN)/python -m submission bench --large

.PHONY: exactness
exactness: setup container ## one stream set decoded in every environment there is: docs/exactness.md (PYTHONS="other/bin/python ...")
	$(BIN)/python -m submission exactness $(if $(PYTHONS),--python $(PYTHONS))

##@ Train

.PHONY: train
train: $(READY) ## train a model, or resume its run (CONFIG=, RUN=, DATA=, KODAK=, THREADS=)
	$(BIN)/python -m training train --config "$$CONFIG" --run "$${RUN:-runs/$$(basename "$$CONFIG" .toml)}" --data "$$DATA" --evaluation "$$KODAK" \
	  $(if $(THREADS),--threads "$$THREADS")

##@ Develop

.PHONY: setup
setup: $(READY) wheels ## the environment from the lock file, and the range coder's wheels for decoder.zip

.PHONY: wheels
wheels: $(READY) ## the range coder's wheels that travel in decoder.zip, checked by sha256
	$(BIN)/python -m submission wheels

.PHONY: test
test: setup ## all tests but the long ones
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not long"

.PHONY: test-long
test-long: setup ## the tests that take longest
	$(BIN)/python -m pytest --numprocesses 2 -m long

.PHONY: lint
lint: setup ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: fuzz
fuzz: setup ## 100,000 mutated streams against the decoder, or files against their readers (WHAT=files, COUNT=, SEED=)
	$(BIN)/python -m tests.fuzz --what "$$WHAT" --count "$$COUNT" --seed "$$SEED"

.PHONY: faults
faults: setup ## kill -9, full disks and two runs at once against a small submission (SEED=)
	$(BIN)/python -m tests.faults --seed "$$SEED"
