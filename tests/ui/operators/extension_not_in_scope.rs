//! An operator of one's own whose trait is not imported.

use streaming_runtime::prelude::*;

mod own {
    use streaming_runtime::Stream;

    pub trait Shout<'s> {
        fn shout(self) -> Stream<'s, String>;
    }

    impl<'s> Shout<'s> for Stream<'s, String> {
        fn shout(self) -> Stream<'s, String> {
            self.map(|word| word.to_uppercase()).share()
        }
    }
}

stream!(
    #[batch(secs(1))]
    fn flow<words: Source<String>, out: Sink<String>>() {
        words.shout().to(out);
    }
);

fn main() {}
