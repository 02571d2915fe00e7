# The one build file of k23. On a fresh Debian 12 each of these does everything that it needs first:
#
#   make run         boot QEMU and run the demo
#   make test        all tests, with one sum as the last line
#   make             build all
#   make help        every target and knob
#
# Knobs, on the command line:
#   CC=gcc|clang     compiler for everything; gcc is the default
#   MODE=release|debug|san   (san: the kernel checks all its memory accesses; gcc only)
#   K23_OPTIONS=...  options for the machines of test-run and test-spec: '--smp 4', '--cpu CPU'
#   T=name SMP=n GDB=1   of test-vm: one test, on n harts, waiting for a debugger
#   SPEC=names       of test-spec: these scripts alone
#   V=1              show the commands
# The default configuration is built in build/, any other in build/CC-MODE/; nothing is written
# elsewhere but the key pair that signs payloads, made at the first build in ~/.config/k23 (K23_KEYS).
#
# A source file belongs to a folder, a folder is a layer, a layer is an archive libLAYER.a, and a
# program links its own objects and the archives. So a new file needs no line here, and a new folder
# one. What is built is built in sets, one for each kind of machine it runs on:
#
#   target   rv64imac, picolibc, static PIE: kernel, test payloads
#   bare     the same, small and with no stack protector: what the loader takes
#   host     this machine: the tools            san    the same with ASan and UBSan: unit tests
#   linux    riscv64 Linux, static: emitted code under qemu-riscv64
#   wasm     WASI: the examples

.DELETE_ON_ERROR:
.PHONY: FORCE
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ifeq ($(origin CC),default)
CC := gcc
endif
MODE := release
B := $(if $(filter gcc-release,$(CC)-$(MODE)),build,build/$(CC)-$(MODE))
THIRD := build/third_party
KEYS := $(or $(K23_KEYS),$(HOME)/.config/k23)
JOBS := $(shell nproc)
# Everything goes two or more at a time, unless -j was given.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif

# A recipe says what it makes in one line, $(call say,WHAT), and keeps its commands to itself.
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '%-8s %s\n' '$(1)' '$@')

# --- the toolchains: packages first -------------------------------------------------------------

# Remade and read again before anything else, so that all below may ask the compilers.
ifneq ($(filter-out help clean distclean,$(or $(MAKECMDGOALS),all)),)
-include build/setup.mk
endif
build/setup.mk: packages.txt tools/setup
	@tools/setup $@

PICOLIBC := /usr/lib/picolibc/riscv64-unknown-elf

HOST_CC_gcc := gcc
HOST_CC_clang := clang-19
TARGET_CC_gcc := riscv64-unknown-elf-gcc
TARGET_CC_clang := clang-19 --target=riscv64-unknown-elf
LINUX_CC_gcc := riscv64-linux-gnu-gcc
LINUX_CC_clang := clang-19 --target=riscv64-linux-gnu -fuse-ld=lld-19 -Wno-unused-command-line-argument
ifeq ($(TARGET_CC_$(CC)),)
$(error CC is gcc or clang)
endif

OPT_release := -O2
OPT_debug := -O1 -DK23_DEBUG=1
OPT_san := -O1 -DK23_DEBUG=1 -DK23_SANITIZE=1
ifeq ($(OPT_$(MODE)),)
$(error MODE is release, debug or san)
endif

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Werror
COMMON := -std=gnu17 $(WARNINGS) $(OPT_$(MODE)) -g -I. -I$(B) -MMD -MP \
    -fno-strict-aliasing -fno-common -ffile-prefix-map=$(CURDIR)/=
TARGET := -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -fpie -ftls-model=local-exec \
    -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -isystem $(PICOLIBC)/include
# Where the guard value is found: struct hart, at HART_GUARD of kernel/riscv64/offsets.h. Clang 19 cannot
# be told and takes a global.
PROTECT := -fstack-protector-strong
PROTECT_gcc := -mstack-protector-guard=tls -mstack-protector-guard-reg=tp -mstack-protector-guard-offset=64
SANITIZE := address,undefined
# NULL + 0, which C2y defines and GCC lets pass.
SANITIZE_clang := -fno-sanitize=pointer-overflow
ifeq ($(MODE),debug)
TARGET += -fsanitize=undefined -fsanitize-undefined-trap-on-error $(SANITIZE_$(CC))
endif

# The sanitized kernel (docs/debugging.md): every access is a call to kernel/mm/kasan.c. The allocators
# and the checks themselves do without.
ifeq ($(MODE),san)
ifneq ($(CC),gcc)
$(error MODE=san is for gcc)
endif
CHECKED := -fsanitize=kernel-address,undefined --param asan-instrumentation-with-call-threshold=0 \
    --param asan-globals=1
# (what tests the loader alone has no kernel to report to)
UNCHECKED := $(wildcard test/kernel/boot_*.c) kernel/mm/kasan.c kernel/mm/frame.c kernel/mm/heap.c kernel/ubsan.c
endif
COMPILE_target = $(TARGET_CC_$(CC)) $(COMMON) $(TARGET) $(PROTECT) $(PROTECT_$(CC)) $(CHECKED)
COMPILE_bare = $(TARGET_CC_$(CC)) $(COMMON) $(TARGET) $(SMALL)
COMPILE_host = $(HOST_CC_$(CC)) $(COMMON) -D_GNU_SOURCE
COMPILE_san = $(COMPILE_host) -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
    -fno-sanitize-recover=all $(SANITIZE_$(CC)) -DK23_DEBUG=1
