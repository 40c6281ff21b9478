//! Two processes of one job.

use std::{fs, path::Path};

use super::{
    children::{Role, Running},
    *,
};

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable").map(|entry| entry.expect("readable")) {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// A process that was stopped, as by a machine that hangs, and goes on when another has taken over: it commits nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_replaced_commits_nothing() {
    let Some(broker) = broker() else { return };
    let directory = tempfile::tempdir().expect("temp");
    const RECORDS: u64 = 12_000;
    let mut role = Role {
        broker,
        topic: name("zombie"),
        state: directory.path().join("first"),
        workers: 2,
        rate: 300.0,
        ends: false,
    };
    role.prepare(RECORDS);
    let there = |role: &Role| committed(&role.broker, &role.counts()).len() as u64;
    // Waits until a process has committed more, or has ended.
    let more = async |role: &Role, running: &mut Running| {
        let before = there(role);
        wait_for(|| {
            assert!(running.is_there(), "{}", running.said());
            there(role) > before + 100
        })
        .await;
    };
    let mut zombie = role.spawn();
    more(&role, &mut zombie).await;
    zombie.signal("-STOP");
    role.state = directory.path().join("second");
    copy_all(&directory.path().join("first"), &role.state);
    let mut other = role.spawn();
    more(&role, &mut other).await;
    zombie.signal("-CONT");
    let status = zombie.wait(Duration::from_secs(60));
    assert!(!status.success() && status.code().is_some(), "{status}");
    assert!(zombie.said().contains("another process writes as `streaming-zombie-"), "{}", zombie.said());
    // The other does not notice.
    more(&role, &mut other).await;
    assert!(other.kill(), "it runs until it is killed");
    (role.ends, role.rate) = (true, 1e6);
    let mut last = role.spawn();
    assert!(last.wait(Duration::from_secs(60)).success(), "{}", last.said());
    role.check(RECORDS);
}
