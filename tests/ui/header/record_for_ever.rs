//! A record that is read from a checkpoint borrows from nobody.

use streaming_runtime::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Click<'a> {
    page: &'a str,
}

stream!(
    #[batch(secs(1))]
    fn flow<clicks: Source<Click<'static>>, pages: Sink<String>>() {
        clicks.map(|click| click.page.to_owned()).to(pages);
    }
);

fn main() {}
