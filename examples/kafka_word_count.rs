//! Counts the words of a topic of Kafka, each exactly once, also after a crash.
//!
//! ```text
//! scripts/servers run kafka -- cargo run --release -p examples --features kafka --example kafka_word_count   # with a broker of its own
//! cargo run --release -p examples --features kafka --example kafka_word_count -- --brokers 127.0.0.1:9092 --topic texts
//! ```
//!
//! Without `--topic` it makes one, and writes a text to it while it counts. Kill it, start it again with the same `--state`
//! and `--topic`, and it goes on where it was.

use std::{error::Error, path::PathBuf, time::Duration};

use clap::Parser;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{FutureProducer, FutureRecord},
};
use streaming_runtime::{
    connect::{console, kafka},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// Words of the whole topic, as often as they came by then.
    #[batch(secs(1))]
    pub fn kafka_word_count<texts: Source<String>, counts: Sink<(String, i64)>>() {
        let words = texts.flat_map(|text| text.split_whitespace().map(str::to_owned));
        let total =
            |_: &String, sum: Option<i64>, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>());
        let totals =
            words.map(|word| (word, 1)).update_state(total).allow_unbounded("a language has so many words");
        totals.to(counts);
    }
);

/// Counts the words of a topic of Kafka.
#[derive(Parser)]
struct Arguments {
    /// The brokers, `host:port`; without it those of `scripts/servers run kafka`, in `KAFKA`.
    #[arg(long)]
    brokers: Option<String>,
    /// The topic; without it the program makes one, and writes to it.
    #[arg(long)]
    topic: Option<String>,
    /// Where the job keeps its state; without it a crash begins anew.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Stop after so many seconds instead of at Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    // Warnings of the engine, on standard error: brokers that do not answer, say.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let brokers = arguments.brokers.or_else(|| std::env::var("KAFKA").ok()).ok_or(
        "no brokers: name them by --brokers, or start one by `scripts/servers run kafka -- cargo run ..`",
    )?;
    let topic = match arguments.topic {
        Some(topic) => topic,
        None => write_texts(&brokers).await?,
    };
    let engine = Engine::new();
    let engine = arguments.state.into_iter().fold(engine, |engine, state| engine.checkpoint(state));
    let mut job = engine.start(kafka_word_count::Ports {
        texts: kafka::topic(&brokers, &topic).discover_every(secs(5)).texts(),
        counts: console().title("word      times").skip_empty().sorted(),
    })?;
    eprintln!("counting the words of `{topic}` at {brokers}; Ctrl-C stops");
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
    job.stop().await?;
    for partition in job.metrics().source("texts").into_iter().flat_map(|source| &source.partitions) {
        eprintln!("{}: {} records, next is offset {}", partition.name, partition.records, partition.position);
    }
    Ok(())
}

/// Makes a topic, and writes a line to it ten times a second.
async fn write_texts(brokers: &str) -> Result<String, Box<dyn Error>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let topic = format!("texts-{}", std::process::id());
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let new = NewTopic::new(&topic, 3, TopicReplication::Fixed(1));
    for made in admin.create_topics([&new], &AdminOptions::new()).await? {
        made.map_err(|(topic, code)| format!("cannot make topic `{topic}`: {code}"))?;
    }
    let producer: FutureProducer = config.create()?;
    let to = topic.clone();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        for line in TEXT.lines().cycle() {
            tick.tick().await;
            let record = FutureRecord::<(), str>::to(&to).payload(line);
            if let Err((error, _)) = producer.send(record, Duration::from_secs(10)).await {
                eprintln!("the broker does not take a line: {error}");
            }
        }
    });
    Ok(topic)
}

const TEXT: &str = "\
a log is a river that remembers
you may begin at its source or at its mouth
and whoever reads it takes nothing away
";
