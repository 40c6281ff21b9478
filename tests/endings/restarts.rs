//! Jobs with checkpoints that are stopped and started again: each slide once, whenever that was.

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    ManualClock,
    connect::{channel, collect, durable, queue, text_files},
    prelude::*,
};
use support::block_on;

use crate::work::{Cut, History, Outputs, check, got, start};

/// Stops after so many batches, as often, then lets the sources end; with checkpoints in `directory`.
async fn run(batches: &[Vec<u64>], stops: &[usize], cuts: (Cut, Cut, Cut)) -> Outputs {
    let directory = tempfile::tempdir().expect("a directory");
    let (clock, mut outputs) = (ManualClock::new(), Outputs::default());
    let engine = |workers| {
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        engine.checkpoint(streaming_runtime::Checkpoint::new(directory.path()).segment_bytes(2000))
    };
    for (nth, upto) in stops.iter().enumerate() {
        let mut running = start(&engine(1 + nth % 3), queue(batches.to_vec()), cuts);
        let to = secs(*upto as u64);
        clock.advance(to.saturating_sub(std::time::Duration::from_nanos(clock.now().as_nanos())));
        running.job().delivered(clock.now()).await.expect("it runs");
        running.job().stop().await.expect("it stops");
        running.add_to(&mut outputs);
    }
    for again in 0..3 {
        let mut running = start(&engine(1 + again), queue(batches.to_vec()), cuts);
        clock.advance(secs(1000));
        running.job().join().await.expect("it ends well");
        running.add_to(&mut outputs);
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, ..ProptestConfig::default() })]

    #[test]
    fn nothing_twice_and_nothing_left_out(
        batches in vec(vec(0..40_u64, 0..4), 2..16),
        stops in vec(any::<proptest::sample::Index>(), 0..4),
        cuts in crate::random::cuts(),
    ) {
        // Before the last batch: with it the source ends.
        let mut stops: Vec<usize> = stops.iter().map(|stop| 1 + stop.index(batches.len() - 1)).collect();
        stops.sort();
        let outputs = block_on(run(&batches, &stops, cuts));
        let what = format!("{cuts:?}, stopped after {stops:?}, {batches:?}");
        check(&outputs, &History::of(&batches), cuts, false, &what);
    }

    /// An ended job whose source has more later, more than once: windows go on with what they had.
    #[test]
    fn an_ended_job_goes_on_behind_its_end(
        batches in vec(vec(0..40_u64, 0..4), 3..16),
        ends in vec(any::<proptest::sample::Index>(), 1..4),
        cuts in crate::random::cuts(),
    ) {
        let mut ends: Vec<usize> = ends.iter().map(|end| 1 + end.index(batches.len())).collect();
        ends.sort();
        ends.dedup();
        if ends.last() != Some(&batches.len()) {
            ends.push(batches.len());
        }
        let directory = tempfile::tempdir().expect("a directory");
        let (clock, mut outputs, mut history) = (ManualClock::new(), Outputs::default(), History::default());
        let slides = [cuts.0.1, cuts.1.1, cuts.2.1].map(|slide| slide.as_secs());
        let (mut time, mut done) = (0, 0);
        for (nth, end) in ends.iter().enumerate() {
            for batch in &batches[done..*end] {
                time += 1;
                history.regular.insert(time, batch.clone());
            }
            done = *end;
            history.ends.push(time);
            let last = slides.iter().filter(|slide| !time.is_multiple_of(**slide)).map(|slide| time.next_multiple_of(*slide));
            time = last.max().unwrap_or(time);
            block_on(async {
                let engine = Engine::new().workers(1 + nth % 3).manual_clock(&clock);
                let engine = engine.checkpoint(streaming_runtime::Checkpoint::new(directory.path()).segment_bytes(2000));
                let mut running = start(&engine, queue(batches[..*end].to_vec()), cuts);
                clock.advance(secs(1000));
                running.job().join().await.expect("it ends well");
                running.add_to(&mut outputs);
            });
        }
        let what = format!("{cuts:?}, ended after {ends:?}, {batches:?}");
        check(&outputs, &history, cuts, false, &what);
    }
}

stream!(
    #[batch(secs(1))]
    fn fives<numbers: Source<u64>, out: Sink<u64>, sums: Sink<u64>>() {
        numbers.window(secs(5), secs(5)).to(out);
        numbers.window(secs(10), secs(5)).reduce(|a, b| a + b).to(sums);
    }
);

