//! `cargo bench -p benches`: the steps that the engine's design rests on, each beside its alternative.

use contenders::data;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hashbrown::HashMap;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A batch of 100k words counted by words that are copied first, and by words that are copied when they are
/// new: what `lent` saves. Estimate: an allocation and a release are a quarter of the time.
fn combine(criterion: &mut Criterion) {
    let lines = data::lines(1, 100_000).remove(0);
    let mut group = criterion.benchmark_group("combine 100k words");
    group.throughput(criterion::Throughput::Elements(100_000));
    group.bench_function("copied first", |bencher| {
        let mut counts = Map::<String, i64>::default();
        bencher.iter(|| {
            for word in lines.iter().flat_map(|line| line.split_whitespace().map(str::to_owned)) {
                *counts.entry(word).or_insert(0) += 1;
            }
            counts.drain().count()
        });
    });
    group.bench_function("copied when new", |bencher| {
        let mut counts = Map::<String, i64>::default();
        bencher.iter(|| {
            for word in lines.iter().flat_map(|line| line.split_whitespace()) {
                *counts.entry_ref(word).or_insert(0) += 1;
            }
            counts.drain().count()
        });
    });
    group.finish();
}

/// The result of a batch handed on whole, and copied in pieces of 256: why gathering operators give one
/// container. Estimate: a copy of 32 bytes a record, twice through the caches.
fn hand_on(criterion: &mut Criterion) {
    let pairs: Vec<(u64, i64)> = (0..25_000).map(|n| (n, 1)).collect();
    let mut group = criterion.benchmark_group("hand on 25k pairs");
    group.bench_function("whole", |bencher| {
        bencher.iter_batched(|| pairs.clone(), |mut pairs| std::mem::take(&mut pairs), BatchSize::SmallInput);
    });
    group.bench_function("in pieces", |bencher| {
        let pieces = |pairs: Vec<(u64, i64)>| {
            let mut pairs = pairs.into_iter();
            let mut gathered = Vec::new();
            while pairs.len() > 0 {
                gathered.extend(pairs.by_ref().take(256).collect::<Vec<_>>());
            }
            gathered
        };
        bencher.iter_batched(|| pairs.clone(), pieces, BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(micro, combine, hand_on);
criterion_main!(micro);
