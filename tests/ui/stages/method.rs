//! A stage is a function.

use streaming_runtime::prelude::*;

trait Long<'s> {
    fn long(self) -> Stream<'s, String>;
}

impl<'s> Long<'s> for Stream<'s, String> {
    stage!(
        fn long(self) -> Stream<'s, String> {
            self.filter(|word| word.len() > 3)
        }
    );
}

fn main() {}
