#!/usr/bin/env bash
# Builds a Solana SBPF toolchain from Debian packages and Rust crates; nothing is installed system-wide.
#   rustc with its std source           Debian bookworm-security: rustc-web, rust-web-src, libstd-rust-web-*
#   libLLVM 23 with a libc of its own   Debian sid: libllvm23 and what it needs
#   sbpf-linker                         a Rust crate, linked against that libLLVM
#
# usage: install.sh SCRIPTS BUILD FINAL
#   SCRIPTS  folder of this script and the files beside it
#   BUILD    folder to build in; one left by an interrupted run is gone on with, stage by stage
#   FINAL    where the caller will rename BUILD to; only the target description names it
set -Eeuo pipefail
scripts=$1 build=$2 final=$3
linker_version=0.2.6
builtins_version=0.3.0
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
libs=lib/x86_64-linux-gnu
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER
trap 'echo "line $LINENO failed: $BASH_COMMAND" >&2' ERR

mkdir -p "$build"/{done,bin,rt}
cd "$build"

stage() { # stage FUNCTION TEXT: runs FUNCTION unless an earlier run finished it
    [ -e "done/$1" ] && return
    echo "$2"
    "$1"
    touch "done/$1"
}

# --- A private apt for the two suites: the system's lists and packages are left alone.

mirror_of() { # mirror_of debian|debian-security: the mirror that this machine's own apt uses, or nothing
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } | grep -v '^#' |
        grep -oE "https?://[^ ]+/$1/?( |\$)" | sed -n '1s#/* *$##p' || true
}

# A mirror that lags behind is as good: what it serves is signed all the same, and the versions are our own choice.
configure_apt() { # configure_apt NAME SOURCE_LINE...
    local name=$1
    shift
    mkdir -p "apt/$name/lists/partial" apt/cache/archives/partial
    touch apt/status
    printf '%s\n' "$@" >"apt/$name.list"
    cat >"apt/$name.conf" <<CONF
Dir::Etc::SourceList "$build/apt/$name.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "$build/apt/$name";
Dir::State::Status "$build/apt/status";
Dir::Cache "$build/apt/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
CONF
    APT_CONFIG="$build/apt/$name.conf" apt-get -qq update
}

unpack() { # unpack NAME FOLDER PACKAGE...: downloads the packages of configuration NAME into FOLDER
    local name=$1 folder=$2
    shift 2
    rm -rf "$folder" "debs/$name"
    mkdir -p "$folder" "debs/$name"
    (cd "debs/$name" && APT_CONFIG="$build/apt/$name.conf" apt-get -qq download "$@")
    local deb
    for deb in "debs/$name"/*.deb; do dpkg-deb -x "$deb" "$folder"; done
}

get_rust() {
    local mirror security version short
    mirror=$(mirror_of debian)
    : "${mirror:?no Debian mirror in the apt sources: install the Solana tools (cargo build-sbf) instead}"
    security=$(mirror_of debian-security)
    configure_apt rust "deb [signed-by=$keyring] $mirror bookworm main" \
        "deb [signed-by=$keyring] ${security:-$mirror-security} bookworm-security main"
    version=$(APT_CONFIG="$build/apt/rust.conf" apt-cache policy rustc-web | awk '/Candidate/ {print $2}')
    short=$(echo "$version" | cut -d. -f1,2)
    unpack rust rust "rustc-web=$version" "libstd-rust-web-$short=$version" "libstd-rust-web-dev=$version" \
        "rust-web-src=$version" libllvm22
    # Of the compiler's source only the standard library is needed, and none of the documentation.
    find rust/usr/src/rustc-* -mindepth 1 -maxdepth 1 ! -name library -exec rm -rf {} +
    rm -rf rust/usr/share
}

get_llvm() {
    configure_apt llvm "deb [signed-by=$keyring] $(mirror_of debian) sid main"
    unpack llvm llvm23 libllvm23 libc6 libstdc++6 libgcc-s1 libedit2 libffi8 libxml2-16 libz3-4 libzstd1 zlib1g \
        libtinfo6 libbsd0 libmd0
    rm -rf llvm23/usr/share
}

patch_std() {
    python3 "$scripts/patch_std.py" "$(echo rust/usr/src/rustc-*/library)"
}

