//! One job over several processes: real ones, which are this test binary started again with a role.

mod role;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) use role::hosts;
use role::*;
use serde::{Deserialize, Serialize};
use streaming_runtime::{
    BatchTime, Job, JobError, Listener, ManualClock, StartError,
    cluster::{Cluster, ClusterError},
    connect::{Collected, ConnectorError, SourceContext, channel, channel_sink, collect, queue},
    prelude::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    sync::Notify,
    time::timeout,
};

async fn two_processes_are_as_one(workers: usize) {
    let clock = ManualClock::new();
    let engine = Engine::new().workers(2 * workers).manual_clock(&clock);
    let (mut job, taken) =
        start_mixed(engine, united([input(0), input(1)]), united([input_prices(0), input_prices(1)]));
    for second in 1..=5 {
        clock.advance(secs(1));
        soon(job.delivered(BatchTime::from_millis(second * 1000))).await.expect("delivered");
    }
    soon(job.join()).await.expect("a good end");
    let expected = taken();

    let roles = roles(2, workers, Task::Mixed);
    let other = Other::start(&roles[1]);
    let (clock, begun) = (ManualClock::new(), Begun::default());
    let engine = roles[0].engine().manual_clock(&clock).listener(begun.clone());
    let (mut job, taken) = start_mixed(engine, input(0), input_prices(0));
    begun.wait(&mut job).await;
    for second in 1..=5 {
        clock.advance(secs(1));
        soon(job.delivered(BatchTime::from_millis(second * 1000))).await.expect("delivered");
    }
    // The sources have ended here after three batches, and there after five.
    soon(job.join()).await.expect("a good end");
    let (report, stderr) = other.report().await;
    assert_eq!((report.code.as_str(), stderr.contains("panicked")), ("", false), "{report:?}{stderr}");
    for sink in ["counts", "recent"] {
        let lives_there = report.taken[sink].values().flatten().count();
        let lives_here = taken()[sink].values().flatten().count();
        assert!(lives_here > 0 && lives_there > 0, "{sink}: {lives_here} records here, {lives_there} there");
    }
    assert_eq!(together([taken(), report.taken]), expected);
}

#[tokio::test]
async fn two_processes_of_one_worker_are_as_one_of_two() {
    two_processes_are_as_one(1).await;
}

#[tokio::test]
async fn two_processes_of_two_workers_are_as_one_of_four() {
    two_processes_are_as_one(2).await;
}

#[tokio::test]
async fn a_follower_stops_all_and_all_is_delivered() {
    let roles = roles(2, 1, Task::Quiet);
    let leader = Other::start(&roles[0]);
    let (sender, numbers) = channel(8);
    let (out, all) = collect();
    let mut job = roles[1].engine().start(sums::Ports { numbers, out }).expect("it starts");
    for key in 0..1000 {
        soon(sender.send((key, 1))).await.expect("it takes records");
    }
    soon(job.stop()).await.expect("a good end");
    let (report, _) = leader.report().await;
    assert_eq!(report.code, "", "{report:?}");
    let there: usize = report.taken["out"].values().map(Vec::len).sum();
    let here = all.records().len();
    assert_eq!(there + here, 1000);
    assert!(there > 0 && here > 0);
}

#[tokio::test]
async fn batches_close_early_over_processes() {
    let roles = roles(2, 1, Task::Rare);
    let leader = Other::start(&roles[0]);
    let (sender, numbers) = channel(8);
    let (out, mut batches) = channel_sink(64);
    let engine = roles[1].engine().close_early(true);
    let mut job = engine.start(rare::Ports { numbers, out }).expect("it starts");
    // Twice, so that what the first leaves behind is seen; of many keys some live here.
    for round in 0..2 {
        for key in 0..50 {
            soon(sender.send((key, round))).await.expect("it takes records");
        }
        let mut some = 0;
        while some == 0 {
            let batch = soon(batches.recv()).await.expect("a batch long before the hour is over");
            some += batch.records.iter().filter(|(_, n)| *n >= round).count();
        }
        while batches.try_recv().is_some() {}
    }
    drop(sender);
    drop(batches);
    let _ = soon(job.stop()).await;
    drop(leader);
}

/// Asserts how a job ends when a process goes; says how long that took.
async fn ends_for(job: &mut Job, gone: usize, since: Instant) -> String {
    let error = soon(job.join()).await.expect_err("a process is gone");
    println!("noticed after {:?}: {error}", since.elapsed());
    assert_eq!(error.code(), "job.peer");
    match error {
        JobError::Peer { index, message, .. } if index == gone => message,
        error => panic!("{error:?}"),
    }
}

