//! State is kept by key.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<u64>>() {
        let (users, _) = words.map_with_state(idle_for(minutes(30)), |user: &u64, page: Option<String>, n: &mut KeyState<u64>| Some(*user));
        users.to(out);
    }
);

fn main() {}
