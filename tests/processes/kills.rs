//! Processes that are killed: at any instant, and at each named point.

use streaming_runtime::testing::CRASH_POINTS;

use super::soak::{Child, Dice, Ended, Job, Trial, child};

/// This binary as a child.
fn me() -> Child {
    let (_, module) = module_path!().split_once("::").expect("a module of the binary");
    let arguments = vec![format!("{module}::process"), "--exact".to_owned(), "--nocapture".to_owned()];
    Child { program: std::env::current_exe().expect("it runs"), arguments }
}

/// The children: a test only if it is given a role.
#[test]
fn process() {
    if let Some(role) = Child::role() {
        child(&role).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// The same with 200 kills is `benches -- soak`.
#[test]
fn at_any_instant() {
    let directory = tempfile::tempdir().expect("temp");
    let mut dice = Dice::new(5);
    for job in Job::ALL {
        let mut trial = Trial::new(me(), job, (7, 60, 4 << 10), directory.path());
        while trial.kills < 4 {
            trial.with_kills(4, &mut dice);
        }
    }
}

/// How often the process is ended at each point.
const TIMES: u64 = 5;

/// Up to how many syncs a crash is tried after, for the points of a start.
const TRIED: u64 = 23;

/// At each point when it is passed for the first time in a process, the second, to the fifth. Those that a process does not
/// pass so often, because they are of a start, are met as often all the same: after crashes at different places, with a
/// write that was cut short behind them.
#[test]
fn at_each_point() {
    const TOGETHER: usize = 4; // a child mostly waits for the disk
    std::thread::scope(|scope| {
        for part in 0..TOGETHER {
            let points = CRASH_POINTS.iter().enumerate().skip(part).step_by(TOGETHER);
            scope.spawn(move || {
                let directory = tempfile::tempdir().expect("temp");
                // All kinds of state, and all kinds of sinks, in turn.
                let mut trials = [Job::Window, Job::Sessions, Job::Update]
                    .map(|job| Trial::new(me(), job, (3, 60, 512), directory.path()));
                let mut dice = Dice::new(part as u64);
                for (nth, point) in points {
                    let met = (1..=TIMES).filter(|&time| {
                        is_met(&mut trials[(nth + time as usize) % 3], point, time, &mut dice)
                    });
                    assert_eq!(met.count(), TIMES as usize, "`{point}` is not passed so often");
                }
            });
        }
    });
}

/// Whether a job ended at a point, when it was passed for the `time`-th time if it is so often, before it went on to its end.
fn is_met(trial: &mut Trial, point: &str, time: u64, dice: &mut Dice) -> bool {
    let mut workers = || 1 + dice.below(2) as usize;
    trial.begin();
    let mut ended = trial.upto(Some(&format!("{point}:{time}")), workers());
    // Behind an early crash there is more to come. How many syncs there are is a matter of time, and so is whether a torn
    // log held a batch: one without is removed, not cut.
    for syncs in (3..=3 + 4 * time).rev().chain(3..=TRIED) {
        if ended == Ended::Killed {
            break;
        }
        trial.begin();
        if trial.upto(Some(&format!("after-sync:{syncs}")), workers()) == Ended::Itself {
            continue;
        }
        trial.tear();
        ended = trial.upto(Some(&format!("{point}:1")), workers());
    }
    trial.upto(None, workers());
    trial.check();
    ended == Ended::Killed
}
