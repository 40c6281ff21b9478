//! How a window by key is written to the log, and restored from it.

use hashbrown::HashMap;

use crate::{
    aggregate::{Aggregate, Parameters, StateOf, WindowState, name_of, own_types},
    checkpoint::{StateShape, state_log::StateWriter},
    ids::Epoch,
    operators::kernel::{
        output::{Audience, Output},
        sliding::Sliding,
    },
    record::Key,
    schema,
    stream::context::BatchContext,
    time::BatchTime,
};

impl<K: Key, V, G: Aggregate<V>> Sliding<K, V, G> {
    /// The shape of the state in a checkpoint: the records of each batch, for as long as they are in a window. State that never
    /// leaves, or outlives its panes, is written by key instead, unless the state of a key is all its values: to write the key
    /// again would write all of them.
    pub(crate) fn shape(&self, parameters: Parameters) -> StateShape {
        let (size, slide) = (self.spec.size, Some(self.spec.slide));
        let (key, accumulator) = (schema::name::<K>(&[]), schema::name::<G::Accumulator>(&own_types()));
        let schema = schema::of_named::<(K, G::Accumulator)>(&format!("({key}, {accumulator})"));
        let panes = StateShape::panes_of(schema, size, slide);
        let shape = if self.writes_keys() { panes.with_keys() } else { panes };
        let filters = self.retained.as_ref().is_some_and(|retained| retained.shown.is_some());
        let parameters =
            if filters { Parameters::all([parameters, Parameters::of("filter")]) } else { parameters };
        shape.by(name_of::<V, G>()).with(parameters.said())
    }

    pub(super) fn writes_keys(&self) -> bool {
        self.retained.is_some() || self.spec.size.is_none() && !<StateOf<V, G> as WindowState<V, G>>::HAS_ALL
    }

    /// Writes down the batch that is about to be taken in; `next` is the slide that it waits for, if it does.
    pub(crate) fn write(
        &self,
        BatchContext { epoch, time, .. }: BatchContext<'_>,
        next: Option<BatchTime>,
        accumulators: &[(K, G::Accumulator)],
        log: &StateWriter,
    ) {
        let end = self.spec.pane_of(time);
        let until = match self.spec.size {
            _ if accumulators.is_empty() || self.spec.is_between(end) => return,
            Some(_) => self.spec.until(end),
            None if !self.writes_keys() => None,
            // From then on it is in its keys, which are written at each slide.
            None => match next {
                None => return,
                next => next,
            },
        };
        log.pane::<(K, G::Accumulator), _>(epoch, until, accumulators);
    }

    /// Writes down the keys that have changed since the last slide.
    pub(super) fn write_keys(&self, epoch: Epoch, log: &StateWriter) {
        log.keys::<K, (G::Accumulator, u64), _, _>(epoch, |put| {
            for (number, _) in &self.changed {
                let (key, slot) = self.slots.get(*number);
                let fed = self.fed[*number as usize].as_nanos();
                put(key, slot.window.whole().map(|whole| (whole, fed)).as_ref());
            }
        });
    }

    /// Restores the window as of the slide `due`, writes its contents, and then adds the batches that came after it.
    pub(crate) fn restore(
        &mut self,
        context: BatchContext<'_>,
        due: BatchTime,
        aggregate: &G,
        output: &mut Output<(K, G::Result)>,
        log: &StateWriter,
    ) {
        let mut later = Vec::new();
        log.panes(|time, _, mut batch: Vec<(K, G::Accumulator)>| {
            batch.retain(|(key, _)| context.job.owns(key));
            match time > due {
                true => later.push((time, batch)),
                // What is written may be more than what counts.
                false if self.spec.has_left(self.spec.pane_of(time), due) => {}
                false => self.batch(time, batch.into_iter(), aggregate, false),
            }
        });
        self.leave(due, aggregate, false);
        self.seal(aggregate, false);
        if self.writes_keys() {
            self.changed.clear();
            self.restore_keys(context, aggregate, log);
        }
        self.write_changes(false, aggregate, output);
        output.written_for(Audience::Shell, |output| self.write_contents(aggregate, output));
        for (time, batch) in later {
            self.batch(time, batch.into_iter(), aggregate, output.wants_changes());
        }
    }

    fn restore_keys(&mut self, context: BatchContext<'_>, aggregate: &G, log: &StateWriter) {
        let mut known = HashMap::<K, Option<(G::Accumulator, u64)>, foldhash::fast::RandomState>::default();
        log.states(|key: K, state| {
            if context.job.owns(&key) {
                known.insert(key, state);
            }
        });
        for (key, state) in known {
            let Some((whole, fed)) = state else { continue };
            let number = self.slots.number(key);
            self.slots.get_mut(number).1.window.put(whole, aggregate);
            self.feed(number, BatchTime::from_nanos(fed));
        }
        // What was forgotten before the last slide, of panes that had left by then.
        let gone: Vec<u32> = self
            .slots
            .numbered()
            .filter(|(_, (_, slot))| slot.window.whole().is_none())
            .map(|(number, _)| number)
            .collect();
        gone.into_iter().for_each(|number| self.slots.release(number));
    }
}
