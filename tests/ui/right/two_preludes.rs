//! The prelude beside that of `futures`, both by `*`.

use futures::{future, prelude::*};
use streaming_runtime::{
    Stream,
    connect::{channel_sink, from_stream},
    prelude::*,
};

fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
    words.filter(|word| word.len() > 3).share()
}

stream!(
    #[batch(secs(1))]
    fn long_words<words: Source<String>, out: Sink<String>>() {
        long(words.map(|word| word.to_uppercase())).to(out);
    }
);

#[tokio::test]
async fn both_are_imported() {
    let words = futures::stream::iter(["a", "long", "word"]).map(str::to_owned).boxed();
    let (out, batches) = channel_sink(4);
    let mut job =
        Engine::new().start(long_words::Ports { words: from_stream(words), out }).expect("it starts");
    let (all, ended) = future::join(batches.collect::<Vec<_>>(), job.join()).await;
    ended.expect("it ends");
    let records: Vec<String> = all.into_iter().flat_map(|batch| batch.records).collect();
    assert_eq!(records, ["LONG", "WORD"]);
}
