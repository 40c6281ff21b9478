//! Processes that are killed: at any instant, and at each named point.

use streaming_runtime::checkpoint::CRASH_POINTS;

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

/// At each point when it is passed for the first time in a process, the second, to the fifth. Those that a process does not
/// pass so often, because they are of a start, are met as often all the same: after crashes at different places, with a
/// write that was cut short behind them.
#[test]
fn at_each_point() {
    let directory = tempfile::tempdir().expect("temp");
    // All kinds of state, and all kinds of sinks, in turn.
    let mut trials: Vec<Trial> = [Job::Window, Job::Sessions, Job::Update]
        .map(|job| Trial::new(me(), job, (3, 40, 1 << 10), directory.path()))
        .into();
    let mut dice = Dice::new(1);
    for (nth, point) in CRASH_POINTS.iter().enumerate() {
        let mut met = 0;
        // Whether a process may pass it so often.
        let mut again = true;
        for time in 1..=TIMES {
            let at = nth + time as usize;
            let trial = &mut trials[at % 3];
            let mut workers = || 1 + dice.below(2) as usize;
            trial.begin();
            let mut ended = Ended::Itself;
            if again {
                ended = trial.upto(Some(&format!("{point}:{time}")), workers());
            }
            if ended == Ended::Itself {
                again = false;
                trial.begin();
                let before = format!("after-sync:{}", 3 + 4 * time);
                assert_eq!(trial.upto(Some(&before), workers()), Ended::Killed, "{before} is not passed");
                trial.tear();
                ended = trial.upto(Some(&format!("{point}:1")), workers());
            }
            met += u64::from(ended == Ended::Killed);
            trial.upto(None, workers());
            trial.check();
        }
        assert_eq!(met, TIMES, "`{point}` is not passed so often");
    }
}
