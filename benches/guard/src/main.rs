//! `cargo run --release -p guard -- check`: counts the instructions of small workloads of the hot paths under callgrind, and
//! fails if one takes more than those that `counts.json` has for it. Counts do not hang on what else the machine does, so
//! a slowdown of a few percent is seen that no clock would show; but they know nothing of caches and of waiting.
//!
//! `accept` writes what is counted now to `counts.json`. Counts depend on the compiler, so another one's are not compared;
//! a little also on the machine, as the C library copies memory by what the processor can.
//! Plain callgrind is enough: only what runs inside of [`guarded_section`] is collected. Gungraun would add a
//! runner of the very same version to install beside valgrind, and its reports and caches are not needed here.
//!
//! Estimate, before the first run: tables are hashed with a seed that is another in each process, so probes differ: under
//! 0.5 % of a run. Callgrind takes fifty times as long as the machine: 10 ms of each workload and its input, a second.

mod workloads;

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
#[command(about = "Counts instructions of hot paths, and compares them with those of the repository")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Compares; fails if a workload takes more instructions than it may.
    Check {
        #[command(flatten)]
        chosen: Chosen,
        /// Also if counts.json is of another compiler.
        #[arg(long)]
        any_compiler: bool,
        /// How much more a workload may take, in percent.
        #[arg(long, default_value_t = 3.0)]
        tolerance: f64,
    },
    /// Writes what is counted to counts.json.
    Accept {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Runs one workload, as it is done under callgrind.
    #[command(hide = true)]
    Run { workload: String },
}

#[derive(clap::Args)]
struct Chosen {
    /// Only these workloads, for instance `words,join`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Runs of each workload, of which the one in the middle counts.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
}

/// The file in the repository.
#[derive(Default, Serialize, Deserialize)]
struct Counts {
    rustc: String,
    workloads: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Count {
    instructions: u64,
    /// Records that came out: with another number it is other work.
    outputs: u64,
}

/// What was counted, and how far runs were apart, in percent.
struct Counted {
    count: Count,
    spread: f64,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Check { chosen, any_compiler, tolerance } => check(&chosen, any_compiler, tolerance),
        What::Accept { chosen } => accept(&chosen),
        What::Run { workload } => match workloads::run(&workload, guarded_section) {
            Some(outputs) => {
                println!("{outputs}");
                Ok(())
            }
            None => Err(format!("there is no workload `{workload}`").into()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guard: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Callgrind collects from where this is entered to where it is left; it is told by the name.
#[inline(never)]
fn guarded_section(work: &mut dyn FnMut()) {
    work();
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.json")
}

fn read() -> Result<Counts, Box<dyn Error>> {
    let text = fs::read_to_string(path()).map_err(|error| format!("{}: {error}", path().display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn check(chosen: &Chosen, any_compiler: bool, tolerance: f64) -> Result<(), Box<dyn Error>> {
    let (accepted, rustc) = (read()?, rustc()?);
    if accepted.rustc != rustc && !any_compiler {
        let of = &accepted.rustc;
        return Err(format!(
            "counts.json is of {of}, and this is {rustc}, whose code differs: check with that one, or compare with \
             `--any-compiler`, or `accept` on a commit that is known to be good"
        )
        .into());
    }
    let mut failed = Vec::new();
    println!("{:<12} {:>14} {:>14} {:>8} {:>8}", "workload", "accepted", "now", "change", "spread");
    for name in chosen.names()? {
        let Counted { count, spread } = count(name, chosen.repeat)?;
        let Some(was) = accepted.workloads.get(name) else {
            println!("{name:<12} {:>14} {:>14}", "none", count.instructions);
            failed.push(format!("{name} is not in counts.json: accept it"));
            continue;
        };
        let change = 100.0 * (count.instructions as f64 / was.instructions as f64 - 1.0);
        let verdict = match change {
            c if c > tolerance => "SLOWER",
            c if c < -tolerance => "faster: accept it",
            _ => "",
        };
        let (before, now) = (was.instructions, count.instructions);
        println!("{name:<12} {before:>14} {now:>14} {change:>+7.2}% {spread:>7.2}% {verdict}");
        if change > tolerance {
            failed
                .push(format!("{name} takes {change:.1} % more instructions, of {tolerance} % that it may"));
        }
        if count.outputs != was.outputs {
            failed.push(format!("{name} delivered {} records, and {} before", count.outputs, was.outputs));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\nguard: ").into()) }
}

fn accept(chosen: &Chosen) -> Result<(), Box<dyn Error>> {
    let rustc = rustc()?;
    // What is not counted anew stays, if it is this compiler's.
    let mut counts = read().unwrap_or_default();
    if counts.rustc != rustc {
        counts = Counts { rustc, workloads: BTreeMap::new() };
    }
    for name in chosen.names()? {
        let Counted { count, spread } = count(name, chosen.repeat)?;
        println!("{name:<12} {:>14} instructions, runs {spread:.2}% apart", count.instructions);
        counts.workloads.insert(name.to_owned(), count);
    }
    Ok(fs::write(path(), serde_json::to_string_pretty(&counts)? + "\n")?)
}

impl Chosen {
    fn names(&self) -> Result<Vec<&'static str>, Box<dyn Error>> {
        if let Some(unknown) = self.only.iter().find(|name| !workloads::NAMES.contains(&name.as_str())) {
            return Err(format!("there is no `{unknown}`, but {}", workloads::NAMES.join(", ")).into());
        }
        let is_wanted = |name: &&str| self.only.is_empty() || self.only.iter().any(|only| only == name);
        Ok(workloads::NAMES.into_iter().filter(is_wanted).collect())
    }
}

/// The run in the middle of several.
fn count(name: &str, repeat: usize) -> Result<Counted, Box<dyn Error>> {
    let mut counts = (0..repeat.max(1)).map(|_| once(name)).collect::<Result<Vec<_>, _>>()?;
    counts.sort_by_key(|count| count.instructions);
    let (least, most) = (counts[0].instructions, counts[counts.len() - 1].instructions);
    Ok(Counted { count: counts[counts.len() / 2], spread: 100.0 * (most - least) as f64 / least as f64 })
}

/// One run in a process of its own.
fn once(name: &str) -> Result<Count, Box<dyn Error>> {
    if cfg!(debug_assertions) {
        return Err("build it with --release: what nobody runs need not be fast".into());
    }
    let profile = tempfile::NamedTempFile::new()?;
    let mut file = std::ffi::OsString::from("--callgrind-out-file=");
    file.push(profile.path());
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--toggle-collect=*guarded_section*"]).arg(file);
    let output = valgrind.arg(std::env::current_exe()?).args(["run", name]).output();
    let output =
        output.map_err(|error| format!("valgrind: {error}; install it: apt-get install valgrind"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{name} under valgrind: {}\n{said}", output.status).into());
    }
    let profile = fs::read_to_string(profile.path())?;
    let totals = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    let instructions = totals.and_then(|totals| totals.trim().parse().ok()).unwrap_or(0);
    if instructions == 0 {
        return Err(format!("callgrind counted nothing of {name}:\n{said}").into());
    }
    Ok(Count { instructions, outputs: String::from_utf8_lossy(&output.stdout).trim().parse()? })
}

fn rustc() -> Result<String, Box<dyn Error>> {
    let output = Command::new("rustc").arg("--version").current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
