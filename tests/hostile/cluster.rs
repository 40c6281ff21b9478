//! Strangers at the address of a cluster, and processes that should not be one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use streaming_runtime::{
    Job, JobError, StartError,
    cluster::{Cluster, ClusterError},
    connect::{Collected, collect, queue},
    prelude::*,
};

use super::within::within;

stream!(
    #[batch(millis(10))]
    fn sums<numbers: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        numbers.reduce_by_key(|a, b| a + b).to(out);
    }
);

stream!(
    #[batch(millis(10))]
    fn other<numbers: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        numbers.map(|(key, n)| (key, 2 * n)).reduce_by_key(|a, b| a + b).to(out);
    }
);

const SECRET: &str = "open sesame, and nobody else";

fn hosts() -> Vec<String> {
    let taken = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    taken.map(|listener| listener.local_addr().expect("bound").to_string()).into()
}

fn cluster(hosts: &[String], index: usize) -> Cluster {
    Cluster::new(hosts.to_vec(), index).silence(secs(20))
}

fn start(cluster: Cluster) -> (Job, Collected<(u64, i64)>) {
    let (out, all) = collect();
    let numbers = queue(vec![(0..100).map(|key| (key, 1)).collect()]);
    let job = Engine::new().cluster(cluster).start(sums::Ports { numbers, out }).expect("it starts");
    (job, all)
}

/// That the processes come together and each key is summed in one of them.
async fn comes_right(
    (mut one, some): (Job, Collected<(u64, i64)>),
    (mut two, others): (Job, Collected<(u64, i64)>),
) {
    let (first, second) = tokio::join!(one.join(), two.join());
    first.expect("it ends well");
    second.expect("it ends well");
    let mut sums = [some.records(), others.records()].concat();
    sums.sort();
    assert_eq!(sums.iter().map(|(_, n)| n).sum::<i64>(), 200);
    assert!(!some.records().is_empty() && !others.records().is_empty());
}

fn run<T: Send + 'static>(what: &str, test: impl Future<Output = T> + Send + 'static) -> T {
    within(what, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(test)
    })
}

/// Says something and goes; what is answered is of no interest.
fn call(address: &str, words: &[u8]) {
    let Ok(mut socket) = TcpStream::connect(address) else { return };
    let _ = socket.write_all(words);
}

/// Numbers that look random.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// What a stranger may say: noise, lines of JSON, what belongs there with some bytes changed.
fn words(chance: &mut Chance) -> Vec<u8> {
    let nonce = "0".repeat(64);
    let mut words = match chance.below(6) {
        0 => (0..chance.below(200)).map(|_| chance.next() as u8).collect(),
        1 => format!("{{\"streaming-cluster\":\"{nonce}\"}}\n").into_bytes(),
        2 => format!("{{\"streaming-cluster\":\"{nonce}\"}}\n{{\"hello\":{{\"purpose\":\"Records\",\"index\":1}},\"proof\":\"00\"}}\n\0\0\0").into_bytes(),
        3 => b"{\"streaming-cluster\":\"Records\",\"index\":1,\"program\":{\"engine\":\"0.1.0\"}}\nmore".to_vec(),
        4 => "[".repeat(chance.below(5_000) as usize).into_bytes(),
        _ => vec![b'x'; chance.below(40_000) as usize],
    };
    for _ in 0..chance.below(4) {
        if let Some(last) = (words.len() as u64).checked_sub(1) {
            words[chance.below(last + 1) as usize] = chance.next() as u8;
        }
    }
    words
}

#[test]
fn ten_thousand_strangers_change_nothing() {
    for secret in [None, Some(SECRET)] {
        run("strangers", async move {
            let hosts = hosts();
            let of = |index| match secret {
                Some(secret) => cluster(&hosts, index).secret(secret),
                None => cluster(&hosts, index),
            };
            let one = start(of(0).gather_within(secs(50)));
            let address = hosts[0].clone();
            let bombards = tokio::task::spawn_blocking(move || {
                while TcpStream::connect(&address).is_err() {
                    std::thread::yield_now();
                }
                let mut chance = Chance(0x5eed);
                (0..5_000).for_each(|_| call(&address, &words(&mut chance)));
                // More than may be saying who they are, all silent, while the other comes.
                let silent = (0..200).map(|_| TcpStream::connect(&address).expect("it listens"));
                silent.collect::<Vec<_>>()
            });
            let silent = bombards.await.expect("no panic");
            let monitor = one.0.monitor();
            comes_right(one, start(of(1).gather_within(secs(50)))).await;
            // Who was not looked at before all were there is not counted.
            assert!(monitor.metrics().strangers > 1_000, "{}", monitor.metrics().strangers);
            drop(silent);
        });
    }
}

