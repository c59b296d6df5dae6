# Everything runs in .venv, created from the pins for that Python version, and writes below build; elsewhere on the
# machine there are only the caches of pip and npm, and that of downloaded reviews.

PYTHON ?= python3

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What ziglang has compiled of C libraries; about 100 MB.
export ZIG_GLOBAL_CACHE_DIR := $(CURDIR)/build/zig
export ZIG_LOCAL_CACHE_DIR := $(CURDIR)/build/zig
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SUPPORTED := 310 311 312
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d%d" % sys.version_info[:2])' 2>/dev/null)
PINS := .ci/constraints/py$(VERSION).txt
READY := .venv/.ready-py$(VERSION)
RUN := .venv/bin/python

# tflite-runtime has wheels for Linux only, and none for Python 3.12 and later.
TFLITE_PINS := .ci/constraints/tflite-runtime.txt
TFLITE_READY := .venv-tflite/.ready
starts = $(shell $(1) -c 'import venv, ensurepip' >/dev/null 2>&1 && echo $(1))
# Other runtimes that read the exported files: MediaPipe, Node.js, C with the library from the Node.js package, and those
# in a browser, with what drives it.
# Environments that cannot be created on this machine are skipped, and so are their tests.
MEDIAPIPE := .venv-mediapipe .venv-mediapipe-0.10.21
# Spark, Ray, Dask, Polars, DuckDB, pandas, Hugging Face datasets and FastAPI, for the examples that use them.
DATA_ENGINES := .venv-data-engines
INTEROP := build/interop
NODE := $(INTEROP)/node
BROWSER := $(INTEROP)/browser
C := $(INTEROP)/c
PI := build/pi
PEERS_READY := $(MEDIAPIPE:=/.ready) $(NODE)/.ready $(BROWSER)/.ready $(C)/.ready
PYTHON311 = $(if $(filter Linux,$(shell uname -s)),$(if $(filter 311,$(VERSION)),$(PYTHON),$(call starts,python3.11)))

.PHONY: help
help: ## Show this list
	@echo "make TARGET [PYTHON=python3.11]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Create .venv with everything that training, exporting, measuring and testing need

$(READY): pyproject.toml $(wildcard $(PINS))
	$(if $(VERSION),,$(error $(PYTHON) does not start. Name a Python 3.10, 3.11 or 3.12: make setup PYTHON=python3.11))
	$(if $(filter $(VERSION),$(SUPPORTED)),,$(error $(PYTHON) is not Python 3.10, 3.11 or 3.12, which TensorFlow needs. \
	    Name one: make setup PYTHON=python3.11))
	$(if $(call starts,$(PYTHON)),,$(error $(PYTHON) lacks the venv or ensurepip module. On Debian: apt install python3-venv))
	@echo "installing into .venv (2 minutes of CPU time, 3.7 GB) ..."
	@$(RUN) -c 'import sys, pip; sys.exit("%d%d" % sys.version_info[:2] != "$(VERSION)")' 2>/dev/null \
	    || $(PYTHON) -m venv --clear .venv
	@$(RUN) -m pip install -qq -c $(PINS) -e '.[dev]'
	@touch $@

$(TFLITE_READY): $(TFLITE_PINS)
	@if [ -z "$(PYTHON311)" ]; then echo "skipped .venv-tflite: it needs Linux and a python3.11"; exit 0; fi; \
	echo "installing into .venv-tflite ..."; \
	$(PYTHON311) -m venv --clear .venv-tflite \
	    && .venv-tflite/bin/python -m pip install -qq -r $(TFLITE_PINS) \
	    && touch $@

$(MEDIAPIPE:=/.ready) $(DATA_ENGINES)/.ready: .venv-%/.ready: .ci/constraints/%.txt
	@if [ -z "$(PYTHON311)" ]; then echo "skipped .venv-$*: it needs Linux and a python3.11"; exit 0; fi; \
	echo "installing into .venv-$* (about 1 minute, up to 1.5 GB) ..."; \
	{ $(PYTHON311) -m venv --clear .venv-$* && .venv-$*/bin/python -m pip install -qq -r $< && touch $@; } \
	    || echo "skipped .venv-$*: see above; 'make test' tries again"

