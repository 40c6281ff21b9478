//! What is gathered for each epoch that is open.

use crate::ids::Epoch;

/// An `S` for each open epoch, oldest first. There are rarely more than two, so what is behind the oldest moves up when that is taken. An `S` that was emptied is used again for a
/// later epoch, so that its capacity is kept.
pub(crate) struct EpochQueue<S> {
    open: Vec<(Epoch, S)>,
    spare: Vec<S>,
}

impl<S> Default for EpochQueue<S> {
    fn default() -> Self {
        EpochQueue { open: Vec::new(), spare: Vec::new() }
    }
}

impl<S: Default> EpochQueue<S> {
    /// What `epoch` has, which is opened if it is not open.
    pub(crate) fn at(&mut self, epoch: Epoch) -> &mut S {
        let place = self.open.partition_point(|(open, _)| *open < epoch);
        if self.open.get(place).is_none_or(|(open, _)| *open != epoch) {
            let state = self.spare.pop().unwrap_or_default();
            self.open.insert(place, (epoch, state));
        }
        &mut self.open[place].1
    }

    /// What `epoch` has, if it is open. No older epoch is.
    pub(crate) fn take_open(&mut self, epoch: Epoch) -> Option<S> {
        self.pop_if(|open, _| open == epoch).map(|(_, state)| state)
    }

    /// What `epoch` has; something empty if it is not open. No older epoch is.
    pub(crate) fn take(&mut self, epoch: Epoch) -> S {
        self.take_open(epoch).or_else(|| self.spare.pop()).unwrap_or_default()
    }

    /// Takes the oldest epoch, if it is as `is_complete` asks.
    pub(crate) fn pop_if(&mut self, is_complete: impl FnOnce(Epoch, &S) -> bool) -> Option<(Epoch, S)> {
        let (epoch, state) = self.open.first()?;
        is_complete(*epoch, state).then(|| self.open.remove(0))
    }

    /// Gives back what was taken and emptied.
    pub(crate) fn reuse(&mut self, state: S) {
        self.spare.push(state);
    }

    /// Forgets all open epochs.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_taken_in_order_and_their_room_is_used_again() {
        let mut queue = EpochQueue::<Vec<u32>>::default();
        queue.at(7).push(70);
        queue.at(5).push(50);
        queue.at(7).push(71);
        assert_eq!(queue.pop_if(|epoch, _| epoch < 5), None);
        let mut oldest = queue.take(5);
        assert_eq!(oldest, [50]);
        oldest.clear();
        let room = oldest.capacity();
        queue.reuse(oldest);
        assert_eq!(queue.take_open(6), None);
        let empty = queue.take(6);
        assert_eq!((empty.len(), empty.capacity()), (0, room));
        assert_eq!(queue.pop_if(|epoch, _| epoch < 8), Some((7, vec![70, 71])));
    }
}
