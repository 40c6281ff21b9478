//! A job from topic to topics, with a window and state, that is killed again and again.

use super::{children::Role, *};

/// Numbers by chance, the same each time.
fn chance(nth: u64, below: u64) -> u64 {
    let mut mixed = nth.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 32)) % below
}

/// 20 kills, or as many as `STREAMING_KILLS` says, at any instant of a life of up to 3 s, start and recovery included.
#[test]
fn each_record_is_there_once_after_kills() {
    let Some(broker) = broker() else { return };
    let kills = env::var("STREAMING_KILLS").map_or(20, |kills| kills.parse().expect("a number of kills"));
    let directory = tempfile::tempdir().expect("temp");
    let records = 1_200 * kills;
    let mut role = Role {
        broker,
        topic: name("kills"),
        state: directory.path().join("state"),
        workers: 1,
        rate: 300.0,
        ends: false,
    };
    role.prepare(records);
    for nth in 0..kills {
        role.workers = 1 + chance(2 * nth, 2) as usize;
        let running = role.spawn();
        std::thread::sleep(Duration::from_millis(chance(2 * nth + 1, 3_000)));
        assert!(running.kill(), "it runs until it is killed");
    }
    let before = committed(&role.broker, &role.counts()).len() as u64;
    assert!(before > 0 && before < records, "{before} of {records} before the last start");
    (role.ends, role.rate) = (true, 1e6);
    let mut last = role.spawn();
    assert!(last.wait(Duration::from_secs(120)).success(), "{}", last.said());
    role.check(records);
    eprintln!("{kills} kills, {records} records, {before} of them before the last start");
}