$(NODE)/.ready $(BROWSER)/.ready: $(INTEROP)/%/.ready: .ci/constraints/%/package-lock.json
	@for tool in node npm; do command -v $$tool >/dev/null || { echo "skipped $(@D): no $$tool here"; exit 0; }; done; \
	echo "installing into $(@D) ..."; \
	mkdir -p $(@D) && cp .ci/constraints/$*/*.json $(@D)/; \
	{ (cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) && touch $@; } \
	    || echo "skipped $(@D): see above; 'make test' tries again"

# The headers are Debian 13's. Its library needs a newer glibc than Debian 12 has; the one that Node.js brings does not.
$(C)/.ready: runtime/examples/onnx_text.c benchmarks/measuring/peer.c $(NODE)/.ready
	@for tool in cc mmdebstrap; do command -v $$tool >/dev/null || { echo "skipped $(C): no $$tool here"; exit 0; }; done; \
	[ -e $(NODE)/.ready ] || { echo "skipped $(C): it takes its library from $(NODE), which was skipped"; exit 0; }; \
	echo "building $(C) ..."; \
	folder=$$(realpath $(NODE)/node_modules/onnxruntime-node/bin/napi-v6/linux/$$(node -p process.arch)); \
	build() { cc -O2 -I$(C)/debian/usr/include/onnxruntime $$1 -o $$2 $$folder/libonnxruntime.so.1 -Wl,-rpath,$$folder; }; \
	mkdir -p $(C); \
	{ { [ -d $(C)/debian ] || mmdebstrap --quiet --variant=extract --include=libonnxruntime-dev trixie $(C)/debian; } \
	    && build runtime/examples/onnx_text.c $(C)/onnx_text && build benchmarks/measuring/peer.c $(C)/peer && touch $@; } \
	    || echo "skipped $(C): see above; 'make test' tries again"

.PHONY: demo
demo: setup ## Export the committed run to every format, compare each file with Keras, score a text, and write a report
	rm -rf build/demo
	$(RUN) export/to_safetensors.py --out build/demo
	$(RUN) export/to_tflite.py --out build/demo
	$(RUN) export/to_onnx.py --out build/demo
	$(RUN) runtime/classify.py --model build/demo --info
	$(RUN) runtime/classify.py --model build/demo "great movie"
	$(RUN) benchmarks/report_card.py --model build/demo --out build/demo-report.html

# Processes that run tests. Each imports TensorFlow, which takes 1 GB.
WORKERS ?= 2
.PHONY: test
test: setup $(TFLITE_READY) $(PEERS_READY) $(DATA_ENGINES)/.ready lint ## Lint, check types and run all tests
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile

.PHONY: quick
quick: lint ## Lint, check types and run the fast tests that start no process; under a minute
	$(RUN) -m pytest --quick -q -n $(WORKERS) --dist loadfile

.PHONY: soak
soak: setup ## Stress-test with hostile input, damaged files, killed processes and long runs; about half an hour
	$(RUN) -m tests.soaking --json benchmarks/results/soak.json
	rm -f benchmarks/results/soak-library.json # of this part alone, which soak.json has now
	$(RUN) benchmarks/report.py

.PHONY: memory
memory: setup ## Measure memory and time of training on a million rows; Linux only, about 15 minutes
	$(RUN) -m tests.soaking.memory --json benchmarks/results/memory.json -- --marks off --characters off
	$(RUN) benchmarks/report.py

# Seconds for each target of `make fuzz`.
SECONDS ?= 600
.PHONY: fuzz
fuzz: setup ## Fuzz the readers of texts and files and the C library, guided by coverage, for SECONDS=600 each; Linux on x86-64 only
	@mkdir -p build/fuzz/text build/fuzz/safetensors build/fuzz/library
	$(RUN) -m tests.fuzz.fuzz_text -max_total_time=$(SECONDS) -max_len=4096 -artifact_prefix=build/fuzz/ build/fuzz/text
	$(RUN) -m tests.fuzz.fuzz_safetensors -max_total_time=$(SECONDS) -max_len=4096 -artifact_prefix=build/fuzz/ \
	    build/fuzz/safetensors
	$(RUN) -m tests.fuzz.fuzz_library -max_total_time=$(SECONDS) -max_len=40000 -artifact_prefix=build/fuzz/ \
	    build/fuzz/library

.PHONY: pi-test
pi-test: setup $(TFLITE_READY) ## Test on emulated Raspberry Pis; needs Debian's qemu-user and mmdebstrap; 3 minutes, later 2
	$(RUN) -m tests.pi.prepare $(PI)
	EDGETEXT_PI=$(PI) $(RUN) -m pytest -n $(WORKERS) --dist loadfile tests/pi

.PHONY: pi-guide
pi-guide: setup ## Run the commands of the Raspberry Pi guide on an emulated one; needs the package index, 2 minutes
	$(RUN) -m tests.pi.guide $(PI)

.PHONY: pi-count
pi-count: setup ## Count ARM instructions of the command; has the same requirements as pi-test
	$(RUN) -m tests.pi.prepare $(PI)
	$(RUN) benchmarks/instructions.py --json benchmarks/results/instructions.json
	$(RUN) benchmarks/report.py

FIRMWARE := $(MAKE) -s -C runtime/examples/firmware MODEL=$(CURDIR)/build/c-model/model.wi8_afp64_small.etx
.PHONY: mcu
mcu: ## Build the firmware example and run it on emulated Cortex-M boards; needs Debian's gcc-arm-none-eabi
	@command -v qemu-system-arm >/dev/null && [ -e "$$(arm-none-eabi-gcc --print-file-name=libc_nano.a 2>/dev/null)" ] || { \
	echo "skipped mcu: it needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm of Debian"; exit 0; }; \
	$(MAKE) -s setup build/c-model/manifest.json || exit; \
	for machine in mps2-an385 mps2-an500; do \
	    echo "building the firmware for $$machine ..."; \
	    board="MACHINE=$$machine BUILD=$(CURDIR)/build/mcu/$$machine"; \
	    $(FIRMWARE) $$board && printf 'great movie\na waste of two hours\n' | $(FIRMWARE) $$board run || exit; \
	done

.PHONY: mcu-count
mcu-count: mcu ## Measure flash, RAM and instructions of the firmware; has the same requirements as mcu
	$(RUN) benchmarks/firmware.py --json benchmarks/results/firmware.json
	$(RUN) benchmarks/report.py

.PHONY: mcu-sizes
mcu-sizes: mcu ## Train for firmware of 64 to 512 KiB; needs the reviews too, about 25 minutes
	$(RUN) benchmarks/flash.py --json benchmarks/results/flash.json
	$(RUN) benchmarks/report.py

.PHONY: lint
lint: setup ## Lint and check types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	.venv/bin/clang-format --dry-run --Werror $$(find benchmarks runtime tests -name '*.[ch]')
	$(RUN) -m mypy
	$(RUN) benchmarks/report.py --check
	cmp LICENSE runtime/LICENSE

.PHONY: wheel
wheel: setup ## Build the runtime's wheel into build/wheel
	@rm -rf build/wheel
	$(RUN) -m build --no-isolation --wheel --outdir build/wheel runtime

# ziglang compiles for all of these; test with another by name: make c C_MACHINES=mips.
C_MACHINES := x86_64 aarch64 armv7 mipsel
C_OUT := build/c
C_SOURCES := $(addprefix runtime/c/,main.c detection.c output.c edgetext.c)
TARGET_x86_64 := x86_64-linux-musl
TARGET_aarch64 := aarch64-linux-musl
TARGET_armv7 := arm-linux-musleabihf
TARGET_mips := mips-linux-musleabi
TARGET_mipsel := mipsel-linux-musleabi
TARGET_s390x := s390x-linux-musl
.PHONY: c
c: setup ## Build the command in C for several machines into build/c, and its model into build/c-model
	@$(RUN) -c 'import ziglang' 2>/dev/null || { \
	    echo "skipped $(C_OUT): no ziglang here: $(RUN) -m pip install ziglang"; exit 0; }; \
	$(MAKE) --no-print-directory $(C_MACHINES:%=$(C_OUT)/edgetext-c-%)
	@$(MAKE) --no-print-directory build/c-model/manifest.json

$(C_OUT)/edgetext-c-%: $(C_SOURCES) $(wildcard runtime/c/*.h)
	@mkdir -p $(C_OUT)
	$(RUN) -m ziglang cc -target $(TARGET_$*) -std=c99 -Os -ffp-contract=off -static -s $(C_SOURCES) -o $@

# The shipped model for programs without Python, in both layouts.
build/c-model/manifest.json: $(wildcard train/default/*) runtime/c/edgetext.c runtime/edgetext/formats/etx.py
	$(RUN) export/to_c.py --out build/c-model

# Where `make web` serves the page; `make web PORT=` only builds it.
PORT ?= 8000
.PHONY: web build/web
web: setup ## Build the package and the page for browsers into build/web, and serve the page
	@$(RUN) -c 'import ziglang' 2>/dev/null || { \
	    echo "skipped build/web: no ziglang here: $(RUN) -m pip install ziglang"; exit 0; }; \
	$(MAKE) --no-print-directory build/web

build/web: build/c-model/manifest.json
	$(RUN) runtime/web/build.py build/web --model build/c-model/model.wi8_afp64_small.etx $(PORT:%=--serve %)

NATIVE_MACHINES := x86_64 aarch64 armv7l
.PHONY: native
native: setup ## Build the wheels of the engine native for several machines into build/native
	@$(RUN) -c 'import ziglang' 2>/dev/null || { \
	    echo "skipped build/native: no ziglang here: $(RUN) -m pip install ziglang"; exit 0; }; \
	rm -rf build/native; for machine in $(NATIVE_MACHINES); do \
	    EDGETEXT_MACHINE=$$machine $(RUN) -m build --no-isolation --wheel --outdir build/native runtime/native || exit; \
	done

.PHONY: measure
measure: setup ## Measure the accuracy of the shipped bundle and of three seeds; needs the reviews, about 40 minutes
	rm -rf build/all
	$(RUN) export/to_safetensors.py --out build/all
	$(RUN) export/to_tflite.py --out build/all --recipe all
	$(RUN) export/to_onnx.py --out build/all --recipe all
	$(RUN) export/to_onnx.py --out build/all --input text
	$(RUN) export/to_c.py --out build/all
	$(RUN) export/record_accuracy.py
	$(RUN) benchmarks/accuracy.py --model build/all --json benchmarks/results/accuracy.json
	$(RUN) benchmarks/sweep.py seeds --json benchmarks/results/seeds.json
	$(RUN) benchmarks/sweep.py seeds --preset tutorial --json benchmarks/results/seeds-tutorial.json
	$(RUN) benchmarks/report.py --plots

.PHONY: choose
choose: setup ## Train the preset edge with other settings and sizes; needs the reviews, over two hours
	$(RUN) benchmarks/sweep.py choices --json benchmarks/results/choices.json
	$(RUN) benchmarks/sweep.py curve --json benchmarks/results/curve.json
	$(RUN) benchmarks/report.py --plots

.PHONY: own
own: setup ## Compare with scikit-learn on your own tables: TASKS="--task NAME=FILE[,TESTFILE] ..."; some minutes each
	$(RUN) benchmarks/tables.py $(TASKS) --json benchmarks/results/tables.json
	$(RUN) benchmarks/report.py

# fasttext-wheel trains and fasttext-predict predicts; both are called fasttext, hence two environments. Start-up depends on
# how a Python was built, so the one to measure with can be chosen: MEASURED=/usr/bin/python3.
FASTTEXT := build/fasttext-train/bin/python
PEER := build/peers/bin/python
.PHONY: peers
peers: setup ## Compare accuracy, size and speed with fastText and scikit-learn; needs the reviews, about 30 minutes
	$(RUN) -m venv --clear build/fasttext-train && $(FASTTEXT) -m pip install -qq fasttext-wheel==0.9.2 'numpy<2'
	$(or $(MEASURED),$(RUN)) -m venv --clear build/peers && $(PEER) -m pip install -qq -c $(PINS) \
	    fasttext-predict==0.9.2.4 scikit-learn ai-edge-litert onnxruntime
	$(RUN) benchmarks/peers.py --trainer $(FASTTEXT) --python $(PEER) --json benchmarks/results/peers.json
	$(RUN) benchmarks/report.py --plots

.PHONY: compiled
compiled: c native $(BROWSER)/.ready ## Compare C, native and browsers with builtin and fastText; after `make peers`, 12 minutes
	$(call export_all,train/default,$(INTEROP)/web)
	$(RUN) export/to_c.py --out $(INTEROP)/web
	$(RUN) runtime/web/build.py build/web --model $(INTEROP)/web/model.wi8_afp64_small.etx
	$(RUN) -m ziglang cc -target x86_64-linux-musl -std=c99 -Os -ffp-contract=off -static -s -I runtime/c \
	    benchmarks/measuring/library.c runtime/c/edgetext.c -o build/c/library
	$(PEER) -m pip install -qq --no-index --find-links build/native --upgrade --target build/native/site edgetext-native
	PYTHONPATH=build/native/site $(RUN) benchmarks/compiled.py --python $(PEER) \
	    --fasttext "build/peers-models/lower case.ftz" --json benchmarks/results/compiled.json
	$(RUN) benchmarks/report.py

.PHONY: scale
scale: native $(DATA_ENGINES)/.ready ## Score 5 million texts on Spark, Ray and without; after `make peers`, about an hour, Linux
	rm -rf build/scale
	$(DATA_ENGINES)/bin/python -m pip install -qq --no-deps --find-links build/native --target build/scale edgetext-native \
	    fasttext-predict==0.9.2.4
	PYTHONPATH=$(CURDIR)/build/scale $(RUN) benchmarks/scale.py --python $(DATA_ENGINES)/bin/python \
	    --fasttext "build/peers-models/lower case.ftz" --json benchmarks/results/scale.json
	$(RUN) benchmarks/report.py

.PHONY: picture
picture: setup $(BROWSER)/.ready ## Take the picture of the report that the README shows; needs Chromium and Node.js
	$(RUN) benchmarks/report_card.py --out build/report.html
	$(RUN) -m benchmarks.reporting.photograph build/report.html benchmarks/results/report.png

.PHONY: interop
interop: setup $(PEERS_READY) ## Compare the files of two bundles in other runtimes; needs the reviews, about 10 minutes
	[ -d $(INTEROP)/tutorial-run ] || $(RUN) -m train --preset tutorial --out $(INTEROP)/tutorial-run
	$(call export_all,train/default,$(INTEROP)/edge)
	$(call export_all,$(INTEROP)/tutorial-run,$(INTEROP)/tutorial)
	$(RUN) benchmarks/interop.py --model $(INTEROP)/edge --model $(INTEROP)/tutorial \
	    $(MEDIAPIPE:%=--mediapipe %/bin/python) --node $(NODE) --c $(C)/peer \
	    --json benchmarks/results/interop.json
	$(RUN) benchmarks/report.py

# $(call export_all,RUN,BUNDLE): export the default recipes, and the ONNX file that takes text.
define export_all
	rm -rf $(2)
	$(RUN) export/to_safetensors.py --run $(1) --out $(2)
	$(RUN) export/to_tflite.py --run $(1) --out $(2)
	$(RUN) export/to_onnx.py --run $(1) --out $(2)
	$(RUN) export/to_onnx.py --run $(1) --out $(2) --input text
endef

.PHONY: readme
readme: setup ## Update the generated blocks of the READMEs and guides: measurements and help texts
	$(RUN) benchmarks/report.py

.PHONY: constraints
constraints: ## Update .ci/constraints to the newest releases; uses python3.10, 3.11 and 3.12
	@mkdir -p build/constraints
	@set -e; for version in 3.10 3.11 3.12; do \
	    $(call pin,python$$version,py$$(echo $$version | tr -d .),-e '.[dev]'); \
	done
	@set -e; for version in 3.11; do $(call pin,python$$version,tflite-runtime,tflite-runtime==2.14.0 'numpy<2'); done
	@set -e; for version in 3.11; do $(call pin,python$$version,mediapipe,mediapipe); done
	@set -e; for version in 3.11; do $(call pin,python$$version,mediapipe-0.10.21,mediapipe==0.10.21 'numpy<2'); done
	@set -e; for version in 3.11; do \
	    $(call pin,python$$version,data-engines,pyarrow pandas polars duckdb datasets 'dask[dataframe]' distributed 'ray[data]' pyspark fastapi uvicorn); \
	done
	@command -v npm >/dev/null || { echo "no npm here: .ci/constraints/node and browser stay as they are"; exit 0; }; \
	$(call pin_npm,node,onnxruntime-node@latest) \
	    && $(call pin_npm,browser,$(addsuffix @latest,@mediapipe/tasks-text onnxruntime-web puppeteer-core))

# $(call pin,INTERPRETER,NAME,WHAT): install WHAT into a fresh environment and record the versions; inside a shell loop.
define pin
	name=$(2); pins=.ci/constraints/$$name.txt; fresh=build/constraints/$$name; \
	$(1) -c 'import venv, ensurepip' 2>/dev/null || { echo "no $(1) with venv here: $$pins stays as it is"; continue; }; \
	echo "resolving $$pins (about 1 minute) ..."; \
	$(1) -m venv --clear $$fresh; \
	$$fresh/bin/python -m pip install -qq $(3); \
	$$fresh/bin/python -c 'import platform; print("# Made by `make constraints` with CPython", platform.python_version())' >$$fresh.txt; \
	$$fresh/bin/python -m pip freeze --exclude-editable >>$$fresh.txt; \
	mv $$fresh.txt $$pins
endef

# $(call pin_npm,NAME,WHAT): record the versions of npm's packages; inside a shell line.
define pin_npm
	(cd .ci/constraints/$(1) && npm install --save-exact --package-lock-only --omit-lockfile-registry-resolved \
	    --ignore-scripts --no-audit --no-fund --loglevel=error $(2))
endef

.PHONY: clean
clean: ## Remove everything that the other targets created
	rm -rf build .venv .venv-tflite $(MEDIAPIPE) $(DATA_ENGINES) .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
