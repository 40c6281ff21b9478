//! What bounds a range of keys.

use std::{
    cmp::Ordering,
    ops::{Bound, RangeBounds},
    rc::Rc,
    sync::Arc,
};

/// A bound of keys `K` in [`View::range`](super::View::range): a key, or a `&str` where keys are a `String` or another owned
/// text, or a slice where they are a `Vec`.
#[diagnostic::on_unimplemented(
    message = "a range of keys `{K}` cannot be bounded by `{Self}`",
    label = "give bounds of type `{K}`"
)]
pub trait KeyBound<K: ?Sized> {
    /// Compares the bound with a key.
    fn compare(&self, key: &K) -> Ordering;
}

impl<K: Ord> KeyBound<K> for K {
    fn compare(&self, key: &K) -> Ordering {
        self.cmp(key)
    }
}

macro_rules! bounded_by_text {
    ($($key:ty),+) => {$(
        impl KeyBound<$key> for str {
            fn compare(&self, key: &$key) -> Ordering {
                self.cmp(&**key)
            }
        }
        impl KeyBound<$key> for &str {
            fn compare(&self, key: &$key) -> Ordering {
                (**self).cmp(&**key)
            }
        }
    )+};
}
bounded_by_text!(String, Box<str>, Rc<str>, Arc<str>);

impl<T: Ord> KeyBound<Vec<T>> for [T] {
    fn compare(&self, key: &Vec<T>) -> Ordering {
        self.cmp(&**key)
    }
}
impl<T: Ord> KeyBound<Vec<T>> for &[T] {
    fn compare(&self, key: &Vec<T>) -> Ordering {
        (**self).cmp(&**key)
    }
}

/// Whether a key is within bounds.
pub(super) fn is_within<K, Q: ?Sized + KeyBound<K>>(bounds: &impl RangeBounds<Q>, key: &K) -> bool {
    let is_behind_start = match bounds.start_bound() {
        Bound::Included(start) => start.compare(key).is_le(),
        Bound::Excluded(start) => start.compare(key).is_lt(),
        Bound::Unbounded => true,
    };
    is_behind_start
        && match bounds.end_bound() {
            Bound::Included(end) => end.compare(key).is_ge(),
            Bound::Excluded(end) => end.compare(key).is_gt(),
            Bound::Unbounded => true,
        }
}
