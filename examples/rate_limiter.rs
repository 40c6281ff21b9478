//! A service that limits how often clients do something: so many times in any window, which slides. Other services ask
//! it first.
//!
//! ```text
//! cargo run --release --example rate_limiter -- --quota 5 --window 10     # Ctrl-C stops
//! curl -i -X POST 127.0.0.1:8080/check/ada
//! ```
//!
//! `POST /check/{client}` answers 200 when the client may, and counts it; 429 when it may not, with `Retry-After` in
//! seconds; 503 when the service is behind.
//!
//! The decision is the pipeline's: it keeps the times of what it let pass by client, takes requests in their order and
//! forgets clients by itself. Batches close early, so an answer takes some ten microseconds longer than without.

use std::{
    collections::{HashMap, VecDeque},
    error::Error,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use clap::Parser;
use streaming_runtime::{
    Engine,
    connect::{Batch, ConnectorError, Sender, channel},
    prelude::*,
};
use tokio::{net::TcpListener, sync::oneshot};
use tracing_subscriber::filter::LevelFilter;

/// A request's number, and how many nanoseconds it is too early.
type Decision = (u64, u64);

stream!(
    /// Lets each client pass `quota` times in any `window`. Requests are numbered.
    #[batch(secs(1))]
    pub fn admission<requests: Source<(String, u64)>, decisions: Sink<Decision>>(
        quota: u32,
        window: Duration,
    ) {
        let (decided, _) = requests.map_with_state_from(
            idle_for(window),
            [],
            move |now, _client, request, passed: &mut KeyState<VecDeque<u64>>| {
                let request = request?; // or the client is forgotten
                let now = now.as_nanos();
                let mut times = passed.get().cloned().unwrap_or_default();
                let leaves = |time: &u64| time + window.as_nanos() as u64;
                while times.front().is_some_and(|time| leaves(time) <= now) {
                    times.pop_front();
                }
                let too_early = match times.front() {
                    Some(oldest) if times.len() >= quota as usize => leaves(oldest) - now,
                    _ => 0,
                };
                if too_early == 0 {
                    times.push_back(now);
                    passed.update(times);
                }
                Some((request, too_early))
            },
        );
        decided.to(decisions);
    }
);

/// Whom to tell how much too early a request is, by its number.
type Requests = HashMap<u64, oneshot::Sender<Duration>>;

/// Requests that wait for their decision; none any more when the job has ended.
#[derive(Clone)]
struct Waiting(Arc<Mutex<Option<Requests>>>);

impl Waiting {
    fn with<R>(&self, f: impl FnOnce(&mut Requests) -> R) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(f)
    }
}

/// Tells the requests of a batch.
struct Tell(Waiting);

impl Sink<Decision> for Tell {
    async fn write(&mut self, batch: Batch<Decision>) -> Result<(), ConnectorError> {
        self.0.with(|waiting| {
            for (request, too_early) in batch.records {
                // A client that has hung up does not want to know.
                let _ = waiting.remove(&request).map(|told| told.send(Duration::from_nanos(too_early)));
            }
        });
        Ok(())
    }
}

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[derive(Clone)]
struct Service {
    requests: Sender<(String, u64)>,
    waiting: Waiting,
    last: Arc<AtomicU64>,
}

impl Service {
    /// How much too early a client is; `None` when nobody decides now.
    async fn decide(&self, client: String) -> Option<Duration> {
        let request = self.last.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.waiting.with(|waiting| waiting.insert(request, tell))?;
        if self.requests.try_send((client, request)).is_err() {
            self.waiting.with(|waiting| waiting.remove(&request));
        }
        told.await.ok()
    }
}

async fn check(State(service): State<Service>, Path(client): Path<String>) -> Response {
    let (status, seconds) = match service.decide(client).await {
        Some(Duration::ZERO) => return StatusCode::OK.into_response(),
        Some(too_early) => (StatusCode::TOO_MANY_REQUESTS, too_early.as_secs_f64().ceil() as u64),
        None => (StatusCode::SERVICE_UNAVAILABLE, 1),
    };
    (status, [(header::RETRY_AFTER, seconds)]).into_response()
}

