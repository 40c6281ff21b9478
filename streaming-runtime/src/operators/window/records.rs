//! The records of a window as they are.

use std::{collections::VecDeque, convert::Infallible};

use timely::dataflow::channels::pact::Pipeline;

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    observe::operator_stats::Held,
    operators::kernel::{
        output::{Audience, Output},
        stateful::{Stateful, StatefulOperator},
        window_spec::WindowSpec,
    },
    record::Record,
    stream::{
        Stream,
        chain::Chain,
        context::BatchContext,
        held::Panes,
        kind::{Table, Windowed},
    },
    time::BatchTime,
    timeline::rhythm::Rhythm,
};

/// The records of a window, each on the worker where it came in.
pub(crate) fn window_records<'s, T: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Windowed, C>,
) -> Stream<'s, T, Table> {
    let Stream { held: Panes { batches, size }, mut chain, id, job, rhythm, .. } = stream;
    let operator = WindowRecords {
        spec: WindowSpec::new(size, rhythm.step(job.interval)),
        rhythm: rhythm.clone(),
        panes: VecDeque::new(),
        entered: 0,
        kept: 0,
    };
    let gather = move |batch: &mut Vec<T>, records: &mut Vec<C::In>| chain.gather(records, batch);
    let keeps = C::IS_EMPTY.then(|| *batches.name());
    let shell = Stateful { keeps, ..Stateful::new(operator, id, job.clone()) };
    let (_, relation) = shell.build(batches, Pipeline, gather);
    Stream::new(relation, id, job, rhythm)
}

/// The records of a window as they are.
struct WindowRecords<T> {
    spec: WindowSpec,
    rhythm: Rhythm,
    panes: VecDeque<(BatchTime, Vec<T>)>,
    /// Panes from here on are not in the window that was delivered last.
    entered: usize,
    /// How many records the panes have together.
    kept: usize,
}

impl<T: Record> WindowRecords<T> {
    fn enter(&mut self, time: BatchTime, batch: &mut Vec<T>) {
        let end = self.spec.pane_of(time);
        if batch.is_empty() || self.spec.is_between(end) {
            return batch.clear();
        }
        self.kept += batch.len();
        let fresh = self.panes.len() > self.entered;
        match self.panes.back_mut() {
            Some((last, pane)) if fresh && *last == end => pane.append(batch),
            _ => self.panes.push_back((end, std::mem::take(batch))),
        }
    }

    fn slide(&mut self, time: BatchTime, output: &mut Output<T>) {
        while let Some((_, pane)) = self.panes.pop_front_if(|(end, _)| self.spec.has_left(*end, time)) {
            self.kept -= pane.len();
            if self.entered == 0 {
                continue; // it was never in a window that was delivered
            }
            self.entered -= 1;
            pane.into_iter().for_each(|record| output.change(|| record, -1));
        }
        for (_, pane) in self.panes.range(self.entered..) {
            pane.iter().for_each(|record| output.change(|| record.clone(), 1));
        }
        self.entered = self.panes.len();
        if output.wants_contents() {
            self.panes.iter().for_each(|(_, pane)| output.contents.extend_from_slice(pane));
        }
    }
}

impl<T: Record> StatefulOperator for WindowRecords<T> {
    type In = T;
    type Out = T;
    type Emitted = Infallible;

    const KIND: &'static str = "window";

    fn shape(&self) -> Option<StateShape> {
        Some(StateShape::panes::<T>(self.spec.size, self.rhythm.slide()))
    }

    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<T>,
        output: &mut Output<T>,
        log: &StateWriter,
    ) {
        let BatchContext { epoch, time, .. } = context;
        let end = self.spec.pane_of(time);
        if log.is_on() && !batch.is_empty() && !self.spec.is_between(end) {
            log.pane::<T, T>(epoch, self.spec.until(end), batch);
        }
        if self.spec.size.is_none() && !output.wants.contents() {
            // Nothing ever leaves, so nothing needs to be remembered.
            self.panes.clear();
            batch.drain(..).for_each(|record| output.change(|| record, 1));
            return;
        }
        self.enter(time, batch);
        if context.is_due(&self.rhythm) {
            self.slide(time, output);
        }
        output.held = Held::new(self.kept, self.kept * size_of::<T>());
    }

    fn restore(
        &mut self,
        context: BatchContext<'_>,
        _: &mut Vec<T>,
        output: &mut Output<T>,
        log: &StateWriter,
    ) {
        let due = context.last_due(&self.rhythm);
        let mut later = Vec::new();
        log.panes(|time, is_mine, mut batch| match () {
            () if !is_mine => {}
            () if time > due => later.push((time, batch)),
            () => self.enter(time, &mut batch),
        });
        output.written_for(Audience::Shell, |output| self.slide(due, output));
        later.iter_mut().for_each(|(time, batch)| self.enter(*time, batch));
        output.held = Held::new(self.kept, self.kept * size_of::<T>());
    }
}