# Both wrappers find their files beside themselves, so that the folder can be renamed.
write_wrappers() {
    cat >bin/rustc <<'SH'
#!/bin/sh
home=$(cd "$(dirname "$0")/.." && pwd)
LD_LIBRARY_PATH=$home/rust/usr/lib/x86_64-linux-gnu exec "$home/rust/usr/bin/rustc" "$@"
SH
    cat >bin/sbf-ld <<'SH'
#!/bin/sh
# A dependency that declares a cdylib of its own is never loaded by a chain: it gets an empty file.
if [ -n "$CARGO_PKG_NAME" ] && [ -z "$CARGO_PRIMARY_PACKAGE" ]; then
    previous=
    for argument in "$@"; do
        [ "$previous" = -o ] && : >"$argument"
        previous=$argument
    done
    exit 0
fi
home=$(cd "$(dirname "$0")/.." && pwd)
# The linker needs the newer libc that its libLLVM came with.
exec "$home/llvm23/usr/lib64/ld-linux-x86-64.so.2" --library-path "$home/llvm23/usr/lib/x86_64-linux-gnu" \
    "$home/sbpf-linker/bin/sbpf-linker" "$@" "$home"/rt/*.ll
SH
    chmod +x bin/rustc bin/sbf-ld
    bin/rustc --version
}

build_linker() {
    mkdir -p llvm-prefix/lib
    ln -sfn "$(ls "$build"/llvm23/usr/$libs/libLLVM.so.23.* | head -1)" llvm-prefix/lib/libLLVM.so
    # The newer libc's symbols in libLLVM are found when the wrapper runs it, not when it is linked here.
    LLVM_PREFIX="$build/llvm-prefix" \
        CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C link-arg=-Wl,--allow-shlib-undefined" \
        CARGO_TARGET_DIR="$build/linker-target" \
        cargo install --quiet --locked --force sbpf-linker --version "$linker_version" --no-default-features \
        --features bpf-linker/llvm-23 --target x86_64-unknown-linux-gnu --root "$build/sbpf-linker"
    rm -rf linker-target llvm-prefix
    CARGO_PKG_NAME= bin/sbf-ld --version | tail -1
}

emit_ir() { # emit_ir CRATE_FOLDER OUTPUT CARGO_ARGUMENT...
    local crate=$1 output=$2
    shift 2
    rm -rf rt-target
    (cd "$crate" && RUSTC="$build/bin/rustc" RUSTC_BOOTSTRAP=1 RUSTC_BOOTSTRAP_SYNTHETIC_TARGET=1 \
        CARGO_TARGET_DIR="$build/rt-target" cargo rustc --quiet --release --lib -Zjson-target-spec \
        -Zbuild-std=core --target "$build/rt-src/sbpf-solana.json" "$@" -- --emit=llvm-ir -C codegen-units=1)
    cp "$(ls -t rt-target/sbpf-solana/release/deps/*.ll | head -1)" "rt/$output"
}

# What is linked into every program: 128-bit arithmetic, and the memory and f64 builtins of solana-compiler-builtins.
build_runtime() {
    rm -rf rt-src
    mkdir -p rt-src/division/src rt-src/vendored/src
    sed 's#@LD@#/bin/true#' "$scripts/sbpf-solana.json.in" >rt-src/sbpf-solana.json
    cp "$scripts/rt/division.rs" rt-src/division/src/lib.rs
    cp "$scripts/rt/Cargo.toml.in" rt-src/division/Cargo.toml
    : >rt-src/vendored/src/lib.rs
    cat >rt-src/vendored/Cargo.toml <<TOML
[package]
name = "vendored"
version = "0.0.0"
edition = "2021"
[dependencies]
solana-compiler-builtins = "=$builtins_version"
[workspace]
TOML
    (cd rt-src/vendored && cargo vendor --quiet ../vendor >/dev/null)
    cp -r rt-src/vendor/solana-compiler-builtins rt-src/builtins
    printf '\n[workspace]\n' >>rt-src/builtins/Cargo.toml
    cp "$scripts/rt/i128.ll" rt/
    emit_ir rt-src/division division.ll
    emit_ir rt-src/builtins builtins.ll --features weak-linkage
    rm -rf rt-target rt-src
}

stage get_rust "1/6 getting the compiler and its standard library's source"
stage get_llvm "2/6 getting LLVM"
stage patch_std "3/6 patching the standard library for the chain"
stage write_wrappers "4/6 writing the wrappers"
stage build_linker "5/6 building the linker (three to five minutes)"
stage build_runtime "6/6 building the run-time support"
sed "s#@LD@#$final/bin/sbf-ld#" "$scripts/sbpf-solana.json.in" >sbpf-solana.json
rm -rf debs apt done
