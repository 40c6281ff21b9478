//! A service that keeps statistics of its users' last minute: events come in over HTTP, a job keeps a sliding window,
//! and look-ups read a view of it, which costs less than a microsecond and waits for nobody.
//!
//! ```text
//! cargo run --release --example user_stats                 # Ctrl-C stops
//! curl -d '{"user": "ada", "value": 3}' -H 'content-type: application/json' '127.0.0.1:8080/events?wait=true'
//! curl 127.0.0.1:8080/users/ada
//! curl -N 127.0.0.1:8080/users/changes                     # what there is, and what changes, as server-sent events
//! ```
//!
//! `POST /events` takes one event or an array of them, all or none. It answers 202 when the job has them, with
//! `?wait=true` 200 when look-ups reflect them, and 503 when the job is behind: then nothing waits in the service.

use std::{error::Error, future::Future};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response, Sse, sse},
    routing::{get, post},
};
use clap::Parser;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use streaming_runtime::{
    aggregate::{count, max, mean, sum},
    connect::{Sender, View, channel, view_of_changes},
    prelude::*,
};
use tokio::{net::TcpListener, sync::oneshot};
use tracing_subscriber::filter::LevelFilter;

/// What a user did.
#[derive(Clone, Serialize, Deserialize)]
pub struct Event {
    user: String,
    value: f64,
}

/// What a user did in the last minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    count: i64,
    sum: f64,
    mean: f64,
    max: f64,
}

stream!(
    /// Statistics of each user over the last minute, ten times a second.
    #[batch(millis(100))]
    pub fn user_stats<requests: Source<Vec<Event>>, changes: Sink<((String, Statistics), i64)>>() {
        let events = requests.flat_map(|events| events).map(|event| (event.user, event.value));
        let recent = events.window(minutes(1), millis(100));
        let statistics = recent.aggregate_by_key((count(), sum(), mean(), max()));
        let named = statistics.map_values(|(count, sum, mean, max)| Statistics { count, sum, mean, max });
        named.changes().to(changes);
    }
);

#[derive(Clone)]
struct Service {
    requests: Sender<Vec<Event>>,
    users: View<String, Statistics>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    One(Event),
    Many(Vec<Event>),
}

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    wait: bool,
}

