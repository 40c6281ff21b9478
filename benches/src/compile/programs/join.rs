//! A join of two windows, with records and keys of its own.

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    connect::{console, queue},
    prelude::*,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Campaign(pub String);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shown {
    pub user: u64,
    pub page: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Clicked {
    pub user: u64,
    pub cents: u32,
}

stream!(
    #[batch(secs(1))]
    pub fn join<
        shown: Source<(Campaign, Shown)>,
        clicked: Source<(Campaign, Clicked)>,
        pairs: Sink<(Campaign, (Shown, Clicked))>,
    >() {
        let seen = shown.window(minutes(1), secs(1));
        let taken = clicked.window(minutes(1), secs(1));
        seen.join(taken).to(pairs);
    }
);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shown = (Campaign("a".to_owned()), Shown { user: 1, page: "p".to_owned() });
    let clicked = (Campaign("a".to_owned()), Clicked { user: 1, cents: 20 });
    let ports = join::Ports {
        shown: queue(vec![vec![shown]]),
        clicked: queue(vec![vec![clicked]]),
        pairs: console(),
    };
    let mut job = Engine::new().start(ports)?;
    job.join().await?;
    Ok(())
}
