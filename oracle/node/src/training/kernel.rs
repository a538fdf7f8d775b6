//! The class of arithmetic that a node computes with.

use crate::plans::KERNEL;

/// The kernel's name, with the kind of processor and the vector instructions that it has. A manifest records it.
/// Results of one class are usually equal bit for bit. Those of two classes agree within the band.
pub fn class() -> String {
    format!("{KERNEL}, {}{}", std::env::consts::ARCH, instructions())
}

#[cfg(target_arch = "x86_64")]
fn instructions() -> String {
    let known = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
    ];
    known.into_iter().filter(|(_, has)| *has).map(|(name, _)| format!(" {name}")).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_names_the_build_and_the_processor() {
        let class = class();
        assert!(class.starts_with(KERNEL) && class.contains(std::env::consts::ARCH));
        assert_eq!(class, super::class(), "it is the same at every call");
    }
}