/// One that runs something else is told so and ends; the others go on waiting for the right one.
#[test]
fn another_program_ends_only_itself() {
    run("another program", async {
        let hosts = hosts();
        let one = start(cluster(&hosts, 0).secret(SECRET).gather_within(secs(50)));
        let (out, _) = collect();
        let wrong = Engine::new().cluster(cluster(&hosts, 1).secret(SECRET));
        let mut wrong = wrong.start(other::Ports { numbers: queue(vec![]), out }).expect("it starts");
        let error = wrong.join().await.expect_err("it is another");
        assert_eq!(error.code(), "cluster.mismatch", "{error}");
        comes_right(one, start(cluster(&hosts, 1).secret(SECRET))).await;
    });
}

#[test]
fn who_has_another_secret_is_no_part_of_the_job() {
    run("another secret", async {
        for secret in [None, Some("close sesame")] {
            let hosts = hosts();
            let (mut one, _) = start(cluster(&hosts, 0).secret(SECRET).gather_within(secs(3)));
            let two = cluster(&hosts, 1).gather_within(secs(2));
            let (mut two, _) = start(match secret {
                Some(secret) => two.secret(secret),
                None => two,
            });
            let error = two.join().await.expect_err("it has another secret");
            let JobError::Cluster(ClusterError::Secret { index: 0, address }) = &error else {
                panic!("{error}")
            };
            assert_eq!(*address, hosts[0]);
            let missing = one.join().await.expect_err("nobody came");
            assert_eq!(missing.code(), "cluster.missing");
            for text in [error.to_string(), format!("{error:?}"), missing.to_string(), format!("{missing:?}")]
            {
                assert!(!text.contains("sesame"), "{text}");
            }
        }
    });
}

#[test]
fn an_address_that_others_reach_needs_a_secret() {
    run("no secret", async {
        for host in ["0.0.0.0:2101", "10.1.2.3:2101", "db.example:2101"] {
            let (out, _) = collect();
            let cluster = Cluster::new(["127.0.0.1:2100", host], 0);
            let Err(error) =
                Engine::new().cluster(cluster).start(sums::Ports { numbers: queue(vec![]), out })
            else {
                panic!("anybody could take part")
            };
            assert!(matches!(error, StartError::Config(_)), "{error}");
            assert!(error.to_string().contains("Cluster::secret"), "{error}");
        }
    });
}

/// What a stranger hears is nothing that it could use, whatever it says about itself.
#[test]
fn a_stranger_is_told_nothing() {
    run("a curious stranger", async {
        let hosts = hosts();
        let (one, _) = start(cluster(&hosts, 0).secret(SECRET).gather_within(secs(50)));
        let address = hosts[0].clone();
        let heard = tokio::task::spawn_blocking(move || {
            let socket = loop {
                if let Ok(socket) = TcpStream::connect(&address) {
                    break socket;
                }
            };
            socket.set_read_timeout(Some(Duration::from_secs(50))).expect("settable");
            let (mut to, mut from) = (socket.try_clone().expect("cloned"), BufReader::new(socket));
            writeln!(to, "{{\"streaming-cluster\":\"{}\"}}", "0".repeat(64)).expect("open");
            let mut challenge = String::new();
            from.read_line(&mut challenge).expect("it answers");
            assert!(challenge.contains("nonce") && challenge.contains("proof"), "{challenge}");
            let program = "{\"engine\":\"\",\"pipeline\":\"sums\",\"interval\":{\"secs\":0,\"nanos\":10000000},\
                           \"processes\":2,\"workers\":1,\"checkpoints\":false,\"fingerprint\":1}";
            writeln!(
                to,
                "{{\"hello\":{{\"purpose\":\"Records\",\"index\":1,\"program\":{program}}},\"proof\":\"{}\"}}",
                "0".repeat(64)
            )
            .expect("open");
            let mut rest = Vec::new();
            let _ = from.read_to_end(&mut rest);
            rest
        });
        assert_eq!(heard.await.expect("no panic"), b"");
        one.abort().await;
    });
}
