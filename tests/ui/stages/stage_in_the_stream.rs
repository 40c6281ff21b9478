use streaming_runtime::prelude::*;

stream!(
    fn shouted<'s>(words: Stream<'s, String>, marks: usize) -> Stream<'s, String> {
        words.map(move |word| word.to_uppercase() + &"!".repeat(marks))
    }

    #[batch(secs(1))]
    fn louder<words: Source<String>, out: Sink<String>>() {
        shouted(words, 2).to(out);
    }
);

fn main() {
    println!("{}", louder::PLAN);
}
