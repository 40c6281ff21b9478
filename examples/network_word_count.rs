//! Counts the words that come over a socket, batch by batch: Spark Streaming's classic.
//!
//! ```text
//! cargo run --release --example network_word_count                     # serves itself a text and counts it
//! nc -lk 9999                                                          # or type one yourself, ...
//! cargo run --release --example network_word_count -- 127.0.0.1 9999   # ... with this beside it
//! ```
//!
//! Counts go to standard output, progress to standard error. Ctrl-C delivers the last batch and ends it.

use std::{
    error::Error,
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use clap::Parser;
use streaming_runtime::{
    BatchInfo, Listener,
    connect::{console, tcp},
    prelude::*,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::MissedTickBehavior,
};
use tracing_subscriber::filter::LevelFilter;

/// An application's choice: this allocator is up to twice as fast on small strings.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

stream!(
    /// Words of each batch.
    #[batch(secs(1))]
    pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

/// Counts the words that come over a socket, batch by batch.
#[derive(Parser)]
struct Arguments {
    /// Where to connect to; without it the program serves itself a text over a loopback socket.
    #[arg(requires = "port")]
    host: Option<String>,
    /// The port to connect to.
    port: Option<u16>,
    /// Worker threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Stop after so many seconds instead of at Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
    /// Lines a second that the program serves itself.
    #[arg(long, default_value_t = 1000)]
    rate: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    // Warnings of the engine, on standard error: a server that does not answer, a source that begins anew.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let address = match (arguments.host, arguments.port) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => serve(arguments.rate).await?,
    };
    eprintln!("{}", word_count::plan());
    eprintln!("counting words from {address}; Ctrl-C stops");

    let engine = Engine::new().workers(arguments.workers).listener(Progress::default());
    let mut job = engine.start(word_count::Ports { lines: tcp::lines(&address), counts: console() })?;

    let time_is_up = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = job.join() => return Ok(result?),
        _ = tokio::signal::ctrl_c() => eprintln!("stopping: delivering the last batch"),
        () = time_is_up => {}
    }
    Ok(job.stop().await?)
}

/// Says after each batch how far the job is.
#[derive(Default)]
struct Progress {
    lines: AtomicU64,
}

impl Listener for Progress {
    fn batch_completed(&self, batch: &BatchInfo) {
        let lines: u64 = batch.records.iter().map(|(_, records)| records).sum();
        let total = self.lines.fetch_add(lines, Ordering::Relaxed) + lines;
        eprintln!("{lines} lines in {:?}, {total} lines so far", batch.processing_delay);
    }
}

/// Serves `rate` lines a second to whoever connects to the returned address.
async fn serve(rate: u64) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            tokio::spawn(talk(peer, rate));
        }
    });
    Ok(address)
}

/// Sends `rate` lines a second, a tenth at a time, until the peer hangs up.
async fn talk(mut peer: TcpStream, rate: u64) -> io::Result<()> {
    let mut lines = TEXT.lines().cycle();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        let mut piece = String::new();
        for line in lines.by_ref().take(rate.div_ceil(10) as usize) {
            piece.push_str(line);
            piece.push('\n');
        }
        peer.write_all(piece.as_bytes()).await?;
    }
}

const TEXT: &str = "\
a stream is a river that never tells you how long it is
you may stand at the bank and count what passes
or you may dip a bucket once a second and count what is in the bucket
the bucket is a batch and the second is its interval
what passed before the first bucket nobody counts
what passes after the last one is for whoever comes next
a window is a row of buckets kept a little longer
the oldest is poured out when the newest comes in
so the row is always as long and never the same
a key is a name on a drop of water
drops of one name flow together and the rest flow by
two rivers join where their names agree
and a river that flows into itself is a loop
which ends when nothing new comes round
what the river remembers is its state
and what it cannot remember it must be told again
so write down what you have counted before you say it
and say nothing twice
";
