//! How a test notices that something hangs, which it cannot wait for.

use std::{sync::mpsc, thread, time::Duration};

/// Far more than anything here takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does `work` on a thread of its own, which is left behind if it hangs.
pub fn within<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    match result.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: it panicked"),
    }
}

/// As many of these at a time as are worth it: most of them wait.
pub fn all<T: Send>(cases: Vec<T>, check: impl Fn(T) + Sync) {
    let cases = std::sync::Mutex::new(cases);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let case = cases.lock().expect("no panic under it").pop();
                    let Some(case) = case else { break };
                    check(case);
                }
            });
        }
    });
}
