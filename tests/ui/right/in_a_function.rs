//! A pipeline stands wherever an item may: a test declares its own, with records of its own.

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    connect::{channel, console},
    prelude::*,
};

#[test]
fn a_function_holds_a_pipeline() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Click {
        user: u64,
    }
    stream!(
        /// Clicks of a user.
        #[batch(secs(1))]
        fn clicks_of<clicks: Source<Click>, out: Sink<(u64, Vec<Click>)>>(user: u64) {
            clicks.filter(move |click| click.user == user).key_by(|click| click.user).group_by_key().to(out);
        }
    );
    assert!(clicks_of::PLAN.starts_with("flowchart"), "{}", clicks_of::PLAN);
    let (_sender, clicks) = channel::<Click>(8);
    let _ = || Engine::new().start(clicks_of::Ports { clicks, out: console(), user: 7 });
}
