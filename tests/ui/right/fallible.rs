//! Where what fails may go.

use streaming_runtime::prelude::*;

stream!(
    #[batch(secs(1))]
    pub fn three_ends<lines: Source<String>, out: Sink<i64>, dead: Sink<(String, String)>>(most: i64) {
        let (numbers, failed) = lines.try_map(|line| match line.parse::<i64>() {
            Ok(number) => Ok(number),
            Err(error) => Err((line, error.to_string())),
        });
        let (small, large) = numbers.try_map(move |n| if n <= most { Ok(n) } else { Err(n) });
        let (halves, odd) = small.try_map(|n| {
            let half = if n % 2 == 0 { Some(n / 2) } else { None };
            half.ok_or(format!("{n} is odd"))
        });
        halves.to(out);
        failed.to(dead);
        large.skip();
        odd.fail();
    }
);

stream!(
    /// The question mark, functions, windows, what is kept, and a reader of failures that counts them.
    #[batch(secs(1))]
    pub fn kinds<
        lines: Source<String>,
        tried: Source<Result<i64, String>>,
        out: Sink<i64>,
        failures: Sink<i64>,
    >() {
        fn parsed(line: String) -> Result<i64, String> {
            line.parse().map_err(|_| line)
        }
        let recent = lines.window(secs(2), secs(1));
        let (numbers, failed) = recent.try_map(|line| {
            let number: i64 = line.parse().map_err(|_| "no number".to_owned())?;
            Ok::<_, String>(number)
        });
        let (kept, bad): (Stream<'_, i64, _>, Stream<'_, String, _>) = recent.distinct().try_map(parsed);
        let (given, refused) = tried.try_map(|item| item);
        numbers.reduce(i64::max).union(kept).to(out);
        failed.count().to(failures);
        bad.fail();
        given.skip();
        refused.map(|why| why.len() as u64).skip();
    }
);

/// In code of one's own it is as it is in `stream!`.
pub trait Numbers<'s> {
    fn numbers(self) -> Stream<'s, i64>;
}

impl<'s> Numbers<'s> for Stream<'s, String> {
    fn numbers(self) -> Stream<'s, i64> {
        let (numbers, failed) = self.try_map(|line| line.parse::<i64>().map_err(|_| line));
        failed.skip();
        numbers
    }
}

stream!(
    #[batch(secs(1))]
    pub fn by_hand<lines: Source<String>, out: Sink<i64>>() {
        lines.numbers().to(out);
    }
);
