#!/usr/bin/env python3
"""Patches a copy of the Rust standard library's source for target_os = "solana" (upstream LLVM's bpf target).

usage: patch_std.py LIBRARY

A second run changes nothing. A source that is not as expected stops with the name of the file and changes no more.
"""
import pathlib
import sys

LIBRARY = pathlib.Path(sys.argv[1])
MARK = "/* for target_os solana */"


def replace(path, old, new):
    """Replaces the first `old` in a file by `new`, once and for all."""
    file = LIBRARY / path
    text = file.read_text()
    if new in text:
        return
    if old not in text:
        sys.exit(f"{file}: expected text not found, this Rust version needs another patch: {old[:70]!r}")
    file.write_text(text.replace(old, new, 1))


# A panic hands its message to the program's custom_panic and aborts: no hooks, no counters, no statics.
replace(
    "std/src/panicking.rs",
    """#[panic_handler]
pub fn panic_handler(info: &core::panic::PanicInfo<'_>) -> ! {
""",
    f"""#[panic_handler]
pub fn panic_handler(info: &core::panic::PanicInfo<'_>) -> ! {{
    {MARK}
    #[cfg(target_os = "solana")]
    {{
        unsafe extern "C" {{
            fn custom_panic(info: &core::panic::PanicInfo<'_>);
            fn abort() -> !;
        }}
        unsafe {{
            custom_panic(info);
            abort()
        }}
    }}
    #[cfg(not(target_os = "solana"))]
    panic_handler_std(info)
}}
#[cfg(not(target_os = "solana"))]
fn panic_handler_std(info: &core::panic::PanicInfo<'_>) -> ! {{
""",
)

# panic!("literal") of the 2018 edition: straight to core's panic.
replace(
    "std/src/panicking.rs",
    """pub const fn begin_panic<M: Any + Send>(msg: M) -> ! {
    if cfg!(panic = "immediate-abort") {
""",
    f"""pub const fn begin_panic<M: Any + Send>(msg: M) -> ! {{
    {MARK}
    #[cfg(target_os = "solana")]
    {{
        let any: &dyn Any = &msg;
        if let Some(s) = any.downcast_ref::<&'static str>() {{
            core::panicking::panic_display(s)
        }}
        core::panicking::panic("explicit panic");
    }}
    #[cfg(not(target_os = "solana"))]
    begin_panic_std(msg)
}}
#[cfg(not(target_os = "solana"))]
#[track_caller]
#[rustc_do_not_const_check]
const fn begin_panic_std<M: Any + Send>(msg: M) -> ! {{
    if cfg!(panic = "immediate-abort") {{
""",
)

# No memory: a plain panic, without the hook's static.
replace(
    "std/src/alloc.rs",
    """pub fn rust_oom(layout: Layout) -> ! {
""",
    f"""pub fn rust_oom(layout: Layout) -> ! {{
    {MARK}
    #[cfg(target_os = "solana")]
    {{
        let _ = layout;
        panic!("Error: memory allocation failed, out of memory");
    }}
    #[cfg(not(target_os = "solana"))]
""",
)

# The syscall abort() instead of a trap.
replace(
    "std/src/sys/pal/unsupported/common.rs",
    """pub fn abort_internal() -> ! {
""",
    f"""pub fn abort_internal() -> ! {{
    {MARK}
    #[cfg(target_os = "solana")]
    {{
        unsafe extern "C" {{
            fn abort() -> !;
        }}
        unsafe {{ abort() }}
    }}
    #[cfg(not(target_os = "solana"))]
""",
)

# There is no randomness.
replace(
    "std/src/sys/random/mod.rs",
    """    any(
        all(target_family = "wasm", target_os = "unknown"),
        target_os = "xous",""",
    """    any(
        all(target_family = "wasm", target_os = "unknown"),
        target_os = "solana",
        target_os = "xous",""",
)
replace(
    "std/src/sys/random/mod.rs",
    """    all(target_os = "wasi", not(target_env = "p1")),
    target_os = "xous",
    target_os = "vexos",
)))]""",
    """    all(target_os = "wasi", not(target_env = "p1")),
    target_os = "solana",
    target_os = "xous",
    target_os = "vexos",
)))]""",
)

# So hash maps have fixed keys, without the thread-local static.
replace(
    "std/src/hash/random.rs",
    "use crate::sys::random::hashmap_random_keys;",
    '#[cfg(not(target_os = "solana"))]\nuse crate::sys::random::hashmap_random_keys;',
)
KEYS = """        thread_local!(static KEYS: Cell<(u64, u64)> = {
            Cell::new(hashmap_random_keys())
        });

        KEYS.with(|keys| {
            let (k0, k1) = keys.get();
            keys.set((k0.wrapping_add(1), k1));
            RandomState { k0, k1 }
        })
"""
replace(
    "std/src/hash/random.rs",
    KEYS,
    f"""        {MARK}
        #[cfg(target_os = "solana")]
        return RandomState {{ k0: 0x736f_6c61_6e61_2d30, k1: 0x736f_6c61_6e61_2d31 }};
        #[cfg(not(target_os = "solana"))]
        {{
{KEYS}        }}
""",
)

# Programs bring a #[global_allocator] of their own; the system's always fails.
replace(
    "std/src/sys/alloc/mod.rs",
    """    target_os = "zkvm" => {
        mod zkvm;
    }
}""",
    f"""    target_os = "zkvm" => {{
        mod zkvm;
    }}
    {MARK}
    target_os = "solana" => {{
        mod solana;
    }}
}}""",
)
replace(
    "std/src/sys/alloc/mod.rs",
    '    target_arch = "xtensa",\n)) {\n    8',
    '    target_arch = "xtensa",\n    target_arch = "bpf",\n)) {\n    8',
)
(LIBRARY / "std/src/sys/alloc/solana.rs").write_text(
    """use crate::alloc::{GlobalAlloc, Layout, System};
#[stable(feature = "alloc_system_type", since = "1.28.0")]
unsafe impl GlobalAlloc for System {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        crate::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
"""
)

# Thread-locals of a single thread, and generic I/O errors, as on the other targets without an operating system.
replace(
    "std/src/sys/thread_local/mod.rs",
    '        target_os = "zkvm",\n        target_os = "trusty",',
    '        target_os = "solana",\n        target_os = "zkvm",\n        target_os = "trusty",',
)
replace(
    "std/src/sys/thread_local/mod.rs",
    '            target_os = "zkvm",\n            target_os = "trusty",',
    '            target_os = "solana",\n            target_os = "zkvm",\n            target_os = "trusty",',
)
replace(
    "std/src/sys/io/error/mod.rs",
    '        target_os = "zkvm",',
    '        target_os = "solana",\n        target_os = "zkvm",',
)
print("patched", LIBRARY)
