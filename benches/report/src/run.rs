//! Runs workloads and peers, and keeps a note of what became of each, beside what they wrote.

use std::{
    collections::{BTreeMap, VecDeque},
    error::Error,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::machine;

/// The workloads of a report, in its order, and what each is: subcommands of `benches`, but for Nexmark, which is a
/// program of its own.
pub const WORKLOADS: [(&str, &str); 17] = [
    ("words", "The words of each batch are counted; batches are there before the clock starts."),
    ("chain", "Five stateless operators, beside one closure that does the same."),
    (
        "windows",
        "Aggregates by key over a window that slides by a batch; `contents` is the whole window's result after each \
         batch, `changes` what is new of it.",
    ),
    ("joins", "Two windows joined by key."),
    ("running", "A count by key that is kept for ever."),
    (
        "latency",
        "From when a record was due (open loop: the sender does not wait for anyone) or sent (closed loop) to its count.",
    ),
    ("crossover", "Cost and latency at loads from idle to as fast as it goes, beside micro-batches."),
    (
        "nexmark",
        "Queries on auctions and bids; a batch is a second of events. `dbsp` is what an expert would write, `dbsp, a set \
         of events` how DBSP's own benchmark does it.",
    ),
    ("checkpoint", "What checkpoints cost, and how soon a job goes on from one."),
    ("resident", "Memory of a process that does nothing else, after so many batches."),
    ("memory", "Whether memory stays where it is over many batches."),
    ("overload", "Ten times more offered than a job can take."),
    ("graph", "Components and distances of a graph whose edges come and go."),
    ("observed", "What it costs to be metered and read."),
    ("views", "Look-ups in a result while a job writes it."),
    ("idle", "What ten idle pipelines cost."),
    ("compile", "What compiling costs."),
];

/// What a workload is, if it is known; of rows that come from the run of another, too.
pub fn about(workload: &str) -> &'static str {
    match workload {
        "startup" => {
            "From the start of a process to its first output, of 100k words that it reads from a file."
        }
        _ => WORKLOADS.iter().find(|(name, _)| *name == workload).map_or("", |(_, what)| what),
    }
}

/// The run that makes the rows of a workload.
pub fn made_by(workload: &str) -> &str {
    if workload == "startup" { "resident" } else { workload }
}

/// What `cargo` is told to make a workload's rows, without the file.
pub fn arguments(workload: &str, quick: bool, full: bool) -> Vec<&str> {
    let mut all = match workload {
        "nexmark" => vec!["run", "--release", "-p", "benches-nexmark", "--"],
        _ => vec!["run", "--release", "-p", "benches", "--", made_by(workload)],
    };
    if !quick && !full {
        all.push("--brief");
    }
    all
}

/// What became of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ran {
    pub command: String,
    pub commit: String,
    pub when: String,
    pub seconds: f64,
    pub quick: bool,
    /// The last lines that it said, if it failed.
    pub error: Option<String>,
}

/// Beside the rows, in `runs.json`: where they were made, and what became of each run.
#[derive(Default, Serialize, Deserialize)]
pub struct Notes {
    pub machine: String,
    pub rustc: String,
    pub runs: BTreeMap<String, Ran>,
}

impl Notes {
    pub fn read(directory: &Path) -> Result<Notes, Box<dyn Error>> {
        match fs::read(directory.join("runs.json")) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(_) => Ok(Notes::default()),
        }
    }

    fn write(&self, directory: &Path) -> Result<(), Box<dyn Error>> {
        Ok(fs::write(directory.join("runs.json"), serde_json::to_string_pretty(self)?)?)
    }
}

/// What to run, and where.
pub struct Plan {
    pub root: PathBuf,
    /// For rows and notes.
    pub directory: PathBuf,
    pub quick: bool,
    /// The largest sizes too.
    pub full: bool,
    pub only: Vec<String>,
    /// Set up those that are not.
    pub all_peers: bool,
}

/// A peer: `benches/peers/NAME/run.sh`.
pub struct Peer {
    pub name: String,
    pub script: PathBuf,
    /// Whether it was set up before: something in the cache has its name.
    pub is_ready: bool,
    /// The versions that it asks for, as they stand in its files.
    pub pins: Vec<String>,
}

