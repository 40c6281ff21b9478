//! From topic to topic, each record exactly once: payments come in, and what each account has goes out, whatever is killed.
//!
//! ```text
//! scripts/servers run kafka -- cargo run --release -p examples --features kafka --example kafka_topic_to_topic   # with a broker of its own
//! cargo run --release -p examples --features kafka --example kafka_topic_to_topic -- --brokers 127.0.0.1:9092 --from payments --to balances
//! ```
//!
//! Without `--from` it makes both topics, and writes payments to the first while it works. `--to` is a compacted topic, which has each
//! account's balance under its name. Kill it with `kill -9` and start it again with the same topics and `--state`: a consumer that reads
//! what is committed (`kafka-console-consumer.sh --isolation-level read_committed`) sees no change twice, and misses none.

use std::{error::Error, path::PathBuf, time::Duration};

use clap::Parser;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{FutureProducer, FutureRecord},
};
use streaming_runtime::{Checkpoint, connect::kafka, prelude::*};
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// What each account has.
    #[batch(millis(100))]
    pub fn balances<payments: Source<kafka::Message>, changed: Sink<((String, i64), i64)>>() {
        let amounts = payments.flat_map(|message: kafka::Message| {
            let account = String::from_utf8(message.key?).ok()?;
            let amount = String::from_utf8(message.payload?).ok()?.parse::<i64>().ok()?;
            Some((account, amount))
        });
        let all = amounts.history().allow_unbounded("one number an account");
        all.reduce_by_key(|a, b| a + b).changes().to(changed);
    }
);

/// Keeps balances by payments, from topic to topic.
#[derive(Parser)]
struct Arguments {
    /// The brokers, `host:port`; without it those of `scripts/servers run kafka`, in `KAFKA`.
    #[arg(long)]
    brokers: Option<String>,
    /// The topic of payments: an account as key, an amount as payload. Without it the program makes both topics, and pays.
    #[arg(long)]
    from: Option<String>,
    /// The topic of balances.
    #[arg(long, default_value = "balances")]
    to: String,
    /// Where the job keeps its state.
    #[arg(long, default_value = "target/kafka_topic_to_topic")]
    state: PathBuf,
    /// Stop after so many seconds instead of at Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { brokers, from, mut to, mut state, seconds } = Arguments::parse();
    // Warnings of the engine, on standard error: brokers that do not answer, say.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let brokers = brokers.or_else(|| std::env::var("KAFKA").ok()).ok_or(
        "no brokers: name them by --brokers, or start one by `scripts/servers run kafka -- cargo run ..`",
    )?;
    let from = match from {
        Some(from) => from,
        None => {
            let from = format!("payments-{}", std::process::id());
            to = format!("{to}-{}", std::process::id());
            state = state.join(&from);
            pay(&brokers, &from, &to).await?;
            from
        }
    };
    let checkpoint = Checkpoint::new(&state).exactly_once();
    let balance = |(account, balance): (String, i64)| (account, balance.to_string());
    // By its name the job finds what it has written.
    let engine = Engine::new().name(format!("balances-{to}")).checkpoint(checkpoint);
    let mut job = engine.start(balances::Ports {
        payments: kafka::topic(&brokers, &from),
        changed: kafka::upserts(&brokers, &to).format(balance),
    })?;
    eprintln!(
        "from `{from}` to `{to}` at {brokers}, with state in {}; Ctrl-C stops, kill -9 does no harm",
        state.display()
    );
    let time_is_up = async {
        match seconds {
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
    for partition in job.metrics().source("payments").into_iter().flat_map(|source| &source.partitions) {
        eprintln!(
            "{}: {} payments, next is offset {}",
            partition.name, partition.records, partition.position
        );
    }
    Ok(())
}

/// Makes the topics, and pays some hundred times a second.
async fn pay(brokers: &str, from: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let payments = NewTopic::new(from, 3, TopicReplication::Fixed(1));
    let balances = NewTopic::new(to, 3, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    for made in admin.create_topics([&payments, &balances], &AdminOptions::new()).await? {
        made.map_err(|(topic, code)| format!("cannot make topic `{topic}`: {code}"))?;
    }
    let producer: FutureProducer = config.create()?;
    let from = from.to_owned();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        for n in 0_u64.. {
            tick.tick().await;
            let account = ["ada", "brendan", "grace", "linus"][(n % 7 % 4) as usize];
            let amount = (n % 100).to_string();
            let record = FutureRecord::to(&from).key(account).payload(&amount);
            if let Err((error, _)) = producer.send(record, Duration::from_secs(10)).await {
                eprintln!("the broker does not take a payment: {error}");
            }
        }
    });
    Ok(())
}
