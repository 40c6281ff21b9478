//! What comes of each window, recomputed from scratch, and how what a job delivers is compared with it.

use super::*;

/// Windows in whole seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) size: usize,
    pub(super) slide: usize,
    pub(super) outer: usize,
}

impl Cut {
    /// The batches of the window at each slide, of batches that are one second each.
    pub(super) fn windows(self, batches: usize) -> impl Iterator<Item = Range<usize>> + Clone {
        (self.slide..=batches).step_by(self.slide).map(move |at| at.saturating_sub(self.size)..at)
    }

    /// The slide behind the last batch, and the batches that a window still holds for it.
    pub(super) fn held(self, batches: usize) -> Option<(u64, Range<usize>)> {
        let next = batches.next_multiple_of(self.slide);
        let held = next.saturating_sub(self.size).min(batches)..batches;
        (next > batches).then_some((next as u64, held))
    }
}

pub(super) fn cut() -> impl Strategy<Value = Cut> {
    (1..9usize, 1..6usize, 1..4usize).prop_map(|(size, slide, n)| Cut { size, slide, outer: n * slide })
}

pub(super) fn batches() -> impl Strategy<Value = Vec<Vec<Pair>>> {
    let value = prop_oneof![9 => -2..3i64, 1 => any::<i64>()];
    vec(vec((0..4u8, value), 0..5), 1..16)
}

pub(super) fn seconds(n: usize) -> Duration {
    secs(n as u64)
}

pub(super) fn wrapping_sum<'a>(values: impl IntoIterator<Item = &'a i64>) -> i64 {
    values.into_iter().fold(0, |a, b| a.wrapping_add(*b))
}

pub(super) fn grouped(records: &[Pair], ordered: bool) -> BTreeMap<u8, Vec<i64>> {
    let mut groups = BTreeMap::<u8, Vec<i64>>::new();
    records.iter().for_each(|&(key, value)| groups.entry(key).or_default().push(value));
    groups.into_iter().map(|(key, values)| (key, in_order(ordered, values))).collect()
}

pub(super) fn occurrences(records: &[Pair]) -> BTreeMap<Pair, i64> {
    let mut occurrences = BTreeMap::new();
    records.iter().for_each(|pair| *occurrences.entry(*pair).or_default() += 1);
    occurrences
}

/// What every operator says of one window, given all windows up to it.
pub(super) fn recomputed(windows: &[Vec<Pair>], cut: Cut, ordered: bool) -> Vec<Line> {
    let window = windows.last().expect("there is a window");
    let values: Vec<i64> = window.iter().map(|pair| pair.1).collect();
    let groups = grouped(window, ordered);
    let mut lines = Vec::new();
    for (key, values) in &groups {
        lines.push(line("appended", (key, values)));
        lines.push(line("groups", (key, values)));
        lines.push(line("sums", (key, wrapping_sum(values))));
        lines.push(line("aggregated", (key, (values.len(), wrapping_sum(values)))));
    }
    // A key that was in a window once is there for ever, unless it is filtered out.
    for key in windows.iter().flatten().map(|pair| pair.0).collect::<BTreeSet<_>>() {
        let sum = groups.get(&key).map_or(0, wrapping_sum);
        lines.push(line("inverted", (key, sum)));
        lines.extend((sum != 0).then(|| line("filtered", (key, sum))));
    }
    if windows.iter().any(|window| !window.is_empty()) {
        lines.push(line("inverted whole", wrapping_sum(&values)));
    }
    lines.push(line("number", values.len()));
    lines.extend(values.iter().max().map(|largest| line("largest", largest)));
    for (pair, n) in occurrences(window) {
        lines.push(line("occurrences", (pair, n)));
        lines.push(line("distinct", pair));
    }
    let inside = windows.len().saturating_sub(cut.outer / cut.slide);
    lines.extend(occurrences(&windows[inside..].concat()).into_iter().map(|occurs| line("again", occurs)));
    lines
}

/// The deliveries of a sink with their times in seconds.
pub(super) fn got<T: Clone + Ord>(collected: &Collected<T>) -> Vec<(u64, Vec<T>)> {
    let seconds = |time: BatchTime| time.as_millis() / 1000;
    collected.batches().into_iter().map(|batch| (seconds(batch.time), sorted(batch.records))).collect()
}

/// What all changes up to each delivery make together.
pub(super) fn summed<T: Clone + Ord>(collected: &Collected<(T, i64)>) -> Vec<(u64, Vec<T>)> {
    let mut contents = BTreeMap::<T, i64>::new();
    let sum = |(time, changes): (u64, Vec<(T, i64)>)| {
        for (record, n) in changes {
            *contents.entry(record).or_default() += n;
        }
        contents.retain(|_, n| *n != 0);
        assert!(contents.values().all(|n| *n > 0), "nothing is there less than not at all");
        let repeated = contents.iter().flat_map(|(record, n)| vec![record.clone(); *n as usize]);
        (time, repeated.collect())
    };
    got(collected).into_iter().map(sum).collect()
}

/// What is expected at each slide: of the window itself, and of its operators.
pub(super) struct Expected {
    pub(super) window: Vec<(u64, Vec<Pair>)>,
    pub(super) whole: Vec<(u64, Vec<Line>)>,
    /// How many of these are slides, and what is more than may be: one is what the window holds at the end.
    pub(super) slides: Range<usize>,
}

/// All that was delivered is as expected. Where the window holds nothing at the end, an operator may still have something to
/// say, which has tests of its own (`endings`, `fuzz`).
pub(super) fn holds<T: PartialEq + Debug>(
    got: &[(u64, Vec<T>)],
    expected: &[(u64, Vec<T>)],
    slides: Range<usize>,
) {
    let compared = if expected.len() > slides.start { got } else { &got[..got.len().min(slides.start)] };
    assert_eq!(compared, expected);
    assert!(slides.contains(&got.len()), "once at the end, if that is no slide: {got:?}");
}

/// The same of sums of changes, of which there is no batch at the end if nothing changes by then.
pub(super) fn add_up<T: Clone + PartialEq + Debug>(
    mut got: Vec<(u64, Vec<T>)>,
    expected: &[(u64, Vec<T>)],
    slides: Range<usize>,
) {
    if got.len() == slides.start
        && let Some((end, _)) = expected.get(slides.start)
    {
        got.push((*end, got.last().map_or(Vec::new(), |(_, contents)| contents.clone())));
    }
    holds(&got, expected, slides);
}

pub(super) fn expected(batches: &[Vec<Pair>], cut: Cut, ordered: bool) -> Expected {
    let slides = cut.windows(batches.len()).count();
    let held = cut.held(batches.len());
    let slides = slides..slides + 1 + usize::from(held.is_some());
    let held = held.filter(|(_, held)| !batches[held.clone()].concat().is_empty());
    let at = cut.windows(batches.len()).map(|window| window.end as u64);
    let at = at.chain(held.clone().map(|(at, _)| at));
    let windows = cut.windows(batches.len()).chain(held.map(|(_, held)| held));
    let windows: Vec<Vec<Pair>> = windows.map(|window| batches[window].concat()).collect();
    let whole = (1..=windows.len()).map(|n| sorted(recomputed(&windows[..n], cut, ordered)));
    Expected {
        whole: at.clone().zip(whole).collect(),
        window: at.zip(windows.iter().map(|window| sorted(window.clone()))).collect(),
        slides,
    }
}
