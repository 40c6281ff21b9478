//! Word count per batch by DBSP. No state is kept, so the operators are those that work within a batch
//! (`stream_...`): the words of a batch as a multiset, and the count of each.
//!
//! Estimate, before the first run: a batch of 100,000 words is sorted, 17 comparisons of strings by 10 ns each and an
//! allocation a word: 20 ms a batch, 5 M words/s.

use std::time::Instant;

use dbsp::{OrdZSet, utils::Tup2};
use serde_json::json;

use crate::{
    circuit::{Changes, Driven, parts},
    data,
    measure::{Measured, RUNS, Report, Run, cpu_seconds, mix, mix_text},
};

fn circuit(workers: usize) -> Driven<Vec<String>> {
    let wire = |circuit: &mut dbsp::RootCircuit| {
        let (lines, handle) = circuit.add_input_stream::<Vec<String>>();
        let words = lines.apply(|lines: &Vec<String>| {
            let words = lines.iter().flat_map(|line| line.split_whitespace());
            OrdZSet::from_keys((), words.map(|word| Tup2(word.to_owned(), 1)).collect())
        });
        (handle, words.stream_weighted_count())
    };
    Driven::new(workers, wire, |word, n| mix(mix_text(word) ^ *n as u64))
}

pub fn run(report: &mut Report) -> std::io::Result<()> {
    let sizes: &[(usize, usize)] = match report.quick {
        true => &[(100_000, 20)],
        false => &[(100_000, 50), (1_000_000, 8)],
    };
    for &(words, batches) in sizes {
        let lines = data::lines(batches, words);
        for workers in [1, 2] {
            let mut runs = Vec::new();
            let mut sums = Vec::new();
            // The first is the warm-up.
            for _ in 0..=RUNS {
                let input: Vec<_> = lines.iter().map(|batch| parts(batch.clone(), workers)).collect();
                let mut circuit = circuit(workers);
                let (cpu, started) = (cpu_seconds(), Instant::now());
                let counts: Vec<Changes> = input.into_iter().map(|batch| circuit.step(batch)).collect();
                runs.push(Run { seconds: started.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu });
                sums.push(counts.into_iter().fold(0, |sum, batch| mix(sum ^ batch())));
                circuit.stop();
            }
            assert!(sums.iter().all(|sum| *sum == sums[0]), "it differs from run to run");
            let records = (words * batches) as u64;
            let params = json!({"words_a_batch": words, "batches": batches});
            let measured = Measured {
                engine: "dbsp",
                workers,
                records,
                runs: runs.split_off(1),
                checksum: sums[0],
                batches: Vec::new(),
            };
            report.row("words", &params, measured)?;
        }
    }
    Ok(())
}
