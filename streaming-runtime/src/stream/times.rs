//! When the batches closed that operators are at work on.

use std::{cell::RefCell, collections::VecDeque};

use crate::{
    ids::Epoch,
    time::BatchTime,
    timeline::{Follows, Timeline, rhythm::Rhythm},
};

/// The times of the batches that closed lately, written by the worker before it closes its inputs.
#[derive(Default)]
pub(crate) struct Times {
    known: RefCell<VecDeque<(Epoch, BatchTime)>>,
    /// Of those, the ones that do not follow closely on the one before.
    jumps: RefCell<VecDeque<(Epoch, Follows)>>,
    /// What there was before the job was started.
    before: RefCell<Timeline>,
}

impl Times {
    /// Times kept. More batches than this are never in flight.
    const KEPT: usize = 4096;

    pub(crate) fn set(&self, epoch: Epoch, time: BatchTime, follows: Follows) {
        let mut times = self.known.borrow_mut();
        if times.len() == Self::KEPT {
            times.pop_front();
        }
        times.push_back((epoch, time));
        let mut jumps = self.jumps.borrow_mut();
        if follows != Follows::Closely {
            jumps.push_back((epoch, follows));
        }
        let &(oldest, _) = times.front().expect("one was just put there");
        while jumps.pop_front_if(|(epoch, _)| *epoch < oldest).is_some() {}
    }

    /// Goes on behind the batch of time `last`, which is number 0.
    pub(crate) fn go_on(&self, last: BatchTime, before: Timeline) {
        // A window gives its contents as of its last slide, whenever that was.
        self.set(0, last, Follows::Closely);
        *self.before.borrow_mut() = before;
    }

    /// How a batch that has closed follows the one before it.
    pub(super) fn follows(&self, epoch: Epoch) -> Follows {
        let jumps = self.jumps.borrow();
        // Nearly always there is none.
        let jump = jumps.iter().rev().find(|(at, _)| *at == epoch);
        jump.map_or(Follows::Closely, |(_, follows)| *follows)
    }

    /// When what has this rhythm was renewed last, as of the batch that the job goes on from.
    pub(super) fn last_due(&self, as_of: BatchTime, rhythm: &Rhythm) -> BatchTime {
        rhythm.last(as_of, &self.before.borrow())
    }

    /// The time of a batch that has closed.
    pub(super) fn of(&self, epoch: Epoch) -> BatchTime {
        let times = self.known.borrow();
        let (first, _) = times.front().expect("an operator asks only for batches that closed");
        times[(epoch - first) as usize].1
    }
}