async fn post_events(
    State(service): State<Service>,
    Query(options): Query<Options>,
    Json(body): Json<Body>,
) -> Response {
    let events = match body {
        Body::One(event) => vec![event],
        Body::Many(events) => events,
    };
    let unavailable = (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
    let Ok(receipt) = service.requests.try_send_tracked(events) else { return unavailable };
    if !options.wait {
        return StatusCode::ACCEPTED.into_response();
    }
    // The receipt names the batch of the events; the view is waited for, should it only change at every other batch.
    match receipt.await {
        Ok(time) if service.users.wait_until(time).await.is_ok() => StatusCode::OK.into_response(),
        _ => unavailable,
    }
}

async fn get_user(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Statistics>, StatusCode> {
    service.users.get(&id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// First what there is, then what changes. Who does not read fast enough is told so, and connects anew.
async fn get_changes(State(service): State<Service>) -> impl IntoResponse {
    let (now, changes) = service.users.subscribe();
    let first = now.into_iter().map(|(user, statistics)| server_sent(&user, Some(&statistics)));
    let later = changes.flat_map(|change| {
        stream::iter(match change {
            Ok(change) => change.keys.iter().map(|(user, now)| server_sent(user, now.as_ref())).collect(),
            Err(lagged) => vec![Ok(sse::Event::default().event("lagged").data(lagged.to_string()))],
        })
    });
    Sse::new(stream::iter(first).chain(later)).keep_alive(sse::KeepAlive::default())
}

/// A user that is gone has no statistics: `null`.
fn server_sent(user: &str, statistics: Option<&Statistics>) -> Result<sse::Event, axum::Error> {
    sse::Event::default().event("user").json_data((user, statistics))
}

/// Serves until `stop` is ready or the job fails. Requests and batches that are under way are finished first.
async fn serve(listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), Box<dyn Error>> {
    let (requests, source) = channel(256);
    let (changes, users) = view_of_changes();
    let mut job = Engine::new().start(user_stats::Ports { requests: source, changes })?;
    let app = Router::new()
        .route("/events", post(post_events))
        .route("/users/changes", get(get_changes))
        .route("/users/{id}", get(get_user))
        .with_state(Service { requests, users });
    // The job ends first: that ends the streams of changes, which the server would wait for.
    let (ended, has_ended) = oneshot::channel::<()>();
    let job = async move {
        let failed = tokio::select! {
            result = job.join() => Some(result),
            () = stop => None,
        };
        let result = match failed {
            Some(result) => result,
            None => job.stop().await,
        };
        drop(ended);
        result
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(has_ended.await) });
    let (job, server) = tokio::join!(job, server.into_future());
    job?;
    Ok(server?)
}

/// Statistics of users, over HTTP.
#[derive(Parser)]
struct Arguments {
    /// The port, on this machine only.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let listener = TcpListener::bind(("127.0.0.1", Arguments::parse().port)).await?;
    let address = listener.local_addr()?;
    println!("statistics of users at {address}; Ctrl-C stops. Try:");
    println!(
        r#"  curl -d '{{"user": "ada", "value": 3}}' -H 'content-type: application/json' '{address}/events?wait=true'"#
    );
    println!("  curl {address}/users/ada");
    println!("  curl -N {address}/users/changes");
    serve(listener, async { drop(tokio::signal::ctrl_c().await) }).await
}

#[cfg(test)]
mod http_client;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{http_client::Client, *};

    /// Runs `test` against a service of its own, which then has to stop well.
    async fn with_service(test: impl AsyncFnOnce(SocketAddr)) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let test = async {
            test(address).await;
            drop(stop);
        };
        let (served, ()) = tokio::join!(serve(listener, async { drop(stopped.await) }), test);
        served.expect("it stops well");
    }

    #[tokio::test]
    async fn what_was_waited_for_is_in_the_answers() {
        with_service(async |address| {
            let mut client = Client::connect(address).await;
            assert_eq!(client.get("/users/ada").await.status, 404);
            let many =
                r#"[{"user": "ada", "value": 3}, {"user": "bob", "value": 1}, {"user": "ada", "value": 5}]"#;
            assert_eq!(client.post("/events?wait=true", many).await.status, 200);
            let ada = client.get("/users/ada").await;
            assert_eq!(ada.status, 200);
            let statistics: Statistics = serde_json::from_str(&ada.text().await).expect("statistics");
            assert_eq!(statistics, Statistics { count: 2, sum: 8.0, mean: 4.0, max: 5.0 });
            assert_eq!(client.post("/events", r#"{"user": "eve", "value": 2}"#).await.status, 202);
            assert_eq!(client.post("/events?wait=true", "[]").await.status, 200, "eve is in it or before");
            assert_eq!(client.get("/users/eve").await.status, 200);
            assert_eq!(client.post("/events", r#"{"user": "eve"}"#).await.status, 422);
        })
        .await;
    }

    #[tokio::test]
    async fn changes_come_as_they_are_and_end_with_the_service() {
        let mut changes = None;
        with_service(async |address| {
            let mut client = Client::connect(address).await;
            assert_eq!(client.post("/events?wait=true", r#"{"user": "ada", "value": 3}"#).await.status, 200);
            let mut all = Client::connect(address).await.get("/users/changes").await;
            assert_eq!(all.status, 200);
            all.until(r#"["ada",{"count":1,"#).await;
            assert_eq!(client.post("/events", r#"{"user": "bob", "value": 1}"#).await.status, 202);
            all.until(r#"["bob",{"count":1,"#).await;
            changes = Some(all);
        })
        .await;
        changes.expect("it was opened").text().await; // ends
    }

    #[tokio::test]
    async fn a_job_that_is_behind_is_not_waited_for() {
        let ((requests, _behind), (_, users)) = (channel(1), view_of_changes());
        let post = || async {
            let body = Body::One(Event { user: "ada".to_owned(), value: 1.0 });
            let service = Service { requests: requests.clone(), users: users.clone() };
            post_events(State(service), Query(Options { wait: false }), Json(body)).await
        };
        assert_eq!(post().await.status(), 202);
        let refused = post().await;
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"1".parse().expect("a value"))
        );
    }
}
