//! The class of arithmetic that a node computes with.

use crate::plans::KERNEL;

/// The kernel's name, with the kind of processor and the instructions that its matrix products take. A manifest records
/// it. Results of one class are usually equal bit for bit. Those of two classes agree within the band.
pub fn class() -> String {
    format!("{KERNEL}, {} {}", std::env::consts::ARCH, instructions())
}

/// The instructions that `gemm` chooses on this processor, in this build.
#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    match (std::is_x86_feature_detected!("avx512f"), std::is_x86_feature_detected!("fma")) {
        (true, _) if cfg!(feature = "x86-v4") => "avx512f",
        (_, true) => "fma",
        (_, false) => "sse2",
    }
}

/// The instructions that `gemm` chooses.
#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    if cfg!(target_arch = "aarch64") { "neon" } else { "scalar" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_names_the_build_and_the_processor() {
        let class = class();
        assert!(class.starts_with(KERNEL) && class.contains(std::env::consts::ARCH));
        #[cfg(all(target_arch = "x86_64", not(feature = "x86-v4")))]
        assert!(class.ends_with(" fma") || class.ends_with(" sse2"), "{class}");
    }
}