COMPILE_linux = $(LINUX_CC_$(CC)) $(COMMON) -D_GNU_SOURCE

# GNU ld for bare RISC-V cannot make a PIE.
LINK_target = ld.lld-19 --gc-sections --build-id=none -z max-page-size=4096 -z noexecstack
LINK_payload = $(LINK_target) -pie --no-dynamic-linker -z text -z separate-code -z relro \
    --pack-dyn-relocs=relr --entry=0 --undefined=loader_config
LIBC_target = -L$(PICOLIBC)/lib/release/rv64imac/lp64 \
    -L$(dir $(shell riscv64-unknown-elf-gcc -march=rv64imac -mabi=lp64 -print-libgcc-file-name)) -lc -lgcc
LIBC_float = -L$(PICOLIBC)/lib/release/rv64imafdc/lp64d \
    -L$(dir $(shell riscv64-unknown-elf-gcc -march=rv64gc -mabi=lp64d -print-libgcc-file-name)) -lm -lc -lgcc

# --- sources ------------------------------------------------------------------------------------

# $(call sources,DIR...): the C files in and under the folders; assembly only for the target.
sources = $(wildcard $(foreach d,$(1),$(d)/*.c $(d)/*/*.c $(d)/*/*/*.c))
assembly = $(wildcard $(foreach d,$(1),$(d)/*.S $(d)/*/*.S $(d)/*/*/*.S))

# What stands on the kernel is for the target alone, and test/support has files for either side:
# payload*.c runs on the bare machine, the others on Linux.
WASM := module ir opt codegen runtime wasm
LAYERS := base boot kernel drivers fs $(WASM) wasi init support
target_layers := $(LAYERS)
bare_layers := base
host_layers := base fs $(WASM) support
san_layers := $(host_layers) portable
linux_layers := $(host_layers)

SRC_support := $(call sources,test/support)
PAYLOAD_SUPPORT := $(filter test/support/payload%,$(SRC_support))
MAIN := init/main.c

# Files of the loader, the kernel and the shell that need no machine, for unit tests.
PORTABLE := $(wildcard kernel/linetable.c boot/refusal.c boot/machine.c boot/memory.c boot/image.c boot/payload.c \
    boot/layout.c boot/random.c boot/initrd.c kernel/drbg.c kernel/deadline.c \
    $(foreach f,line keys history editor words,init/shell/$(f).c))