/// A stop right behind an early batch: the window goes on after the restart, whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_right_behind_an_early_batch() {
    for round in 0..200_u64 {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = ManualClock::new();
        let (mut windows, mut sums) = (Vec::new(), Vec::new());
        let stop_at = round % 7;
        for part in 0..2 {
            let (sender, numbers) = channel(8);
            let ((out, delivered), (sums_sink, summed)) = (collect(), collect());
            let engine = Engine::new().manual_clock(&clock).close_early(true).checkpoint(directory.path());
            let engine = engine.workers(1 + (round as usize + part) % 2);
            let ports = fives::Ports { numbers: durable(numbers), out, sums: sums_sink };
            let mut job = engine.start(ports).expect("it starts");
            let seconds = if part == 0 { 0..stop_at } else { stop_at + 1..13 };
            for n in seconds {
                sender.send(n).await.expect("it runs");
                clock.advance(secs(1));
                job.delivered(clock.now()).await.expect("it runs");
            }
            if part == 0 {
                sender.send(stop_at).await.expect("it runs");
                if round % 2 == 0 {
                    sender.flush().await.expect("it runs");
                }
                job.stop().await.expect("it stops");
                clock.advance(secs(1));
            } else {
                drop(sender);
                job.join().await.expect("it ends well");
            }
            windows.extend(delivered.batches());
            sums.extend(summed.batches());
        }
        let windows = got(&windows);
        let all = |range: std::ops::Range<u64>| range.collect::<Vec<_>>();
        let expected = vec![(5000, all(0..5)), (10_000, all(5..10)), (15_000, all(10..13))];
        assert_eq!(windows, expected, "round {round}");
        let expected = vec![(5000, vec![10]), (10_000, vec![45]), (15_000, vec![(5..13).sum::<u64>()])];
        assert_eq!(got(&sums), expected, "round {round}");
    }
}

/// With a sink that takes the place of what was there, for exactly once.
#[tokio::test]
async fn also_exactly_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = ManualClock::new();
    let batches: Vec<Vec<u64>> = (0..13).map(|n| vec![n]).collect();
    for upto in [3, 8, 13, 13] {
        let out = text_files(directory.path().join("out/fives")).debug();
        let sums = text_files(directory.path().join("out/sums")).debug();
        let checkpoint = streaming_runtime::Checkpoint::new(directory.path().join("state")).exactly_once();
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let mut job =
            engine.start(fives::Ports { numbers: queue(batches.clone()), out, sums }).expect("it starts");
        if upto < 13 {
            let now = clock.now().as_millis();
            clock.advance(std::time::Duration::from_millis(1000 * upto - now));
            job.delivered(clock.now()).await.expect("it runs");
            job.stop().await.expect("it stops");
        } else {
            clock.advance(secs(100));
            job.join().await.expect("it ends well");
        }
    }
    let lines = |name: &str| {
        let text = std::fs::read_to_string(directory.path().join("out").join(name).join("part-00000"));
        text.map(|text| text.lines().map(|line| line.parse::<u64>().expect("a number")).collect::<Vec<_>>())
    };
    assert_eq!(lines("fives-15000").expect("it is there"), [10, 11, 12]);
    assert_eq!(lines("sums-15000").expect("it is there"), [(5..13).sum::<u64>()]);
    assert!(lines("fives-20000").is_err());
    let batches = std::fs::read_dir(directory.path().join("out")).expect("a directory");
    let batches = batches.filter(|entry| entry.as_ref().expect("it can be read").path().is_dir());
    assert_eq!(batches.count(), 6, "and beside them the sinks' marks");
}

stream!(
    #[batch(secs(1))]
    fn lines<lines: Source<String>, out: Sink<String>>() {
        lines.window(secs(20), secs(10)).to(out);
    }
);

/// A file that has ended says nothing again, however long ago that was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_ended_says_nothing_again() {
    for round in 0..20 {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lines.txt");
        std::fs::write(&path, "one\ntwo\n").expect("it is written");
        let clock = ManualClock::new();
        for start in 0..3 {
            let (out, windows) = collect();
            let checkpoint = directory.path().join("state");
            let engine = Engine::new().manual_clock(&clock).workers(1 + round % 2).checkpoint(checkpoint);
            let source = streaming_runtime::connect::file::lines(&path);
            let mut job = engine.start(lines::Ports { lines: source, out }).expect("it starts");
            job.join().await.expect("it ends well");
            match start {
                0 => {
                    assert_eq!(got(&windows.batches()), [(10_000, vec!["one".to_owned(), "two".to_owned()])])
                }
                _ => assert_eq!(windows.batches(), [], "start {start} of round {round}"),
            }
            clock.advance(secs(12));
        }
    }
}
