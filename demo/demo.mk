# Programs of others, from Debian's source packages, unchanged: each compiled to WASI for k23 and for this
# machine to compare with. Included by the Makefile; what the goal `demo` builds and test/demo/run runs.
#
# A program has its files (DEMO_SRC), the package they are in (DEMO_FROM, its own name by default), flags of
# both builds (DEMO_FLAGS) and of the one for WASI (DEMO_WASI). What WASI's C library lacks is in demo/posix.h.

DEMO_NAMES := sqlite3 lua bzip2 minigzip lz4
DEMOS := $(DEMO_NAMES:%=build/demo/%.wasm)
DEMOS_NATIVE := $(DEMO_NAMES:%=build/demo/native/%)

SHA256_sqlite3 := aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655
SHA256_lua5.4 := 164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61
SHA256_bzip2 := ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269
SHA256_zlib := 71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1
FORM_sqlite3 := tar.xz
FORM_zlib := tar.bz2

# One thread, no modules to load and no files in memory: what WASI has not.
DEMO_SRC_sqlite3 := amalgamation/sqlite3.c amalgamation/shell.c
DEMO_FLAGS_sqlite3 := -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_MAX_MMAP_SIZE=0

DEMO_FROM_lua := lua5.4
DEMO_SRC_lua := $(patsubst %,src/%.c,lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump \
    lfunc lgc linit liolib llex lmathlib lmem loadlib lobject lopcodes loslib lparser lstate lstring \
    lstrlib ltable ltablib ltm lua lundump lutf8lib lvm lzio)
DEMO_WASI_lua := -include demo/lua.h

DEMO_SRC_bzip2 := blocksort.c bzip2.c bzlib.c compress.c crctable.c decompress.c huffman.c randtable.c

DEMO_FROM_minigzip := zlib
DEMO_SRC_minigzip := test/minigzip.c adler32.c compress.c crc32.c deflate.c gzclose.c gzlib.c gzread.c \
    gzwrite.c infback.c inffast.c inflate.c inftrees.c trees.c uncompr.c zutil.c
DEMO_FLAGS_minigzip := -I$(THIRD)/zlib -DHAVE_UNISTD_H

DEMO_SRC_lz4 := $(patsubst %,lib/%.c,lz4 lz4file lz4frame lz4hc xxhash) \
    $(patsubst %,programs/%.c,bench datagen lz4cli lz4io)
DEMO_FLAGS_lz4 := -I$(THIRD)/lz4/lib

DEMO_CC_wasm = clang-19 --target=wasm32-wasi -O2 -w -fuse-ld=/usr/bin/wasm-ld-19 -isystem demo/include \
    -include demo/posix.h $(foreach e,SIGNAL GETPID MMAN PROCESS_CLOCKS,-D_WASI_EMULATED_$(e))
DEMO_LIBS_wasm := $(foreach e,signal getpid mman process-clocks,-lwasi-emulated-$(e)) -lm
DEMO_CC_native = gcc -O2 -w
DEMO_LIBS_native := -lm

define demo_rules
$(filter-out $(LZ4_SRC),$(DEMO_SOURCES)): $(THIRD)/$(DEMO_PACKAGE)/.unpacked ;
build/demo/$(1).wasm: $(DEMO_SOURCES) $(wildcard demo/*.h demo/include/*.h)
	@mkdir -p $$(@D)
	$$(call say,WASM)
	$$(Q)$$(DEMO_CC_wasm) -D_GNU_SOURCE $(DEMO_FLAGS_$(1)) $(DEMO_WASI_$(1)) $(DEMO_SOURCES) -o $$@ $(DEMO_LIBS_wasm)
build/demo/native/$(1): $(DEMO_SOURCES)
	@mkdir -p $$(@D)
	$$(call say,NATIVE)
	$$(Q)$$(DEMO_CC_native) -D_GNU_SOURCE $(DEMO_FLAGS_$(1)) $(DEMO_SOURCES) -o $$@ $(DEMO_LIBS_native)
endef
DEMO_PACKAGE = $(or $(DEMO_FROM_$(1)),$(1))
DEMO_SOURCES = $(addprefix $(THIRD)/$(DEMO_PACKAGE)/,$(DEMO_SRC_$(1)))
$(foreach d,$(filter-out sqlite3,$(DEMO_NAMES)),$(eval $(call demo_rules,$(d))))
$(eval $(subst /.unpacked,/.amalgamated,$(call demo_rules,sqlite3)))

# SQLite's one file is made of its sources by its own makefile.
$(THIRD)/sqlite3/.amalgamated: $(THIRD)/sqlite3/.unpacked
	@mkdir -p $(@D)/amalgamation
	$(call say,SQLITE)
	$(Q)$(MAKE) -s -C $(@D)/amalgamation -f ../main.mk TOP=.. BCC=gcc NAWK=awk TCLSH_CMD=tclsh \
	    sqlite3.c shell.c >$(@D)/amalgamation.log 2>&1
	@touch $@
