//! Watches sensors: several statistics at once over a sliding window, alarms when one begins and ends to be hot, and
//! how many are still heard of.
//!
//! ```text
//! cargo run --release --example sensor_watch                  # four made-up sensors; Ctrl-C stops
//! cargo run --release --example sensor_watch -- --seconds 20 --sensors 8 --workers 2
//! ```
//!
//! Each sensor has a warm and a cold spell a minute, and the last falls silent for a while now and then. Readings come
//! from the program itself over a channel, and so do the results: this is how a pipeline lives inside of a service.

use std::{error::Error, f64::consts::TAU, time::Duration};

use clap::Parser;
use streaming_runtime::{
    aggregate::{count, max, mean, min},
    connect::{BatchReceiver, Sender, channel, channel_sink},
    prelude::*,
};
use tracing_subscriber::filter::LevelFilter;

/// Readings, lowest, mean and highest.
type Statistics = (i64, f64, f64, f64);

stream!(
    /// What sensors measured in the last ten seconds.
    #[batch(secs(1))]
    pub fn sensors<
        readings: Source<(u16, f64)>,
        statistics: Sink<(u16, Statistics)>,
        alarms: Sink<(u16, i64)>,
        online: Sink<i64>,
    >(
        hot: f64,
    ) {
        // Four aggregates, each kept up to date as readings enter and leave the window.
        let recent = readings.window(secs(10), secs(5));
        recent.aggregate_by_key((count(), min(), mean(), max())).to(statistics);

        // A shorter window that slides more often. `changes` says (sensor, 1) when it gets hot and (sensor, -1) when
        // that is over, and nothing in between.
        let means = readings.window(secs(3), secs(1)).aggregate_by_key(mean());
        let hot_ones = means.filter(move |(_, mean)| *mean > hot).map(|(sensor, _)| sensor).distinct();
        hot_ones.changes().to(alarms);

        // State that lasts: readings of each sensor so far. One that is silent is forgotten.
        let heard = readings.update_state(|_sensor, so_far: Option<u64>, new: &[f64]| {
            Some(so_far.unwrap_or(0) + new.len() as u64)
        });
        heard.expire_after(secs(5)).count().to(online);
    }
);

/// Watches made-up sensors.
#[derive(Parser)]
struct Arguments {
    /// How many sensors there are.
    #[arg(long, default_value_t = 4)]
    sensors: u16,
    /// Mean temperature from which a sensor is hot.
    #[arg(long, default_value_t = 26.0)]
    hot: f64,
    /// Worker threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Stop after so many seconds instead of at Ctrl-C.
    #[arg(long)]
    seconds: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let (sender, readings) = channel(1024);
    let (statistics, all_statistics) = channel_sink(4);
    let (alarms, all_alarms) = channel_sink(4);
    let (online, all_online) = channel_sink(4);
    eprintln!("{}", sensors::plan());

    let engine = Engine::new().workers(arguments.workers);
    let ports = sensors::Ports { readings, statistics, alarms, online, hot: arguments.hot };
    let mut job = engine.start(ports)?;
    tokio::spawn(measure(sender, arguments.sensors));
    tokio::spawn(report(all_statistics, all_alarms, all_online));

    let time_is_up = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = job.join() => return Ok(result?),
        _ = tokio::signal::ctrl_c() => {}
        () = time_is_up => {}
    }
    Ok(job.stop().await?)
}

/// Sends ten readings a second of each sensor, until nobody takes them.
async fn measure(sender: Sender<(u16, f64)>, sensors: u16) {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for tenth in 0u64.. {
        tick.tick().await;
        let seconds = tenth as f64 / 10.0;
        for sensor in 0..sensors {
            let is_silent = sensor + 1 == sensors && tenth % 200 >= 80;
            if is_silent {
                continue;
            }
            let spell = TAU * (seconds / 60.0 + f64::from(sensor) / f64::from(sensors));
            let flicker = (7.0 * TAU * seconds / 10.0).sin() / 2.0;
            if sender.send((sensor, 20.0 + 8.0 * spell.sin() + flicker)).await.is_err() {
                return;
            }
        }
    }
}

/// Prints what comes out, until nothing does.
async fn report(
    mut statistics: BatchReceiver<(u16, Statistics)>,
    mut alarms: BatchReceiver<(u16, i64)>,
    mut online: BatchReceiver<i64>,
) {
    let mut heard = 0;
    loop {
        tokio::select! {
            Some(mut batch) = statistics.recv() => {
                println!("{}  sensor  readings  lowest    mean  highest", batch.time);
                batch.records.sort_by_key(|(sensor, _)| *sensor);
                for (sensor, (n, lowest, mean, highest)) in batch.records {
                    println!("{sensor:>35}{n:>10}{lowest:>8.1}{mean:>8.1}{highest:>9.1}");
                }
            }
            Some(batch) = alarms.recv() => {
                for (sensor, change) in batch.records {
                    let what = if change > 0 { "gets hot" } else { "is hot no longer" };
                    println!("{}  sensor {sensor} {what}", batch.time);
                }
            }
            Some(batch) = online.recv() => {
                let now = batch.records.iter().sum();
                if now != heard {
                    println!("{}  {now} sensors are heard of", batch.time);
                }
                heard = now;
            }
            else => return,
        }
    }
}
