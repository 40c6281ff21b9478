//! `dfir-peer OUT.jsonl [--quick]`: word count per batch by DFIR, the runtime of Hydro, on the input of `benches`. A tick is a
//! batch; it has one thread. Checksums are of the same rules as there, so equal work shows as equal checksums.
//!
//! Estimate, before the first run: a `String` a word, 30 ns, and a look-up by SipHash or better, 50 ns: 12 M words/s.

#[path = "../../../src/data.rs"]
#[allow(dead_code, reason = "it makes the input of other workloads too")]
mod data;
#[path = "../../rust/src/measure.rs"]
#[allow(dead_code, reason = "other peers time single batches")]
mod measure;

use std::{cell::RefCell, path::Path, rc::Rc, time::Instant};

use dfir_rs::{dfir_syntax, util::unbounded_channel};
use measure::{Measured, RUNS, Report, Run, cpu_seconds, mix, mix_text};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(out) = arguments.iter().find(|argument| !argument.starts_with('-')) else {
        eprintln!("dfir-peer OUT.jsonl [--quick]");
        std::process::exit(2);
    };
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let mut report = Report::new(Path::new(out), quick, None)?;
    let sizes: &[(usize, usize)] = match quick {
        true => &[(100_000, 20)],
        false => &[(100_000, 50), (1_000_000, 8)],
    };
    for &(words, batches) in sizes {
        let lines = data::lines(batches, words);
        // The first is the warm-up.
        let all: Vec<(Run, u64)> = (0..=RUNS).map(|_| words_of(lines.clone())).collect();
        assert!(all.iter().all(|(_, sum)| *sum == all[0].1), "it differs from run to run");
        let measured = Measured {
            engine: "dfir",
            workers: 1,
            records: (words * batches) as u64,
            runs: all[1..].iter().map(|(run, _)| *run).collect(),
            checksum: all[0].1,
            batches: Vec::new(),
        };
        report.row("words", &json!({"words_a_batch": words, "batches": batches}), measured)?;
    }
    Ok(())
}

/// Counts the words of each batch; the clock stops while the checksum is made.
fn words_of(batches: Vec<Vec<String>>) -> (Run, u64) {
    let (sender, lines) = unbounded_channel::<Vec<String>>();
    let counts = Rc::new(RefCell::new(Vec::new()));
    let said = counts.clone();
    let mut flow = dfir_syntax! {
        source_stream(lines)
            -> flat_map(|lines: Vec<String>| lines)
            -> flat_map(|line: String| line.split_whitespace().map(|word| (word.to_owned(), 1)).collect::<Vec<_>>())
            -> fold_keyed::<'tick>(|| 0_i64, |count: &mut i64, n: i64| *count += n)
            -> for_each(|count: (String, i64)| said.borrow_mut().push(count));
    };
    let (mut run, mut sum) = (Run { seconds: 0.0, cpu_seconds: 0.0 }, 0);
    for batch in batches {
        let (cpu, started) = (cpu_seconds(), Instant::now());
        assert!(sender.send(batch).is_ok(), "the flow reads its input");
        flow.run_available_sync();
        run.seconds += started.elapsed().as_secs_f64();
        run.cpu_seconds += cpu_seconds() - cpu;
        let counts = counts.take();
        assert!(!counts.is_empty(), "each batch has words");
        let hashed = counts.iter().map(|(word, n)| mix(mix_text(word) ^ *n as u64));
        sum = mix(sum ^ hashed.fold(0, u64::wrapping_add));
    }
    (run, sum)
}
