//! The file beside the program that says what its operators keep.

use std::{fs, path::Path, process::Command};

use streaming_runtime::{Checkpoint, Job, ManualClock, StartError, checkpoint::CheckpointError, prelude::*};

use support::{Lasting, block_on};

use super::wiring::{deliver, files, numbers, temporary};

mod before {
    use super::*;
    stream!(
        #[batch(secs(1))]
        pub(super) fn shop<numbers: Source<i64>, out: Sink<i64>>() {
            let recent = numbers.window(secs(3), secs(1)).count();
            recent.to(out);
        }
    );
}

mod after {
    use super::*;
    stream!(
        /// Keeps more.
        #[batch(secs(1))]
        pub(super) fn shop<numbers: Source<i64>, out: Sink<i64>, all: Sink<((), i64)>>() {
            let recent = numbers.window(secs(3), secs(1)).count();
            recent.to(out);
            let sums = numbers
                .map(|n| ((), n))
                .update_state(|(), sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
            sums.allow_unbounded("it is one key").to(all);
        }
    );
}

/// Where the child that renews the file is to run.
const PLACE: &str = "STREAMING_TEST_LOCK_FILE";

fn engine(place: &Path, clock: &ManualClock) -> Engine {
    let checkpoint = Checkpoint::new(place.join("state")).lock_file(place.join("stream.lock"));
    Engine::new().manual_clock(clock).checkpoint(checkpoint)
}

fn changed(place: &Path, clock: &ManualClock) -> Result<Job, StartError> {
    let (out, all) = (Lasting::default(), Lasting::default());
    engine(place, clock).start(after::shop::Ports { numbers: numbers(), out, all })
}

/// The child: a test only if it is given a place.
#[test]
fn renewed() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    block_on(async {
        let clock = ManualClock::new();
        clock.advance(secs(10));
        let mut job = changed(Path::new(&place), &clock).expect("it starts");
        deliver(&mut job, &clock, 1).await.expect("it is renewed");
        job.stop().await.expect("it stops");
    });
}

#[tokio::test]
async fn it_is_made_held_against_the_program_and_renewed() {
    let (place, clock) = (temporary(), ManualClock::new());
    let lock = place.path().join("stream.lock");
    for _ in 0..2 {
        let ports = before::shop::Ports { numbers: numbers(), out: Lasting::default() };
        let mut job = engine(place.path(), &clock).start(ports).expect("it starts");
        deliver(&mut job, &clock, 1).await.expect("it fits");
        job.stop().await.expect("it stops");
    }
    let made = fs::read_to_string(&lock).expect("it is made");
    let says = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let kept = "shop/recent/count = panes for 3s every 1s";
    assert!(says(&made).len() == 2 && says(&made)[0] == "pipeline = shop", "{made}");
    assert!(says(&made)[1].starts_with(kept), "{made}");
    // One more operator that keeps something is a change of the file.
    let state = place.path().join("state");
    let before = files(&state);
    let error = changed(place.path(), &clock).err().expect("it is not in the file");
    let StartError::Checkpoint(CheckpointError::Incompatible { what }) = &error else { panic!("{error:?}") };
    for words in ["stream.lock", "+ `shop/sums/update_state`", "STREAMING_LOCK=update"] {
        assert!(what.contains(words), "`{words}` is not in `{what}`");
    }
    assert!(!what.contains("- `"), "nothing is gone: {what}");
    assert_eq!(fs::read_to_string(&lock).expect("it is there"), made, "a refusal leaves it as it was");
    assert!(files(&state) == before, "and the checkpoint");
    // A merge that was not resolved is refused with its line.
    fs::write(&lock, format!("{made}<<<<<<< ours\n")).expect("written");
    let error = changed(place.path(), &clock).err().expect("it cannot be read");
    assert!(error.to_string().contains("a merge is not resolved"), "{error}");

    let (_, module) = module_path!().split_once("::").expect("a module of the binary");
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args([&format!("{module}::renewed"), "--exact", "--nocapture"]);
    let child = child.env(PLACE, place.path()).env("STREAMING_LOCK", "update").output().expect("it runs");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let renewed = says(&fs::read_to_string(&lock).expect("it is there"));
    assert!(renewed.len() == 3 && renewed[1].starts_with(kept), "{renewed:?}");
    assert!(renewed[2].starts_with("shop/sums/update_state = keys of "), "{renewed:?}");
    clock.advance(secs(20));
    let mut job = changed(place.path(), &clock).expect("it starts");
    deliver(&mut job, &clock, 1).await.expect("it fits now");
    job.stop().await.expect("it stops");
}
