//! Rebuilds the crate when a migration is added. Without this the macro that embeds the migrations sees only the files
//! of the last build.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations/oracle");
}
