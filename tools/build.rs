//! Links the `gene` command at a fixed address on Linux: the tables of builtins hold some 14,000 pointers, and the loader would
//! have to adjust each of them at every start (about a fifth of the time of an empty script). Stack, heap and libraries stay
//! where the system's randomisation puts them.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(key).unwrap_or_default();
    if target("CARGO_CFG_TARGET_OS") == "linux" && target("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