# Where a layer's sources are, if not in the folder of its name.
$(foreach l,module ir opt codegen runtime,$(eval dir_$(l) := wasm/$(l)))
src = $(call sources,$(2)) $(if $(filter target,$(1)),$(call assembly,$(2)))
src_wasm = $(wildcard wasm/*.c)
src_init = $(filter-out $(MAIN),$(call sources,init))
src_support = $(if $(filter target,$(1)),$(PAYLOAD_SUPPORT),$(filter-out $(PAYLOAD_SUPPORT),$(SRC_support)))
src_portable = $(PORTABLE)
# $(call layer_sources,SET,LAYER)
layer_sources = $(if $(filter wasm init support portable,$(2)),$(call src_$(2),$(1)),$(call \
    src,$(1),$(or $(dir_$(2)),$(2))))

objects = $(patsubst %,$(B)/$(1)/%.o,$(2))
archives = $(patsubst %,$(B)/$(1)/lib%.a,$(2))

# --- compile, archive ---------------------------------------------------------------------------

define set_rules
$(B)/$(1)/%.c.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(COMPILE_$(1)) -c $$< -o $$@
$(B)/$(1)/%.S.o: %.S
	@mkdir -p $$(@D)
	$$(call say,AS)
	$$(Q)$$(COMPILE_$(1)) -c $$< -o $$@
endef
# The list of its objects is a file, remade when it differs, so that an archive forgets a source that
# is gone.
define archive_rules
$(B)/$(1)/lib$(2).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(call objects,$(1),$(call layer_sources,$(1),$(2)))' | cmp -s - $$@ || \
	    echo '$(call objects,$(1),$(call layer_sources,$(1),$(2)))' >$$@
$(B)/$(1)/lib$(2).a: $(B)/$(1)/lib$(2).list $(call objects,$(1),$(call layer_sources,$(1),$(2)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)ar crs $$@ $$(filter %.o,$$^)
endef
SETS := target bare host san linux
$(foreach s,$(SETS),$(eval $(call set_rules,$(s))))
$(foreach s,$(SETS),$(foreach l,$($(s)_layers),$(eval $(call archive_rules,$(s),$(l)))))

$(call objects,target,$(UNCHECKED)): CHECKED :=
$(call objects,target,$(UNCHECKED)): COMPILE_target += -fno-builtin -fno-tree-loop-distribute-patterns

# --- libsodium, LZ4 and zstd for the target, from Debian's sources --------------------------------

SHA256_libsodium := d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4
SHA256_libzstd := 8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953
SHA256_lz4 := 0b0e3aa07c8c063ddf40b082bdf7e37a1562bda40a0ff5272957f3e987e0e54b

$(THIRD)/%/.unpacked: tools/fetch
	$(Q)tools/fetch $* $(SHA256_$*) $(THIRD)/$*.$(or $(FORM_$*),tar.gz)
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)tar xf $(THIRD)/$*.$(or $(FORM_$*),tar.gz) -C $(@D) --strip-components=1
	$(Q)$(if $(filter libsodium,$*),sed -e 's/@VERSION@/1.0.18/' -e 's/@SODIUM_LIBRARY_VERSION_MAJOR@/10/' \
	    -e 's/@SODIUM_LIBRARY_VERSION_MINOR@/3/' -e 's/@SODIUM_LIBRARY_MINIMAL_DEF@//' \
	    $(SODIUM)/include/sodium/version.h.in >$(SODIUM)/include/sodium/version.h)
	@touch $@

SODIUM := $(THIRD)/libsodium/src/libsodium
SODIUM_SRC := $(addprefix $(SODIUM)/,crypto_sign/ed25519/ref10/open.c crypto_sign/ed25519/ref10/sign.c \
    crypto_core/ed25519/ref10/ed25519_ref10.c crypto_verify/sodium/verify.c sodium/utils.c)
CHACHA_SRC := $(addprefix $(SODIUM)/,crypto_stream/chacha20/stream_chacha20.c \
    crypto_stream/chacha20/ref/chacha20_ref.c crypto_core/hchacha20/core_hchacha20.c)
LZ4_SRC := $(THIRD)/lz4/lib/lz4.c
ZSTD := $(THIRD)/libzstd/lib
ZSTD_SRC := $(addprefix $(ZSTD)/,common/entropy_common.c common/error_private.c common/fse_decompress.c \
    common/zstd_common.c decompress/huf_decompress.c decompress/zstd_ddict.c \
    decompress/zstd_decompress.c decompress/zstd_decompress_block.c)
# Headers of theirs as their users see them, without our warnings.
THIRD_INCLUDE := -isystem $(SODIUM)/include -isystem $(THIRD)/lz4/lib -isystem $(ZSTD)
THIRD_FLAGS := -w -fno-sanitize=all -include string.h -I$(SODIUM)/include -I$(SODIUM)/include/sodium -DCONFIGURED=1 \
    -DDEV_MODE=1 -DSODIUM_STATIC=1 -DHAVE_TI_MODE=1 -DNATIVE_LITTLE_ENDIAN=1 \
    -DLZ4_FREESTANDING=1 -DLZ4_memcpy=memcpy -DLZ4_memmove=memmove -DLZ4_memset=memset
THIRD_OBJ := $(call objects,target,$(SODIUM_SRC) $(LZ4_SRC) $(ZSTD_SRC))

$(ZSTD_SRC): $(THIRD)/libzstd/.unpacked ;
# The smaller of each pair of zstd's ways, and no memory but what it is given.
ZSTD_FLAGS := -DZSTD_STRIP_ERROR_STRINGS=1 -DHUF_FORCE_DECOMPRESS_X1 -DZSTD_LEGACY_SUPPORT=0 \
    -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -DZSTD_NO_INLINE -DZSTD_DISABLE_ASM=1 -DZSTD_TRACE=0 \
    -DDYNAMIC_BMI2=0 -DZSTD_DEPS_MALLOC '-DZSTD_malloc(s)=((void*)0)' '-DZSTD_calloc(n,s)=((void*)0)' \
    '-DZSTD_free(p)=((void)(p))'
$(SODIUM_SRC) $(CHACHA_SRC): $(THIRD)/libsodium/.unpacked ;
$(LZ4_SRC): $(THIRD)/lz4/.unpacked ;
# The loader has 64 KiB for everything.
SMALL := -Oz -msave-restore -fomit-frame-pointer -fno-stack-protector
$(THIRD_OBJ): COMPILE_target += $(THIRD_FLAGS) $(SMALL)
$(call objects,target,$(ZSTD_SRC)): COMPILE_target += $(ZSTD_FLAGS)
$(call objects,target,$(LZ4_SRC)): COMPILE_target += -O2 -mno-save-restore
$(B)/target/libthird.a: $(THIRD_OBJ)
	@rm -f $@
	$(Q)ar crs $@ $^

# The kernel's share of it.
CHACHA_OBJ := $(call objects,target,$(CHACHA_SRC))
$(CHACHA_OBJ): COMPILE_target += $(THIRD_FLAGS)
$(B)/target/libchacha.a: $(CHACHA_OBJ) $(call objects,target,$(SODIUM)/sodium/utils.c)
	@rm -f $@
	$(Q)ar crs $@ $^
$(call objects,target,kernel/drbg.c): COMPILE_target += $(THIRD_INCLUDE)
$(call objects,target,kernel/drbg.c): | $(THIRD)/libsodium/.unpacked

# --- keys and images ----------------------------------------------------------------------------

MKIMAGE := $(B)/host/mkimage

$(KEYS)/debug.key: | $(MKIMAGE)
	@mkdir -p -m 700 $(@D)
	$(call say,KEYGEN)
	$(Q)$(MKIMAGE) keygen $@ $(@:.key=.pub)

# Another pair, which a release loader trusts alone; more of them may lie there.
$(KEYS)/release.key: | $(MKIMAGE)
	@mkdir -p -m 700 $(@D)
	$(call say,KEYGEN)
	$(Q)$(MKIMAGE) keygen $@ $(@:.key=.pub)

# The public halves, which the loader has inside: that for debugging first.
TRUSTED_KEYS = $(KEYS)/debug.pub $(filter-out $(KEYS)/debug.pub,$(sort $(KEYS)/release.pub $(wildcard $(KEYS)/*.pub)))
$(B)/gen/boot_keys.h: $(KEYS)/debug.key $(KEYS)/release.key | $(MKIMAGE)
	@mkdir -p $(@D)
	$(Q){ echo '/* Generated: the public keys whose signatures the loader accepts. */'; \
	  echo '#define BOOT_KEY_BYTES \'; \
	  $(MKIMAGE) pubkey $(TRUSTED_KEYS); } >$@

