//! Processes that are killed: at any instant, and at each named point.

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
