# SPDX-License-Identifier: MIT
#
# The front door: every target calls the part that does the work.

.DEFAULT_GOAL := all
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

BUILD ?= build
KERNEL ?= small
PREFIX ?= /usr/local
override BUILD := $(abspath $(BUILD))

# For the scripts. CMD reaches the VM as it was written: make would otherwise
# take its $ for variables.
export BUILD KERNEL KDIR SHARE QEMU_ARGS DEVICE_ARGS MODULE_ARGS
export VM_TIMEOUT VM_RUNDIR VM_LOG VM_DEVICE VM_KVM VM_IMAGE VM_MODULES
vm: export VM_CMD = $(value CMD)

help: ## This list
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16
	@echo 'Variables:'
	@echo '  BUILD=DIR     where everything is built (build)'
	@echo '  KERNEL=NAME   kernel of the VM: small, or debug with every checker (small)'
	@echo '  KDIR=DIR      kernel build tree or headers package for kmod, instead of KERNEL'
	@echo '  CMD=COMMAND   vm: run it and give back its output; without: a shell. make itself says 2'
	@echo '                for any failure; tests/vm/vm.sh COMMAND has the status of the command'
	@echo '  SHARE=DIR     vm: mounted at /mnt, writable'
	@echo '  DEVICE_ARGS=, QEMU_ARGS=, VM_TIMEOUT=, ...   vm: see tests/vm/vm.sh --help'
	@echo '  MODEL=, IMAGE=, LABELS=   run: a model, a picture and the names of its classes'
	@echo '  CTEST_ARGS=   test: for example "-L unit" or "-R conv"'
	@echo '  PREFIX=DIR, DESTDIR=DIR   install: where to (/usr/local)'
	@echo '  NO_DEPS=1     never install packages'

# The kernel comes first: the selftests are built with headers of its source.
all: deps kernel host qemu kmod ## Build the library, the commands, QEMU with the device, the kernel and the module

deps: ## Install the Debian packages that are missing
	@$(if $(NO_DEPS),,scripts/deps.sh)

kernel: deps ## Build the kernel KERNEL of the VM
	@tests/vm/kernel.sh $(KERNEL)

host: deps ## Build the library, the qaccel command and the device model
	@scripts/host.sh

qemu: host ## Build QEMU with the device
	@tests/vm/qemu.sh

kmod: ## Build the kernel module for KERNEL or KDIR
	@scripts/kmod.sh

run: all ## Run a network on the device in the VM and on the CPU, and compare
	@MODEL='$(MODEL)' IMAGE='$(IMAGE)' LABELS='$(LABELS)' scripts/run.sh

test: all ## Build and run all tests
	@$(if $(NO_DEPS),,scripts/deps.sh --arm64)
	@KDIR= KERNEL=small scripts/kmod.sh
	@KDIR= KERNEL=debug scripts/kmod.sh
	@ctest --test-dir $(BUILD) --output-on-failure $(CTEST_ARGS)

bench: all ## Measure
	@bench/run.sh

# Only the output of CMD goes to stdout.
vm: ## Boot the test VM: a shell, or CMD=
	@$(MAKE) -s all >&2
	@$(if $(value CMD),tests/vm/vm.sh "$$VM_CMD",tests/vm/vm.sh)

install: host ## Install the library and the qaccel command
	@DESTDIR='$(DESTDIR)' cmake --install $(BUILD) --prefix $(PREFIX)

install-kmod: ## Install the module for the running kernel, or KDIR
	@KDIR='$(or $(KDIR),/lib/modules/$(shell uname -r)/build)' scripts/kmod.sh install

clean: ## Remove what was built here; the kernels and the QEMU tree stay in the cache
	@rm -rf $(BUILD)

clean-cache: ## Remove the cached kernels and QEMU trees
	@rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/qaccel"

.PHONY: help all deps kernel host qemu kmod run test bench vm install install-kmod clean clean-cache