# Debug information and the assembler's own labels stay behind; functions keep their names.
define pack
$(call say,PACK)
$(Q)riscv64-unknown-elf-objcopy --strip-debug --discard-locals --wildcard \
    --strip-symbol='$$[dx]*' --strip-symbol='.L*' $< $@.elf
$(Q)$(MKIMAGE) pack --key $(KEYS)/debug.key $@.elf $@
@rm -f $@.elf
endef
%.img: %.elf $(KEYS)/debug.key $(MKIMAGE)
	$(pack)

# A self-extracting loader: its own objects and an image between two symbols.
define embed
.section .boot_image, "a"
.balign 16
.globl boot_image, boot_image_end
boot_image: .incbin "$(1)"
boot_image_end:
endef
LOADER_SCRIPT := $(wildcard boot/riscv64/loader.ld)
LOADER_SRC := $(call src,target,boot)
LOADER_DEPS := $(call objects,bare,$(LOADER_SRC)) $(B)/bare/libbase.a $(B)/target/libthird.a
$(call objects,bare,$(filter %.c,$(LOADER_SRC))): COMPILE_bare += $(THIRD_INCLUDE)
$(call objects,bare,$(filter %.c,$(LOADER_SRC))): | $(B)/gen/boot_keys.h $(THIRD)/libsodium/.unpacked \
    $(THIRD)/lz4/.unpacked $(THIRD)/libzstd/.unpacked

# Other loaders: for releases, and with a floor under security versions (for tests).
TRUST_release := -DBOOT_RELEASE=1
TRUST_floor := -DBOOT_SECURITY_FLOOR=5
$(B)/bare/trust-%.o: boot/trust.c boot/image.h $(B)/gen/boot_keys.h
	$(call say,CC)
	$(Q)$(COMPILE_bare) -MF /dev/null $(TRUST_$*) -c $< -o $@
$(call objects,bare,boot/trust.c): $(B)/gen/boot_keys.h

# $(call link_loader,IMAGE,TRUST) makes $@, with trust.c or another object in its place
define link_loader
$(file >$@.image.S,$(call embed,$(1)))
$(call say,LOADER)
$(Q)$(COMPILE_target) -MF /dev/null -c $@.image.S -o $@.image.o
$(Q)$(LINK_target) -pie --no-dynamic-linker -z text -z norelro -O2 --icf=all $(addprefix -T,$(LOADER_SCRIPT)) -o $@ \
    $(filter-out $(if $(2),%/trust.c.o),$(filter %.o,$(LOADER_DEPS))) $(2) $@.image.o \
    --start-group $(filter %.a,$(LOADER_DEPS)) $(LIBC_target) --end-group
@rm -f $@.image.S $@.image.o
endef

# --- programs on the machine --------------------------------------------------------------------

