//! What the figures were made on, and with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The processor, its cores, memory, and kernel.
pub fn describe() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (cpus, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model =
        cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let kilobytes: f64 = total.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
    let model = model.trim_start_matches([' ', '\t', ':']);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{model}, {cores} cores, {:.1} GB of memory, Linux {}", kilobytes / 1e6, kernel.trim())
}

fn said(program: &str, arguments: &[&str], place: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(place).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => format!("{program}: not known"),
    }
}

pub fn version(program: &str) -> String {
    said(program, &["--version"], Path::new("."))
}

/// The commit that is checked out, with `-dirty` if files differ from it.
pub fn commit(root: &Path) -> String {
    said("git", &["describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"], root)
}

pub fn now() -> String {
    said("date", &["-u", "+%Y-%m-%d %H:%M UTC"], Path::new("."))
}

/// Where cargo builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from)
}
