//! Ports that a program may not have, and what `macro_rules` hand over.

use streaming_runtime::{connect::ChannelSource, connect::console, prelude::*};

stream!(
    #[batch(secs(1))]
    fn audited<a: Source<i64>, #[cfg(test)] out: Sink<i64>, #[cfg(not(test))] audit: Sink<i64>>(
        #[cfg(test)] least: i64,
    ) {
        #[cfg(test)]
        a.filter(move |number| *number >= least).to(out);
        #[cfg(not(test))]
        a.to(audit);
    }
);

macro_rules! repeated {
    ($name:ident, $batch:expr, $length:expr, $record:ty, $port:ident) => {
        stream!(
            #[batch($batch)]
            fn $name<a: Source<$record>, $port: Sink<$record>>() {
                a.window($length, $batch).to($port);
            }
        );
    };
}
repeated!(recent, secs(2), secs(10), i64, out);

macro_rules! long {
    ($words:expr) => {
        $words.filter(|word| word.len() > 3)
    };
}

stream!(
    #[batch(secs(1))]
    fn by_a_macro<words: Source<String>, out: Sink<String>>() {
        long!(words).to(out);
    }
);

#[test]
fn a_port_is_there_where_its_condition_holds() {
    let _ = |a: ChannelSource<i64>| Engine::new().start(audited::Ports { a, out: console(), least: 3 });
    assert_eq!(audited::<(), ()>::OPERATORS, ["audited/out/filter", "audited/out/to"]);
    let _ = |words: ChannelSource<String>| Engine::new().start(by_a_macro::Ports { words, out: console() });
    assert_eq!(<recent<(), ()>>::OPERATORS, ["recent/out/window", "recent/out/to"]);
}