KERNEL_LIBS := $(call archives,target,base kernel drivers fs $(WASM) wasi init) $(B)/target/libchacha.a
PAYLOAD_LIBS := $(call archives,target,base kernel drivers fs $(WASM) wasi init support) $(B)/target/libchacha.a
KERNEL_OBJ := $(call objects,target,$(wildcard $(MAIN)))
WAST_OBJ := $(call objects,target,$(wildcard test/spec/*.c))
PAYLOAD_SRC := $(wildcard test/kernel/*.c)
PAYLOADS := $(PAYLOAD_SRC:test/kernel/%.c=$(B)/payload/%)

# The line table for backtraces (abi/lines.h): a first link, with none, tells where the code comes to lie;
# a second one puts the table behind it. Where that moves the code after all, by a page that the larger
# table of relocations needs, a third one is right. ($(file) writes before any line of the recipe has run.)
LINES := $(B)/host/lines
define embed_lines
.section .data.rel.ro.lines, "aw"
.balign 8
.globl linetable_start, linetable_end
.hidden linetable_start, linetable_end
linetable_start: .incbin "$@.lines"
linetable_end:
endef
define link_payload
$(call say,LINK)
$(shell mkdir -p $(@D))$(file >$@.lines.S,$(embed_lines))
$(Q): >$@.lines
$(Q)for pass in 1 2 3 fail; do \
    [ $$pass != fail ] || { echo '$@: its line table does not settle'; rm -f $@; exit 1; }; \
    $(COMPILE_target) -g0 -MF /dev/null -c $@.lines.S -o $@.lines.o && \
    $(LINK_payload) -o $@ $(filter %.o,$^) $@.lines.o --start-group $(filter %.a,$^) $(LIBC_target) --end-group && \
    $(LINES) $@ $@.lines.new || exit 1; \
    ! cmp -s $@.lines $@.lines.new || break; \
    mv $@.lines.new $@.lines; done
@rm -f $@.lines $@.lines.new $@.lines.S $@.lines.o
endef

$(B)/kernel.elf: $(KERNEL_OBJ) $(KERNEL_LIBS) $(LINES)
	$(link_payload)
$(B)/k23.img: $(B)/kernel.elf $(KEYS)/debug.key $(MKIMAGE)
	$(pack)
$(B)/k23: $(B)/k23.img $(LOADER_DEPS) $(LOADER_SCRIPT)
	$(call link_loader,$<)

# As a boot loader like U-Boot wants it (booti): no ELF, and at home anywhere.
$(B)/Image: $(B)/k23
	$(call say,IMAGE)
	$(Q)riscv64-unknown-elf-objcopy -O binary $< $@

# Without a payload: it boots the image that is given as initrd.
$(B)/loader: $(B)/gen/none.img $(LOADER_DEPS) $(LOADER_SCRIPT)
	$(call link_loader,$<)
$(B)/loader-%: $(B)/gen/none.img $(LOADER_DEPS) $(LOADER_SCRIPT) $(B)/bare/trust-%.o
	$(call link_loader,$<,$(B)/bare/trust-$*.o)
$(B)/gen/none.img:
	@mkdir -p $(@D) && : >$@

# The official suite's runner in the place of init/main.c.
$(B)/wast.elf: $(WAST_OBJ) $(KERNEL_LIBS) $(LINES)
	$(link_payload)
$(B)/wast: $(B)/wast.img $(LOADER_DEPS) $(LOADER_SCRIPT)
	$(call link_loader,$<)

$(B)/payload/%.elf: $(B)/target/test/kernel/%.c.o $(PAYLOAD_LIBS) $(LINES)
	$(link_payload)
$(PAYLOADS): $(B)/payload/%: $(B)/payload/%.img $(LOADER_DEPS) $(LOADER_SCRIPT)
	$(call link_loader,$<)
.SECONDARY:

# Native domains that payloads have inside: test/kernel/domain/NAME.c is NAME_domain[] in gen/domain/NAME.h.
# They run in user mode, where tp is theirs, at whatever address they are put.
# Nothing is checked at run time: what goes wrong ends the domain.
DOMAIN := test/kernel/domain/riscv64
DOMAIN_HEADERS := $(patsubst test/kernel/domain/%.c,$(B)/gen/domain/%.h,$(wildcard test/kernel/domain/*.c)) \
    $(patsubst $(DOMAIN)/%_domain.S,$(B)/gen/domain/%.h,$(wildcard $(DOMAIN)/*_domain.S))
COMPILE_domain = $(TARGET_CC_$(CC)) $(COMMON) $(TARGET) -O2 -fno-sanitize=all -fno-stack-protector -ffreestanding \
    -fno-builtin -fvisibility=hidden
define domain
@mkdir -p $(@D)
$(call say,DOMAIN)
$(Q)$(foreach s,$(filter %.c %.S,$^),$(COMPILE_domain) -MF $@.$(basename $(notdir $s)).d -MT $@ -c $s \
    -o $@.$(basename $(notdir $s)).o &&) \
    ld.lld-19 --gc-sections -T $(DOMAIN)/domain.ld -o $@.elf $(patsubst %,$@.%.o,$(basename $(notdir $(filter %.c \
    %.S,$^)))) $(LIBC_target)
$(Q)riscv64-unknown-elf-objcopy -O binary $@.elf $@.bin
$(Q)(echo 'static const unsigned char $(basename $(@F))_domain[] = {'; \
    od -v -An -tx1 $@.bin | sed -e 's/ \(..\)/0x\1, /g'; echo '};') >$@
endef
$(B)/gen/domain/%.h: test/kernel/domain/%.c $(DOMAIN)/start.S $(DOMAIN)/domain.ld
	$(domain)
$(B)/gen/domain/%.h: $(DOMAIN)/%_domain.S $(DOMAIN)/domain.ld
	$(domain)
$(call objects,target,$(wildcard test/kernel/*.c)): | $(DOMAIN_HEADERS)

# --- programs on this machine -------------------------------------------------------------------

# tools/NAME.c or tools/NAME/*.c is the program NAME.
tool_sources = $(wildcard tools/$(1).c tools/$(1)/*.c)
TOOLS := $(foreach t,mkimage lines wasmc k23,$(if $(call tool_sources,$(t)),$(t)))
LINUX_TOOLS := $(filter wasmc,$(TOOLS))
HOST_LIBS := -lsodium -llz4 -lzstd

# $(call program_rules,SET,PROGRAM,SOURCES,LAYERS,FLAGS)
define program_rules
$(B)/$(1)/$(2): $(call objects,$(1),$(3)) $(call archives,$(1),$(4))
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(Q)$$(COMPILE_$(1)) -MF /dev/null -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) \
	    -Wl,--end-group $(5)
endef
TOOL_LAYERS_mkimage := base
TOOL_LAYERS_lines := base
TOOL_LAYERS_wasmc := base $(WASM) support
TOOL_LAYERS_k23 := base
define tool_rules
$(call program_rules,host,$(1),$(call tool_sources,$(1)),$(TOOL_LAYERS_$(1)),$(HOST_LIBS))
$(call program_rules,san,$(1),$(call tool_sources,$(1)),$(TOOL_LAYERS_$(1)),$(HOST_LIBS))
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rules,$(t))))
$(foreach t,$(LINUX_TOOLS),$(eval $(call program_rules,linux,$(t),$(call tool_sources,$(t)),$(TOOL_LAYERS_$(t)),-static)))

# The official suite's runner as a program of Linux: under qemu-riscv64, the quickest look at emitted code.
SUITE_SRC := $(filter-out test/spec/main.c,$(wildcard test/spec/*.c)) $(wildcard test/spec/linux/*.c)
$(foreach s,linux san,$(eval $(call program_rules,$(s),wast,$(SUITE_SRC),base $(WASM) support,$(if $(filter linux,$(s)),-static))))

# A test is named after its layer, test/unit/LAYER_*_test.c, and links what that layer stands on.
UNIT_TESTS := $(patsubst test/unit/%.c,%,$(wildcard test/unit/*_test.c))
TEST_LAYERS_base := base support
TEST_LAYERS_boot := base portable support
TEST_LAYERS_kernel := base portable support
TEST_LAYERS_shell := base portable support
TEST_LAYERS_fs := base fs support
TEST_LAYERS_module := base module wasm support
TEST_LAYERS_types := $(TEST_LAYERS_module)
TEST_LAYERS_ir := base $(WASM) support
test_layers = $(or $(TEST_LAYERS_$(firstword $(subst _, ,$(1)))),base $(WASM) support)
# The scheduler and quotas on a simulated machine (test/support/machine).
MORE_kernel_sched_test := kernel/sched.c kernel/time.c
MORE_kernel_quota_test := kernel/mm/quota.c
$(foreach t,$(UNIT_TESTS),$(eval $(call program_rules,san,test/$(t),test/unit/$(t).c $(MORE_$(t)),$(call test_layers,$(t)),$(HOST_LIBS))))
$(call objects,san,$(foreach t,sched quota,$(MORE_kernel_$(t)_test) test/unit/kernel_$(t)_test.c)): \
    COMPILE_san += -iquote test/support/machine -UK23_DEBUG
$(call objects,san,$(MORE_kernel_quota_test)): COMPILE_san += -include test/support/meanwhile.h
UNIT_PROGRAMS := $(UNIT_TESTS:%=$(B)/san/test/%)

# Modules that tests have inside: test/wat/NAME.wat is NAME_wasm[] in gen/wat/NAME.h.
WAT_HEADERS := $(patsubst test/wat/%.wat,$(B)/gen/wat/%.h,$(wildcard test/wat/*.wat))
$(B)/gen/wat/%.h: test/wat/%.wat
	@mkdir -p $(@D)
	$(call say,WAT)
	$(Q)wat2wasm --debug-names --enable-extended-const -o $@.wasm $<
	$(Q)(echo 'static const unsigned char $*_wasm[] = {'; \
	    od -v -An -tx1 $@.wasm | sed -e 's/ \(..\)/0x\1, /g'; echo '};') >$@

# Passes on small functions, and the whole compiler on every module there is.
$(eval $(call program_rules,san,irtest,test/ir/irtest.c,base $(WASM) support))

# The same kind of tests, where they run code that was emitted: under qemu-riscv64.
EMIT_TESTS := $(patsubst test/emit/%.c,%,$(wildcard test/emit/*_test.c))
$(foreach t,$(EMIT_TESTS),$(eval $(call program_rules,linux,test/$(t),test/emit/$(t).c,base $(WASM) support,-static)))
EMIT_PROGRAMS := $(EMIT_TESTS:%=$(B)/linux/test/%)
$(call objects,target,$(addprefix test/kernel/,cost_wasm.c inject.c inject_boot.c panic_report.c runs.c stress.c)) \
$(call objects,san,$(wildcard test/unit/runtime*.c)) $(call objects,linux,$(wildcard test/emit/*.c)): | $(WAT_HEADERS)

# --- examples: WebAssembly, and the same C for the bare machine to compare with -----------------

EXAMPLE_SRC := $(wildcard examples/*.c)
EXAMPLES := $(EXAMPLE_SRC:examples/%.c=$(B)/examples/%.wasm)
BENCH_NAMES := nbody sha256 interp mandelbrot
BENCH := $(foreach n,$(BENCH_NAMES),$(if $(wildcard examples/$(n).c),$(B)/bench/$(n)-b $(B)/bench/$(n)-plain))
EXAMPLE_FLAGS := -std=gnu17 -O2 -Wall -Wextra -Werror

$(B)/examples/%.wasm: examples/%.c
	@mkdir -p $(@D)
	$(call say,WASM)
	$(Q)clang-19 --target=wasm32-wasi $(EXAMPLE_FLAGS) -fuse-ld=/usr/bin/wasm-ld-19 $< -o $@ -lm

# Programs that test WASI from inside.
WASI_TESTS := $(patsubst test/wasi/%.c,$(B)/wasi/%.wasm,$(wildcard test/wasi/*.c)) \
    $(patsubst test/wasi/%.wat,$(B)/wasi/%.wasm,$(wildcard test/wasi/*.wat))
$(B)/wasi/%.wasm: test/wasi/%.c test/wasi/check.h
	@mkdir -p $(@D)
	$(call say,WASM)
	$(Q)clang-19 --target=wasm32-wasi $(EXAMPLE_FLAGS) -O1 -I. -fuse-ld=/usr/bin/wasm-ld-19 $< -o $@
$(B)/wasi/%.wasm: test/wasi/%.wat
	@mkdir -p $(@D)
	$(call say,WAT)
	$(Q)wat2wasm $< -o $@

# And one that the test of the shell runs ten of.
SHELL_TEST := $(B)/shell/writer.wasm
$(B)/shell/%.wasm: test/shell/%.c
	@mkdir -p $(@D)
	$(call say,WASM)
	$(Q)clang-19 --target=wasm32-wasi $(EXAMPLE_FLAGS) -fuse-ld=/usr/bin/wasm-ld-19 $< -o $@

# build/bench/NAME-FLAVOUR: the example as a payload, by GCC -O2 with floating point. It shares nothing
# with the kernel but the contract with the loader.
MARCH_b := rv64gc_zba_zbb_zbs
MARCH_plain := rv64gc
BENCH_PARTS := test/bench/native.c test/bench/riscv64/native.S
BENCH_CC = riscv64-unknown-elf-gcc $(EXAMPLE_FLAGS) -mabi=lp64d -mcmodel=medany -fpie -I. \
    -ftls-model=local-exec -ffunction-sections -fdata-sections -isystem $(PICOLIBC)/include
define bench_rules
$(B)/bench/%-$(1).elf: examples/%.c $(BENCH_PARTS)
	@mkdir -p $$(@D)
	$$(call say,BENCH)
	$$(Q)$$(BENCH_CC) -march=$(MARCH_$(1)) -Dmain=bench_main -c $$< -o $$@.1.o
	$$(Q)$$(BENCH_CC) -march=rv64gc -c test/bench/native.c -o $$@.2.o
	$$(Q)$$(BENCH_CC) -march=rv64gc -c test/bench/riscv64/native.S -o $$@.3.o
	$$(Q)$$(LINK_payload) -o $$@ $$@.1.o $$@.2.o $$@.3.o --start-group $$(LIBC_float) --end-group
	@rm -f $$@.?.o
endef
$(foreach f,b plain,$(eval $(call bench_rules,$(f))))
$(BENCH): $(B)/bench/%: $(B)/bench/%.img $(LOADER_DEPS) $(LOADER_SCRIPT)
	$(call link_loader,$<)

# Programs of others, unchanged: a goal of its own, because they take minutes to build.
include demo/demo.mk

# --- goals --------------------------------------------------------------------------------------

.DEFAULT_GOAL := all
.PHONY: all run setup help test test-all demo bench hostile inject stress lint format fuzz clean distclean tools

ALL := $(TOOLS:%=$(B)/host/%) $(if $(KERNEL_OBJ),$(B)/k23 $(B)/loader $(B)/Image) $(if $(WAST_OBJ),$(B)/wast) $(EXAMPLES)
all: $(ALL) ## build the loader with the kernel inside, the tools and the examples
tools: $(TOOLS:%=$(B)/host/%)

run: all ## boot the machine and run the demo
	$(B)/host/k23 run $(B)/examples/hello.wasm k23 'first light'

setup: build/setup.mk ## install the packages that are missing

help: ## this text
	@sed -n '2,16s/^# \{0,1\}//p' Makefile
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# A suite is a command that ends with a line "N passed, N failed, N skipped"; test/run adds them up.
SUITES := unit ir vm matrix boot valid spec run terminal wasi shell size lint
VM_TESTS := $(if $(T),$(T:%=$(B)/payload/%),$(PAYLOADS))
SUITE_unit := test/unit/run $(UNIT_PROGRAMS)
SUITE_ir := test/ir/run $(EMIT_PROGRAMS)
SUITE_vm := test/kernel/run $(VM_TESTS)
SUITE_matrix := test/matrix --quick
SUITE_boot := test/boot/run
SUITE_valid := test/spec/run --validate
SUITE_spec := test/spec/run $(SPEC)
SUITE_run := test/e2e/run
SUITE_terminal := test/e2e/terminal.py
SUITE_wasi := test/wasi/run
SUITE_shell := test/shell/run
SUITE_size := test/size/run $(B)/k23 $(B)/k23.img
SUITE_lint := tools/lint/run
NEEDS_unit := $(UNIT_PROGRAMS)
NEEDS_ir := $(B)/san/irtest $(B)/linux/wast $(EXAMPLES) $(EMIT_PROGRAMS)
NEEDS_vm := $(VM_TESTS) $(ALL) $(B)/loader-release $(B)/loader-floor
NEEDS_matrix := $(PAYLOADS) $(NEEDS_vm)
NEEDS_boot := $(PAYLOADS) $(NEEDS_vm)
NEEDS_valid := $(B)/host/wasmc
NEEDS_spec := $(ALL)
NEEDS_run := $(ALL)
NEEDS_terminal := $(ALL)
NEEDS_wasi := $(ALL) $(WASI_TESTS)
NEEDS_shell := $(ALL) $(SHELL_TEST)
NEEDS_size := $(B)/k23
export B

test: $(foreach s,$(SUITES),$(NEEDS_$(s))) ## all the suites below, summed up in the last line
	@test/run $(foreach s,$(SUITES),'$(s)=$(SUITE_$(s))')
define suite_rules
.PHONY: test-$(1)
test-$(1): $(NEEDS_$(1))
	@$(SUITE_$(1))
endef
$(foreach s,$(filter-out lint,$(SUITES)),$(eval $(call suite_rules,$(s))))
test-unit: ## base, runtime and tools on this machine, under ASan and UBSan
test-ir: ## compiler passes and emitted code, under qemu-riscv64
test-vm: ## loader and kernel: one payload, one machine, one verdict (T=name SMP=n GDB=1)
test-matrix: ## a few payloads on other machines: harts, interrupt controllers, address spaces
test-boot: ## the loader from outside: other machines, other loaders, other payloads
test-valid: ## decoder and validator against the official suite, on this machine
test-spec: ## the official WebAssembly suite, in the machine
test-size: ## the budgets of loader and kernel
test-wasi: ## every function of WASI in the machine, and against node's WASI
test-shell: ## the shell, driven by a script over the serial line and the ports
test-run: ## ./k23 from end to end: examples, exit codes, bad input
test-terminal: ## ./k23 on a terminal: its size, its keys, its state afterwards

test-all: ## the whole matrix of builds and machines: an hour; see test/matrix
	@test/matrix

demo: $(ALL) $(B)/san/irtest $(DEMOS) $(DEMOS_NATIVE) ## SQLite, Lua and compressors from Debian's sources, on k23 and natively
	@test/demo/run $(DEMO_CASES)

bench: $(ALL) $(BENCH) $(foreach n,cost cost_wasm futex ipc_cost smp,$(B)/payload/$(n)) ## instructions retired: the kernel's costs; k23 and native side by side
	@test/bench/kernel
	@test/bench/run
	@test/bench/files

HOSTILE_ATTEMPTS := 10000000
hostile: $(B)/payload/hostile_calls ## a domain that tries everything, HOSTILE_ATTEMPTS times; minutes to an hour
	timeout 7200 qemu-system-riscv64 -machine virt -m 128M -nographic -no-reboot -smp 2 \
	    -append attempts=$(HOSTILE_ATTEMPTS) -kernel $<

inject: $(B)/payload/inject $(B)/payload/inject_boot ## every allocation fails in turn, those of the machine's start too; minutes
	test/kernel/run $<
	INJECT=all test/kernel/inject_boot.py $(B)/payload/inject_boot

# On each number of harts a quarter of the time, ends included.
STRESS_SECONDS := 600
stress: $(B)/payload/stress ## programs killed, starved and robbed on 1, 2, 4, 8 harts: STRESS_SECONDS in all, SEED=n
	@for harts in 1 2 4 8; do echo "# harts: $$harts"; \
	    timeout $$(($(STRESS_SECONDS) + 300)) qemu-system-riscv64 -machine virt -m 128M -nographic -no-reboot \
	        -smp $$harts -append "log=warn,wasm=off seconds=$$(($(STRESS_SECONDS) / 4 - 4)) $(SEED:%=seed=%)" \
	        -kernel $< </dev/null || exit 1; done

lint: ## formatting, layers, header cycles, names
	@tools/lint/run
format: ## bring all C files into the form that lint asks for
	clang-format-19 -i $(shell git ls-files -co --exclude-standard '*.c' '*.h')

# A fuzzer is test/fuzz/LAYER_*_fuzz.c, compiled together with the sources that LAYER's tests link. Its
# corpus stays in build/corpus/.
FUZZERS := $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/*_fuzz.c))
FUZZ_SECONDS := 60
# They link sources, not archives: what names one layer of wasm/ needs them all.
fuzz_layers = $(if $(filter wasm,$(call test_layers,$(1))),base $(WASM) support,$(call test_layers,$(1)))
define fuzz_rules
$(B)/fuzz/$(1): test/fuzz/$(1).c $(if $(filter runtime_%,$(1)),test/spec/spectest.c) $(filter-out $(if $(filter runtime,$(call fuzz_layers,$(1))),,test/support/runtime.c),\
    $(foreach l,$(call fuzz_layers,$(1)),$(call layer_sources,san,$(l))))
	@mkdir -p $$(@D)
	$$(call say,FUZZER)
	$$(Q)clang-19 $$(filter-out -MMD -MP,$$(COMMON)) -D_GNU_SOURCE -O1 -fsanitize=fuzzer,$$(SANITIZE) \
	    -fno-sanitize-recover=all $$(SANITIZE_clang) $$(filter %.c,$$^) -o $$@ $$(HOST_LIBS)
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rules,$(f))))
fuzz: $(FUZZERS:%=$(B)/fuzz/%) ## FUZZ_SECONDS for each reader of bytes from outside
	@for f in $^; do mkdir -p build/corpus/$${f##*/}; \
	    $$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 build/corpus/$${f##*/} \
	        $$(ls -d test/fuzz/corpus/$${f##*/} 2>/dev/null) || exit 1; done

clean: ## remove what was built, but not what was fetched
	find build -mindepth 1 -maxdepth 1 ! -name third_party -exec rm -rf {} + 2>/dev/null || true
distclean: ## remove all of build/
	rm -rf build

-include $(shell find $(B) -name '*.d' -not -path '*/third_party/apt/*' 2>/dev/null)
