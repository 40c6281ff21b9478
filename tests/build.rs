//! Writes the conformance tests: one pipeline for each program of a case, and two tests for each case.

#[path = "conformance/generator/mod.rs"]
mod generator;

use std::{env, fs, path::Path};

fn main() {
    let cases = Path::new("conformance/cases");
    println!("cargo::rerun-if-changed={}", cases.display());
    let out = env::var_os("OUT_DIR").expect("cargo sets it for build scripts");
    let text = generator::generate(&generator::read(cases));
    fs::write(Path::new(&out).join("conformance.rs"), text).expect("OUT_DIR is writable");
}