async fn killed(victim: usize) {
    let roles = roles(2, 2, Task::Flood);
    let mut other = Other::start(&roles[victim]);
    let (own, begun) = (&roles[1 - victim], Begun::default());
    let (mut job, taken) = start(own, own.engine().listener(begun.clone()));
    begun.wait(&mut job).await;
    soon(job.delivered(BatchTime::from_nanos(1))).await.expect("records flow");
    other.kill();
    ends_for(&mut job, victim, Instant::now()).await;
    assert!(!taken().is_empty());
}

#[tokio::test]
async fn a_follower_that_is_killed_ends_the_leader() {
    killed(1).await;
}

#[tokio::test]
async fn a_leader_that_is_killed_ends_the_follower() {
    killed(0).await;
}

/// Followers have connections between them that no leader watches; and nothing in a survivor panics.
#[tokio::test]
async fn all_survivors_name_the_process_that_died() {
    let roles = roles(3, 1, Task::Flood);
    let (leader, victim, other) = (Other::start(&roles[0]), Other::start(&roles[1]), Other::start(&roles[2]));
    let (leader, mut victim, other) = (leader.begins().await, victim.begins().await, other.begins().await);
    victim.kill();
    for survivor in [leader, other] {
        let (report, stderr) = survivor.report().await;
        assert_eq!((report.code.as_str(), report.peer), ("job.peer", Some(1)), "{report:?}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[tokio::test]
async fn a_process_that_stands_still_is_taken_for_dead() {
    let roles = roles(2, 1, Task::Quiet);
    let mut other = Other::start(&roles[1]);
    let begun = Begun::default();
    let cluster = roles[0].cluster().silence(secs(2));
    let engine = roles[0].engine().cluster(cluster).listener(begun.clone());
    let (mut job, _taken) = start(&roles[0], engine);
    begun.wait(&mut job).await;
    other.signal("-STOP");
    let message = ends_for(&mut job, 1, Instant::now()).await;
    assert_eq!(message, "was silent for 2s");
    other.signal("-CONT");
    let (report, stderr) = other.report().await;
    assert_eq!((report.code.as_str(), report.peer), ("job.peer", Some(0)), "{report:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn what_fails_in_one_process_is_said_in_all() {
    let roles = roles(2, 1, Task::Poison);
    let other = Other::start(&roles[1]);
    let own = Role { task: Task::Quiet, ..roles[0].clone() };
    let (mut job, _taken) = start(&own, own.engine());
    let message = ends_for(&mut job, 1, Instant::now()).await;
    assert!(message.contains("operator `sums/checked/map` panicked: poisoned"), "{message}");
    let (report, stderr) = other.report().await;
    assert_eq!(report.code, "job.operator_panicked");
    // The operator's, and none of timely's threads.
    assert_eq!(stderr.matches("panicked at").count(), 1, "{stderr}");
}

#[tokio::test]
async fn an_abort_in_one_process_ends_the_others() {
    let roles = roles(2, 1, Task::Quiet);
    let other = Other::start(&roles[1]);
    let begun = Begun::default();
    let (mut job, _taken) = start(&roles[0], roles[0].engine().listener(begun.clone()));
    begun.wait(&mut job).await;
    soon(job.abort()).await;
    let (report, stderr) = other.report().await;
    assert_eq!((report.code.as_str(), report.peer), ("job.peer", Some(0)), "{report:?}");
    assert_eq!(report.message, "the job was aborted");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn processes_that_differ_say_in_what() {
    let roles = roles(2, 1, Task::Quiet);
    let other = Other::start(&Role { workers: 2, ..roles[1].clone() });
    // The right one may still come, until the patience is at an end.
    let own = Role { gather: secs(15), ..roles[0].clone() };
    let (mut job, _taken) = start(&own, own.engine());
    let error = soon(job.join()).await.expect_err("they differ");
    assert_eq!(error.code(), "cluster.mismatch");
    let JobError::Cluster(ClusterError::Mismatch { index, what, here, there, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!((index, what.as_str()), (1, "the number of workers of a process"));
    assert_eq!((here.as_str(), there.as_str()), ("1", "2"));
    let (report, _) = other.report().await;
    assert_eq!(report.code, "cluster.mismatch");
    assert!(report.message.contains("is 2 in this process, and 1 in process 0"), "{}", report.message);
}

#[tokio::test]
async fn another_pipeline_is_another_program() {
    let roles = roles(2, 1, Task::Quiet);
    let other = Other::start(&Role { task: Task::Mixed, ..roles[1].clone() });
    let own = Role { gather: secs(15), ..roles[0].clone() };
    let (mut job, _taken) = start(&own, own.engine());
    let error = soon(job.join()).await.expect_err("they differ");
    assert!(error.to_string().contains("the pipeline is sums in this process, and mixed in"), "{error}");
    let (report, _) = other.report().await;
    assert_eq!(report.code, "cluster.mismatch");
}

#[tokio::test]
async fn a_process_that_never_comes_is_named() {
    let roles = roles(3, 1, Task::Quiet);
    for role in &roles[..2] {
        let role = Role { gather: millis(200), ..role.clone() };
        let (mut job, _taken) = start(&role, role.engine());
        let error = soon(job.join()).await.expect_err("nobody comes");
        assert_eq!(error.code(), "cluster.missing");
        let other = &roles[1 - role.index];
        let named = format!("process {} ({})", other.index, other.hosts[other.index]);
        assert!(error.to_string().contains(&named), "{error}");
        assert!(error.to_string().contains("process 2 ("), "{error}");
    }
}

#[tokio::test]
async fn a_process_that_gives_up_waiting_says_so() {
    let roles = roles(3, 1, Task::Quiet);
    let impatient = Other::start(&Role { gather: secs(2), ..roles[2].clone() });
    let (mut job, _taken) = start(&roles[0], roles[0].engine());
    // Long before this one's own patience is at an end; process 1 never comes.
    let message = ends_for(&mut job, 2, Instant::now()).await;
    assert!(message.contains("there was still no process 1 ("), "{message}");
    let (report, _) = impatient.report().await;
    assert_eq!(report.code, "cluster.missing", "{report:?}");
}

#[tokio::test]
async fn a_job_can_be_stopped_and_aborted_while_it_waits_for_others() {
    let role = &roles(2, 1, Task::Quiet)[0];
    let (mut job, _taken) = start(role, role.engine());
    soon(job.stop()).await.expect("nothing was lost");
    let (job, _taken) = start(role, role.engine());
    soon(job.abort()).await;
    // The address is free again.
    let (mut job, _taken) = start(role, role.engine().cluster(role.cluster().gather_within(millis(100))));
    assert_eq!(soon(job.join()).await.expect_err("nobody comes").code(), "cluster.missing");
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let role = &roles(2, 1, Task::Quiet)[0];
    let _taken = TcpListener::bind(&role.hosts[0]).expect("it was free");
    let (mut job, _taken) = start(role, role.engine());
    let error = soon(job.join()).await.expect_err("in use");
    assert_eq!(error.code(), "cluster.listen");
    assert!(error.to_string().contains(&role.hosts[0]), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    let (_sender, numbers) = channel(8);
    let (out, _all) = collect();
    let engine = Engine::new().cluster(Cluster::new(["127.0.0.1:2101"], 1));
    let Err(error) = engine.start(sums::Ports { numbers, out }) else { panic!("there is no process 1") };
    assert!(matches!(error, StartError::Config(_)), "{error:?}");
}

#[tokio::test]
async fn a_cluster_of_one_is_a_process() {
    let role = &roles(1, 2, Task::Quiet)[0];
    let (out, all) = collect();
    let numbers = queue(vec![vec![(1, 1), (1, 2)], vec![(1, 3)]]);
    let mut job = role.engine().start(sums::Ports { numbers, out }).expect("it starts");
    soon(job.join()).await.expect("a good end");
    assert_eq!(all.records(), [(1, 3), (1, 3)]);
}

/// Says something at an address until somebody is there, and hears what comes back.
async fn call(address: &str, words: &[u8]) -> Vec<u8> {
    loop {
        if let Ok(mut socket) = tokio::net::TcpStream::connect(address).await {
            let _ = socket.write_all(words).await;
            let _ = socket.shutdown().await;
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer).await;
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn strangers_are_refused_and_change_nothing() {
    let roles = roles(2, 1, Task::Poison);
    let begun = Begun::default();
    let (out, all) = collect();
    let numbers = queue(vec![vec![(1, 1)]]);
    let engine = roles[0].engine().listener(begun.clone());
    let mut job = engine.start(sums::Ports { numbers, out }).expect("it starts");
    let address = &roles[0].hosts[0];
    for words in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 100], &[b'x'; 100_000], b"{}\n", b""] {
        assert_eq!(soon(call(address, words)).await, b"", "strangers get no answer");
    }
    let _silent = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let other = Other::start(&roles[1]);
    begun.wait(&mut job).await;
    // That they came together is what is to be shown; what the other brings ends both.
    assert_eq!(soon(job.join()).await.expect_err("poison").code(), "job.peer");
    drop((other, all));
}
