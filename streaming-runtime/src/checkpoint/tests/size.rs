//! The place follows what is live, not what was.

use crate::checkpoint::{Settings, tests::run::Run};

fn bytes_after(epochs: u64) -> usize {
    let mut run = Run::new(5);
    run.work.window = 30;
    run.work.workers = 1;
    run.work.operators.truncate(2);
    run.work.pane = 200;
    run.settings = Settings { segment: 4 << 10, ..Settings::default() };
    run.skips_state = true;
    run.live(epochs, true).expect("the disk is good");
    run.disk.files().values().map(Vec::len).sum()
}

#[test]
fn ten_thousand_batches_of_a_window_of_thirty_take_no_more_than_three_times_what_a_hundred_take() {
    let (few, many) = (bytes_after(100), bytes_after(10_000));
    assert!(many <= 3 * few, "{many} against {few}");
}