pub fn peers(root: &Path) -> Vec<Peer> {
    let place = root.join("benches/peers");
    let cache = std::env::var_os("PEERS_CACHE").map_or(place.join(".cache"), PathBuf::from);
    let names = |directory: &Path| -> Vec<String> {
        let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let cached = names(&cache);
    let peer = |name: String| {
        let script = place.join(&name).join("run.sh");
        let is_ready = cached.iter().any(|cached| cached.starts_with(&name));
        script.is_file().then(|| Peer { is_ready, pins: pins(&place.join(&name)), name, script })
    };
    names(&place).into_iter().filter_map(peer).collect()
}

/// `package==version` in scripts and `package = "=version"` in manifests.
fn pins(directory: &Path) -> Vec<String> {
    let read = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
    let mut pins = Vec::new();
    for word in read("run.sh").split_whitespace() {
        let word = word.trim_matches(['"', '\'']);
        if let Some((name, version)) = word.split_once("==")
            && !name.is_empty()
            && version.starts_with(|c: char| c.is_ascii_digit())
        {
            pins.push(format!("{name} {version}"));
        }
    }
    for line in read("Cargo.toml").lines() {
        if let Some((name, rest)) = line.split_once('=')
            && let Some((_, version)) = rest.split_once("\"=")
        {
            let version = version.split('"').next().unwrap_or_default();
            pins.push(format!("{} {version}", name.trim()));
        }
    }
    pins.sort();
    pins.dedup();
    pins
}

/// Runs what is wanted; what fails is noted, and the next is run.
pub fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&plan.directory)?;
    let mut notes = Notes::read(&plan.directory)?;
    (notes.machine, notes.rustc) = (machine::describe(), machine::version("rustc"));
    let wants = |name: &str| plan.only.is_empty() || plan.only.iter().any(|only| only == name);
    for (name, _) in WORKLOADS.into_iter().filter(|(name, _)| wants(name)) {
        let mut command = Command::new("cargo");
        command.args(arguments(name, plan.quick, plan.full));
        note(plan, &mut notes, name, command, "--json")?;
    }
    for peer in peers(&plan.root) {
        let is_named = plan.only.contains(&peer.name);
        if is_named || plan.only.is_empty() && (plan.all_peers || peer.is_ready) {
            let mut command = Command::new(&peer.script);
            command.arg(input(plan)?);
            command.env("BENCHES", machine::target(&plan.root).join("release/benches"));
            // Theirs is in their cache, whatever this was built in.
            command.env_remove("CARGO_TARGET_DIR");
            note(plan, &mut notes, &peer.name, command, "")?;
        }
    }
    Ok(())
}

/// The peers' input, made once.
fn input(plan: &Plan) -> Result<PathBuf, Box<dyn Error>> {
    let data = plan.directory.join("data");
    if !data.exists() {
        let unfinished = plan.directory.join("data.unfinished");
        let mut make = Command::new("cargo");
        make.args(["run", "--release", "-p", "benches", "--", "data"])
            .arg(&unfinished)
            .current_dir(&plan.root);
        if !make.status()?.success() {
            return Err(format!("the peers' input was not made: {make:?}").into());
        }
        fs::rename(unfinished, &data)?;
    }
    Ok(data)
}

/// Runs a command that writes rows to a file of that name, which it is given behind `option`, and notes what became of it.
fn note(
    plan: &Plan,
    notes: &mut Notes,
    name: &str,
    mut command: Command,
    option: &str,
) -> Result<(), Box<dyn Error>> {
    let file = plan.directory.join(format!("{name}.jsonl"));
    // What was there is of another run.
    let _ = fs::remove_file(&file);
    if !option.is_empty() {
        command.arg(option);
    }
    command.arg(&file).current_dir(&plan.root);
    if plan.quick {
        command.arg("--quick");
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    println!("== {}", words.join(" "));
    let (when, started) = (machine::now(), Instant::now());
    let ran = Ran {
        command: words.join(" ").replace(&format!("{}/", plan.root.display()), ""),
        commit: machine::commit(&plan.root),
        when,
        quick: plan.quick,
        error: watched(command),
        seconds: started.elapsed().as_secs_f64(),
    };
    if let Some(error) = &ran.error {
        println!("== {name} failed: {error}");
    }
    notes.runs.insert(name.to_owned(), ran);
    notes.write(&plan.directory)
}

/// Runs a command, passes on what it says, and returns the last of it if it fails.
fn watched(mut command: Command) -> Option<String> {
    let mut child = match command.stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return Some(error.to_string()),
    };
    let mut last = VecDeque::new();
    let said = child.stderr.take().expect("it is piped");
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        eprintln!("{line}");
        last.push_back(line);
        if last.len() > 8 {
            last.pop_front();
        }
    }
    let status = match child.wait() {
        Ok(status) if status.success() => return None,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    last.push_front(status);
    Some(last.into_iter().collect::<Vec<_>>().join("\n"))
}
