//! Names that are keywords.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    fn r#loop<r#in: Source<u64>, r#final: Sink<u64>>(r#type: u64) {
        let r#match = r#in.filter(move |n| *n > r#type);
        r#match.map(|r#fn| r#fn + 1).to(r#final);
    }
);

#[test]
fn keywords_are_names() {
    assert_eq!(r#loop::OPERATORS, ["loop/match/filter", "loop/final/map", "loop/final/to"]);
    let _ = |r#in: streaming_runtime::connect::ChannelSource<u64>| {
        Engine::new().start(r#loop::Ports { r#in, r#final: streaming_runtime::connect::console(), r#type: 1 })
    };
}
