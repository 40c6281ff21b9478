//! Random windows and batches, against going through everything for each slide.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    ManualClock,
    connect::{channel, queue},
    prelude::*,
};
use support::block_on;

use crate::work::{Cut, History, Outputs, check, start};

/// How batches come.
#[derive(Clone, Copy, Debug)]
enum Way {
    Queue,
    /// From a channel, each batch in two parts, of which the first is closed early.
    Early {
        stops: bool,
    },
}

pub fn cuts() -> impl Strategy<Value = (Cut, Cut, Cut)> {
    let cut = || (1..=12_u64, 1..=6_u64).prop_map(|(size, slide)| (secs(size), secs(slide)));
    (cut(), cut(), 1..=3_u32, 1..=3_u32)
        .prop_map(|(one, other, size, slide)| (one, other, (one.1 * size, one.1 * slide)))
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::Queue), Just(Way::Early { stops: false }), Just(Way::Early { stops: true })]
}

async fn run(batches: &[Vec<u64>], cuts: (Cut, Cut, Cut), workers: usize, way: Way) -> Outputs {
    let clock = ManualClock::new();
    let engine = Engine::new().workers(workers).manual_clock(&clock);
    let mut outputs = Outputs::default();
    match way {
        Way::Queue => {
            let mut running = start(&engine, queue(batches.to_vec()), cuts);
            clock.advance(secs(1000));
            running.job().join().await.expect("it ends well");
            running.add_to(&mut outputs);
        }
        Way::Early { stops } => {
            let (sender, source) = channel(8);
            let mut running = start(&engine.close_early(true), source, cuts);
            for (nth, batch) in batches.iter().enumerate() {
                clock.advance(Duration::from_millis(300));
                let (now, later) = batch.split_at(batch.len() / 2);
                for part in [now, later] {
                    sender.send_all(part.to_vec()).await.expect("it runs");
                    if !part.is_empty() {
                        sender.flush().await.expect("it runs");
                    }
                }
                // The last boundary is for the end to close, if there was anything before it.
                if nth + 1 < batches.len() || batch.is_empty() {
                    clock.advance(Duration::from_millis(700));
                    running.job().delivered(clock.now()).await.expect("it runs");
                }
            }
            match stops {
                true => running.job().stop().await.expect("it stops"),
                false => {
                    drop(sender);
                    running.job().join().await.expect("it ends well");
                }
            }
            running.add_to(&mut outputs);
        }
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn all_slides_and_one_at_the_end(
        batches in vec(vec(0..40_u64, 0..5), 1..20),
        cuts in cuts(),
        workers in 1..=3_usize,
        way in way(),
    ) {
        let outputs = block_on(run(&batches, cuts, workers, way));
        let what = format!("{cuts:?}, {workers} workers, {way:?}, {batches:?}");
        check(&outputs, &History::of(&batches), cuts, matches!(way, Way::Early { .. }), &what);
    }
}
