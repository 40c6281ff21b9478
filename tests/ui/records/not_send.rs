//! Workers are threads.

use streaming_runtime::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Click {
    #[serde(skip)]
    user: std::rc::Rc<u64>,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click>, out: Sink<u64>>() {
        clicks.map(|click| *click.user).to(out);
    }
);

fn main() {}
