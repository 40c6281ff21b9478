//! Named points at which a test may end the process, to see what a crash leaves behind.

/// Every point there is, in no order. Tests go through this list, so that a new point is tested as well.
#[cfg(any(test, feature = "testing"))]
pub const POINTS: &[&str] = &[
    "before-create",
    "after-create",
    "before-append",
    "after-append",
    "before-sync",
    "after-sync",
    "compaction-begin",
    "compaction-read",
    "publish-begin",
    "publish-written",
    "publish-synced",
    "publish-renamed",
    "after-publish",
    "before-remove",
    "after-remove",
    "recovery-read",
    "before-cut",
    "after-cut",
    "recovery-end",
    // The engine's own.
    "before-commit",
    "after-commit",
    "before-acknowledge",
    "after-acknowledge",
];

/// Ends the process at once if `STREAMING_CRASH_AT` is `name:n` and this is the n-th time here, the first being 1.
///
/// Only in tests and with the feature `testing`; else it is nothing.
#[inline]
pub(crate) fn crash_point(name: &'static str) {
    #[cfg(any(test, feature = "testing"))]
    armed::pass(name);
    #[cfg(not(any(test, feature = "testing")))]
    let _ = name;
}

#[cfg(any(test, feature = "testing"))]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    static AT: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn pass(name: &'static str) {
        debug_assert!(super::POINTS.contains(&name), "crash point `{name}` is not in the list");
        let at = AT.get_or_init(|| {
            let said = std::env::var("STREAMING_CRASH_AT").ok()?;
            let (name, nth) = said.rsplit_once(':')?;
            Some((name.to_owned(), nth.parse().ok()?))
        });
        if let Some((at, nth)) = at
            && at == name
            && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *nth
        {
            std::process::abort();
        }
    }
}
