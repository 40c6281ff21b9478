//! `cargo run --release -p report`: runs the benches, and the peers that are set up, and writes what they say as Markdown
//! with plots. It knows nothing of the engine: it reads the rows that `benches -- WORKLOAD --json FILE` and
//! `benches/peers/*/run.sh` write, and puts those of equal workloads and parameters side by side.
//!
//! Rows and notes of what was run are in `target/report`; `--no-run` makes the report of those that are there. A row whose
//! checksum is not this engine's is marked and not compared, and a workload that failed or was not run is in the list of
//! runs.

mod goals;
mod machine;
mod markdown;
mod number;
mod plot;
mod plots;
mod readme;
mod rows;
mod run;
mod style;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;

#[derive(Parser)]
#[command(about = "Runs the benches and the peers that are set up, and writes a report")]
struct Arguments {
    /// Only these workloads and peers, for instance `words,windows,spark`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Small sizes, to see whether everything runs.
    #[arg(long)]
    quick: bool,
    /// The largest sizes too: several hours instead of one and a half, with the peers.
    #[arg(long, conflicts_with = "quick")]
    full: bool,
    /// Runs nothing: a report of the rows that are there.
    #[arg(long)]
    no_run: bool,
    /// Also the peers that are not set up yet: sets them up first, from the package registries.
    #[arg(long)]
    peers: bool,
    /// Where `REPORT.md` and the directory `report` of plots are written; `docs` for the repository's.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Prints the table of docs/PERFORMANCE.md from what is there, and does nothing else.
    #[arg(long)]
    readme: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let directory = machine::target(&root).join("report");
    let peers = run::peers(&root);
    let known = |name: &String| {
        run::WORKLOADS.iter().any(|(known, _)| known == name) || peers.iter().any(|peer| peer.name == *name)
    };
    if let Some(unknown) = arguments.only.iter().find(|name| !known(name)) {
        let names =
            run::WORKLOADS.iter().map(|(name, _)| *name).chain(peers.iter().map(|peer| peer.name.as_str()));
        return Err(format!("there is no `{unknown}`, but {}", names.collect::<Vec<_>>().join(", ")).into());
    }
    if !arguments.no_run && !arguments.readme {
        run::run(&run::Plan {
            root: root.clone(),
            directory: directory.clone(),
            quick: arguments.quick,
            full: arguments.full,
            only: arguments.only,
            all_peers: arguments.peers,
        })?;
    }
    let Read { files, rows, unread } = read_all(&directory)?;
    let groups = rows::groups(&rows);
    if arguments.readme {
        print!("{}", readme::table(&groups, &rows)?);
        return Ok(());
    }
    let out = arguments.out.unwrap_or(directory.clone());
    let pictures = plots::write(&groups, &out.join("report"))?;
    let notes = run::Notes::read(&directory)?;
    let report = markdown::Report {
        notes: &notes,
        peers: &peers,
        files: &files,
        rows: &rows,
        groups: &groups,
        pictures: &pictures,
        unread: &unread,
    };
    fs::write(out.join("REPORT.md"), report.write()?)?;
    println!("{}", out.join("REPORT.md").display());
    Ok(())
}

/// Names of files, their rows in the order of the workloads, and lines that are none.
struct Read {
    files: Vec<String>,
    rows: Vec<rows::Row>,
    unread: Vec<String>,
}

fn read_all(directory: &Path) -> Result<Read, Box<dyn Error>> {
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let place =
        |name: &str| run::WORKLOADS.iter().position(|(workload, _)| *workload == name).unwrap_or(usize::MAX);
    files.sort_by_key(|path| (place(&name(path)), name(path)));
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for path in &files {
        unread.extend(rows::read(path, &mut all)?);
    }
    Ok(Read { files: files.iter().map(|path| name(path)).collect(), rows: rows::merged(all), unread })
}