/// How often clients may do something.
#[derive(Parser)]
struct Arguments {
    /// The port, on this machine only.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// How often a client may in a window.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    quota: u32,
    /// The window, in seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    window: u64,
}

/// Serves until `stop` is ready or the job fails. Requests that are under way are answered first.
async fn serve(
    listener: TcpListener,
    engine: Engine,
    (quota, window): (u32, Duration),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let (requests, source) = channel(4096);
    let waiting = Waiting(Arc::new(Mutex::new(Some(HashMap::new()))));
    let decisions = Tell(waiting.clone());
    let mut job =
        engine.close_early(true).start(admission::Ports { requests: source, decisions, quota, window })?;
    let service = Service { requests, waiting, last: Arc::default() };
    let app = Router::new().route("/check/{client}", post(check)).with_state(service);
    let server = axum::serve(listener, app).with_graceful_shutdown(stop);
    tokio::select! {
        result = job.join() => return Ok(result?),
        result = server.into_future() => result?,
    }
    Ok(job.stop().await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { port, quota, window } = Arguments::parse();
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!(
        "{quota} times in any {window} s for each client, at {address}; Ctrl-C stops. Try, more than once:"
    );
    println!("  curl -i -X POST {address}/check/ada");
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    serve(listener, Engine::new(), (quota, secs(window)), stop).await
}

#[cfg(test)]
mod http_client;

#[cfg(test)]
mod tests {
    use streaming_runtime::{BatchInfo, BatchTime, Listener, ManualClock};
    use tokio::sync::watch;

    use super::{http_client::Client, *};

    /// Says how far the job has come.
    struct Delivered(watch::Sender<BatchTime>);

    impl Listener for Delivered {
        fn batch_completed(&self, batch: &BatchInfo) {
            self.0.send_replace(batch.time);
        }
    }

    #[tokio::test]
    async fn a_client_passes_as_often_as_its_quota_in_any_window() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let clock = ManualClock::new();
        let (delivered, mut at) = watch::channel(clock.now());
        let engine = Engine::new().manual_clock(&clock).listener(Delivered(delivered));
        let test = async {
            let mut client = Client::connect(address).await;
            let mut check = async |name: &str| {
                let answer = client.post(&format!("/check/{name}"), "").await;
                let retry =
                    answer.headers.get("retry-after").map(|value| value.to_str().expect("text").to_owned());
                let status = answer.status;
                answer.text().await;
                (status, retry.map(|seconds| seconds.parse::<u64>().expect("seconds")))
            };
            assert_eq!(check("ada").await, (200, None));
            clock.advance(millis(6500));
            at.wait_for(|at| at.as_millis() >= 6000).await.expect("the job runs");
            assert_eq!(check("ada").await, (200, None));
            assert_eq!(check("ada").await, (429, Some(4)), "the first leaves in 3.5 s");
            assert_eq!(check("bob").await, (200, None), "others are others");
            clock.advance(millis(4000));
            at.wait_for(|at| at.as_millis() >= 10_000).await.expect("the job runs");
            assert_eq!(check("ada").await, (200, None), "what was refused does not count");
            assert_eq!(check("ada").await, (429, Some(6)), "the second leaves in 6 s");
            drop(stop);
        };
        let served = serve(listener, engine, (2, secs(10)), async { drop(stopped.await) });
        let (served, ()) = tokio::join!(served, test);
        served.expect("it stops well");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_job_that_is_behind_or_gone() {
        let (requests, source) = channel(1);
        let waiting = Waiting(Arc::new(Mutex::new(Some(HashMap::new()))));
        let service = Service { requests, waiting: waiting.clone(), last: Arc::default() };
        service.requests.try_send(("ada".to_owned(), 7)).expect("room for one");
        assert_eq!(check(State(service.clone()), Path("bob".to_owned())).await.status(), 503);
        let waits = tokio::spawn({
            let (told, waiting) = (oneshot::channel(), waiting.clone());
            waiting.with(|waiting| waiting.insert(8, told.0)).expect("the job lives");
            told.1
        });
        drop((source, Tell(waiting)));
        assert!(waits.await.expect("no panic").is_err(), "who waits is told when the job ends");
        assert_eq!(check(State(service), Path("eve".to_owned())).await.status(), 503);
    }
}
