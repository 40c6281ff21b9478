//! More clients than the process may open files.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use streaming_runtime::{
    connect::{Batch, ConnectorError, tcp},
    prelude::*,
};

use super::within::within;

stream!(
    #[batch(millis(10))]
    fn copy<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

struct Print;

impl Sink<String> for Print {
    async fn write(&mut self, batch: Batch<String>) -> Result<(), ConnectorError> {
        batch.records.iter().for_each(|line| println!("line {line}"));
        Ok(())
    }
}

/// Not a test of its own: the process whose files are few.
#[test]
#[ignore = "it is started by another"]
fn a_service_with_few_files() {
    let share = std::env::var("SHARE").ok().and_then(|share| share.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let lines = tcp::listen("127.0.0.1:0").expect("a free port");
        let lines = match share {
            Some(share) => lines.max_connections(share),
            None => lines,
        };
        let port = lines.local_addr().port();
        let mut job = Engine::new().start(copy::Ports { lines, out: Print }).expect("it starts");
        // Not before: clients that come while it starts may take the files that its threads need.
        println!("\nport {port}");
        println!("ended {:?}", job.join().await);
    });
}

fn clients_of_a_service(share: &str) {
    let share = share.to_owned();
    within("silent clients", move || {
        let service = std::env::current_exe().expect("it runs");
        let mut service = Command::new("sh")
            .args(["-c", "ulimit -n 96 && exec \"$0\" \"$@\""])
            .arg(service)
            .args(["listen::a_service_with_few_files", "--exact", "--ignored", "--nocapture"])
            .env("SHARE", share)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut words = BufReader::new(service.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let port = words.find_map(|word| word.strip_prefix("port ").map(str::to_owned)).expect("it listens");
        let connect = || TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        let mut silent = Vec::new();
        for n in 0..5 {
            silent.extend((0..100).map(|_| connect()));
            let mut client = connect();
            writeln!(client, "{n}").expect("it is accepted");
            silent.push(client);
            let line = words.next().expect("the job lives");
            assert_eq!(line, format!("line {n}"));
        }
        service.kill().expect("it runs");
        let _ = service.wait();
    });
}

/// By default half of what may be open is for clients.
#[test]
fn silent_clients_lock_nobody_out() {
    clients_of_a_service("");
}

/// With more places than there are descriptors, accepting fails, and the job goes on.
#[test]
fn no_descriptors_left_is_no_end() {
    clients_of_a_service("10000");
}
