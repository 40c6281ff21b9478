//! Clicks from a directory of JSON lines become a file of CSV for each batch. What is no click is printed, with why.
//!
//! ```text
//! cargo run --release --example formats                       # makes some files, and converts them
//! cargo run --release --example formats -- --from spool --to out    # every file that is renamed into `spool`; Ctrl-C stops
//! ```

use std::{error::Error, fs, io, path::Path, time::Duration};

use clap::Parser;
use serde::{Deserialize, Serialize};
use streaming_runtime::{
    connect::{console, directory, text_files},
    formats::{Rejected, csv, json, text},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

/// What a line of JSON says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Click {
    user: u64,
    page: String,
    #[serde(default)]
    referrer: Option<String>,
}

stream!(
    /// Clicks in JSON become lines of CSV, in the order of the fields of `Click`.
    #[batch(millis(500))]
    pub fn converted<lines: Source<String>, table: Sink<String>, dead_letters: Sink<String>>() {
        let (clicks, no_clicks) = lines.decode(json::<Click>());
        let (rows, no_text) = clicks.encode(csv()).decode(text());
        rows.to(table);
        // A sink of `Rejected` would get the bytes as well.
        no_clicks
            .union(no_text)
            .map(|rejected: Rejected| format!("{rejected}: {:?}", String::from_utf8_lossy(&rejected.bytes)))
            .to(dead_letters);
    }
);

#[derive(Parser)]
struct Settings {
    /// The directory to read; without one, some files are made and the program ends when they are converted.
    #[arg(long)]
    from: Option<String>,
    /// The directory to write to.
    #[arg(long, default_value = "target/clicks")]
    to: String,
}

/// Two files, with a line that is cut and one that is another thing.
fn make_some(spool: &Path) -> io::Result<()> {
    fs::create_dir_all(spool)?;
    let click = |n: u64| format!("{{\"user\": {}, \"page\": \"/item/{n}, \\\"new\\\"\"}}\n", n % 3);
    let lines: String = (0..5).map(click).collect();
    fs::write(spool.join("a.json"), format!("{lines}{{\"user\": 7, \"pa\n"))?;
    fs::write(spool.join("b.json"), format!("{lines}{{\"user\": \"ada\", \"page\": \"/\"}}\n"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).init();
    let Settings { from, to } = Settings::parse();
    let spool = std::env::temp_dir().join(format!("clicks-{}", std::process::id()));
    let is_shown = from.is_none();
    let from = match from {
        Some(from) => from,
        None => {
            make_some(&spool)?;
            spool.display().to_string()
        }
    };
    let mut job = Engine::new().start(converted::Ports {
        lines: directory::lines(from).new_files_only(false),
        table: text_files(&to),
        dead_letters: console().title("no clicks").skip_empty(),
    })?;
    tokio::select! {
        ended = job.join() => ended?,
        _ = tokio::signal::ctrl_c() => job.stop().await?,
        () = tokio::time::sleep(Duration::from_secs(2)), if is_shown => job.stop().await?,
    }
    if is_shown {
        fs::remove_dir_all(spool)?;
        println!("the others are in {to}-..");
    }
    Ok(())
}
