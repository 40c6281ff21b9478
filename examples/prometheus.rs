//! A word count whose numbers Prometheus can scrape, and which says what it waits for.
//!
//! ```text
//! cargo run -p examples --example prometheus
//! curl http://127.0.0.1:9100/metrics      numbers
//! curl http://127.0.0.1:9100/explain      why the output does not advance
//! ```
//!
//! It counts words that it makes up. Names and labels are on the page of `streaming_runtime::metrics::MetricsExporter`.

use std::{error::Error, time::Duration};

use axum::{Router, routing::get};
use clap::Parser;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use streaming_runtime::{
    Monitor,
    connect::{BatchReceiver, Sender, channel, channel_sink},
    metrics::{MetricsExporter, metrics_exporter},
    prelude::*,
};
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

stream!(
    /// How often each word came in the last ten seconds.
    #[batch(secs(1))]
    fn words<words: Source<String>, counts: Sink<(String, i64)>>() {
        words.window(secs(10), secs(1)).count_by_value().to(counts);
    }
);

#[derive(Parser)]
#[command(about = "A word count with metrics for Prometheus")]
struct Arguments {
    /// Where metrics are served.
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(Arguments::parse().listen).await?;
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let address = listener.local_addr()?;
    println!("a word count with metrics at {address}; Ctrl-C stops. Try:");
    println!("  curl {address}/metrics");
    println!("  curl {address}/explain");
    // The recorder first: what is counted before it is there is lost.
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    let exporter = metrics_exporter();

    let (sender, source) = channel(1024);
    let (sink, counts) = channel_sink(8);
    let engine = Engine::new().listener(exporter.clone());
    let mut job = engine.start(words::Ports { words: source, counts: sink })?;
    let monitor = job.monitor();
    tokio::spawn(async move { axum::serve(listener, metrics(prometheus, exporter, monitor)).await });
    tokio::spawn(speak(sender));
    tokio::spawn(listen(counts));

    tokio::select! {
        result = job.join() => result?,
        _ = tokio::signal::ctrl_c() => job.stop().await?,
    }
    Ok(())
}

/// The pages of the service.
fn metrics(prometheus: PrometheusHandle, exporter: MetricsExporter, job: Monitor) -> Router {
    let numbers = get(async move || {
        exporter.refresh();
        prometheus.run_upkeep();
        prometheus.render()
    });
    let why = get(async move || job.explain().iter().map(|sink| format!("{sink}\n")).collect::<String>());
    Router::new().route("/metrics", numbers).route("/explain", why)
}

async fn speak(words: Sender<String>) {
    let text = "the fox jumps over the dog and the dog sleeps";
    for word in text.split(' ').cycle() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if words.send(word.to_owned()).await.is_err() {
            return;
        }
    }
}

async fn listen(mut counts: BatchReceiver<(String, i64)>) {
    while let Some(batch) = counts.recv().await {
        println!("{}: {} words", batch.time, batch.records.len());
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use streaming_runtime::{ManualClock, connect::collect};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    async fn page(server: SocketAddr, path: &str) -> String {
        let mut connection = TcpStream::connect(server).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body.to_owned()
    }

    #[tokio::test]
    async fn prometheus_can_scrape_a_job() {
        let prometheus = PrometheusBuilder::new().install_recorder().expect("there is none yet");
        let exporter = metrics_exporter();
        let (clock, (sender, source), (sink, counts)) = (ManualClock::new(), channel(8), collect());
        let engine = Engine::new().manual_clock(&clock).listener(exporter.clone()).name("spoken");
        let mut job = engine.start(words::Ports { words: source, counts: sink }).expect("it starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("it is bound");
        let pages = metrics(prometheus, exporter, job.monitor());
        tokio::spawn(async move { axum::serve(listener, pages).await });

        let spoken = ["the", "fox", "the"].map(str::to_owned).to_vec();
        sender.send_all(spoken).await.expect("it runs");
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
        let numbers = page(server, "/metrics").await;
        let has = |line: &str| assert!(numbers.lines().any(|other| other == line), "{line}\n{numbers}");
        has(r#"streaming_records_total{job="spoken"} 3"#);
        has(r#"streaming_job_running{job="spoken"} 1"#);
        has(r#"streaming_source_records_total{job="spoken",source="words"} 3"#);
        has(r#"streaming_sink_records_total{job="spoken",sink="counts"} 2"#);
        has(r#"streaming_batch_processing_delay_seconds_count{job="spoken"} 1"#);
        // Two keys, two in the pane, two gathered.
        let operator = r#"job="spoken",operator="words/counts/count_by_value""#;
        has(&format!("streaming_operator_state_records{{{operator}}} 6"));
        assert_eq!(counts.records().len(), 2);
        let why = page(server, "/explain").await;
        assert_eq!(
            why,
            "sink `counts`: delivered up to 1970-01-01 00:00:01.000 UTC; the open batch closes at 1970-01-01 00:00:02.000 UTC, in 1s\n"
        );

        job.stop().await.expect("it stops well");
        let numbers = page(server, "/metrics").await;
        let has = |line: &str| assert!(numbers.lines().any(|other| other == line), "{line}\n{numbers}");
        has(r#"streaming_job_running{job="spoken"} 0"#);
        has(r#"streaming_jobs_ended_total{code="ok"} 1"#);
        has(&format!("streaming_operator_records_in_total{{{operator}}} 3"));
    }
}
