//! A window by key, with records and keys of its own.

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    connect::{console, queue},
    prelude::*,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub site: String,
    pub sensor: u32,
    pub celsius: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sensor {
    pub site: String,
    pub number: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    pub sum: f64,
    pub readings: u64,
}

stream!(
    #[batch(secs(1))]
    pub fn window<readings: Source<Reading>, levels: Sink<(Sensor, Level)>>() {
        let levels_now = readings
            .filter(|reading| reading.celsius.is_finite())
            .map(|r| (Sensor { site: r.site, number: r.sensor }, Level { sum: r.celsius, readings: 1 }))
            .window(minutes(1), secs(5))
            .reduce_by_key(|a, b| Level { sum: a.sum + b.sum, readings: a.readings + b.readings });
        levels_now.to(levels);
    }
);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let reading = Reading { site: "a".to_owned(), sensor: 1, celsius: 1.5 };
    let mut job =
        Engine::new().start(window::Ports { readings: queue(vec![vec![reading]]), levels: console() })?;
    job.join().await?;
    Ok(())
}
