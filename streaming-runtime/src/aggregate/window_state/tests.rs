//! Each way against the queue.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::aggregate::{Associative, StateOf, Sum, count, count_distinct, first, last, max, sum, top_k};

/// Values in order: what is merged the wrong way round shows.
struct InOrder;

impl Aggregate<u8> for InOrder {
    type Accumulator = Vec<u8>;
    type Result = Vec<u8>;
    type Algebra = Associative;
    fn create(&self, value: u8) -> Vec<u8> {
        vec![value]
    }
    fn merge(&self, mut older: Vec<u8>, mut newer: Vec<u8>) -> Vec<u8> {
        older.append(&mut newer);
        older
    }
    fn result(&self, values: Vec<u8>) -> Vec<u8> {
        values
    }
}

/// Lets a pane of a value enter, or the oldest leave, and compares with the reference each time.
fn agrees<G: Aggregate<u8, Result: PartialEq + std::fmt::Debug>>(
    how: &G,
    mut window: impl WindowState<u8, G>,
    steps: &[Option<u8>],
) {
    let mut reference = Queue::default();
    let mut panes = VecDeque::new();
    for step in steps {
        match *step {
            Some(value) => {
                reference.enter(how.create(value), how);
                panes.push_back(window.enter(how.create(value), how));
            }
            None => {
                let Some(leaving) = panes.pop_front() else { continue };
                WindowState::<u8, G>::leave(&mut reference, (), how);
                window.leave(leaving, how);
            }
        }
        assert_eq!(window.value(how), reference.value(how), "after {step:?} of {steps:?}");
        assert_eq!(window.is_gone(), panes.is_empty());
    }
}

/// The same of a window that nothing leaves.
fn grows<G: Aggregate<u8, Result: PartialEq + std::fmt::Debug>>(
    how: &G,
    mut window: impl WindowState<u8, G>,
    values: &[u8],
) {
    let mut reference = Queue::default();
    for value in values {
        reference.enter(how.create(*value), how);
        window.grow(how.create(*value), how);
        assert_eq!(window.value(how), reference.value(how));
        assert!(!window.is_gone());
    }
}

fn own<G: Aggregate<u8>>(_: &G) -> StateOf<u8, G> {
    StateOf::<u8, G>::default()
}

fn all() -> impl Aggregate<u8, Result: PartialEq + std::fmt::Debug> {
    let wide = sum().of(|&value: &u8| u32::from(value));
    (count(), InOrder, wide, count_distinct(), (first(), last()), top_k(2))
}

proptest! {
    #[test]
    fn each_way_agrees_with_the_queue(steps in vec(prop_oneof![3 => (0..9u8).prop_map(Some), 2 => Just(None)], 0..60)) {
        agrees(&InOrder, TwoStacks::default(), &steps);
        agrees(&max(), TwoStacks::default(), &steps);
        agrees(&count(), InvertibleState::default(), &steps);
        agrees(&count_distinct(), InvertibleState::default(), &steps);
        agrees(&all(), own(&all()), &steps);
    }

    #[test]
    fn each_way_grows_as_the_queue(values in vec(0..9u8, 0..30)) {
        grows(&InOrder, Queue::default(), &values);
        grows(&InOrder, TwoStacks::default(), &values);
        grows(&count_distinct(), InvertibleState::default(), &values);
        grows(&count(), RetainedState::default(), &values);
        grows(&all(), own(&all()), &values);
    }

    /// A sum of 0 when nothing is in the window, where others have none.
    #[test]
    fn what_lasts_stays_when_it_is_gone(first in 0..9u8, steps in vec(proptest::option::of(0..9u8), 0..60)) {
        let how = sum();
        let (mut window, mut panes) = (RetainedState::default(), VecDeque::new());
        for step in std::iter::once(Some(first)).chain(steps) {
            match step.map(i64::from) {
                Some(value) => panes.push_back((value, WindowState::<u32, _>::enter(&mut window, value, &how))),
                None => {
                    let Some((_, leaving)) = panes.pop_front() else { continue };
                    WindowState::<u32, _>::leave(&mut window, leaving, &how);
                }
            }
            let left = panes.iter().map(|pane| pane.0 as u32).sum();
            prop_assert_eq!(WindowState::<u32, _>::value(&window, &how), Some(left));
            prop_assert_eq!(WindowState::<u32, Sum>::is_gone(&window), panes.is_empty());
        }
    }
}
