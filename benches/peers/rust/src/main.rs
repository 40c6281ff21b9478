//! `rust-peers OUT.jsonl [--quick] [--only LABEL]`: engines in Rust on the input of `benches`. Checksums are of the same
//! rules as there, so equal work shows as equal checksums.

mod circuit;
#[path = "../../../src/data.rs"]
mod data;
mod measure;
mod nexmark;
mod windowed;
mod words;

use std::path::PathBuf;

use measure::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::io::Result<()> {
    let (mut out, mut quick, mut only) = (None, false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--only" => only = arguments.next(),
            _ => out = Some(PathBuf::from(argument)),
        }
    }
    let Some(out) = out else {
        eprintln!("rust-peers OUT.jsonl [--quick] [--only words|windows|joins|q0|q1|...]");
        std::process::exit(2);
    };
    let mut report = Report::new(&out, quick, only)?;
    if report.wants("words") {
        words::run(&mut report)?;
    }
    windowed::run(&mut report)?;
    nexmark::run(&mut report)
}
