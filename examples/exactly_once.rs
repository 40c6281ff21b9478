//! Orders that are counted once, whatever happens: kill it, start it again, and the totals in the database are those
//! that they would have been.
//!
//! ```text
//! cargo run -p examples --example exactly_once           in one terminal; Ctrl-C, kill -9, start it again
//! cargo run -p examples --example checkpoint -- inspect target/exactly_once/state
//! ```

use std::time::Duration;

use streaming_runtime::{
    Checkpoint,
    connect::{ConnectorError, Recovery, SourceContext, sqlite},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// What each customer has ordered in all.
    #[batch(secs(1))]
    fn totals<orders: Source<(String, i64)>, out: Sink<(String, i64)>>() {
        let all = orders.history().allow_unbounded("one number a customer");
        all.reduce_by_key(|a, b| a + b).to(out);
    }
);

/// Order `n` is always the same, as in a file or a Kafka topic.
struct Orders;

impl Source<(String, i64)> for Orders {
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<(String, i64)>) -> Result<(), ConnectorError> {
        let mut number = out.resume_from::<i64>()?.unwrap_or(0);
        loop {
            let customer = ["ada", "brendan", "grace", "linus"][(number % 7 % 4) as usize];
            out.send((customer.to_owned(), 1)).await?;
            number += 1;
            out.reached(&number);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    std::fs::create_dir_all("target/exactly_once")?;
    let checkpoint = Checkpoint::new("target/exactly_once/state").exactly_once();
    let mut job = Engine::new().workers(2).checkpoint(checkpoint).start(totals::Ports {
        orders: Orders,
        out: sqlite::upsert("target/exactly_once/totals.db", "totals", ["customer"], ["orders"]),
    })?;
    println!("counting orders into target/exactly_once/totals.db; stop me any way you like");
    tokio::select! {
        ended = job.join() => ended?,
        _ = tokio::signal::ctrl_c() => job.stop().await?,
    }
    Ok(())
}
