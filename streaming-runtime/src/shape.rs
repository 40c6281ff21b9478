//! Stand-in until checkpoint_lock is merged.
use std::time::Duration;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind { Panes, Keys, PanesAndKeys }
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateShape { pub kind: Kind, pub span: Option<Duration>, pub slide: Option<Duration>, pub how: String, pub types: String }
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperatorState { pub id: String, pub shape: StateShape }
impl StateShape {
    fn new<T>(kind: Kind, span: Option<Duration>, slide: Option<Duration>) -> Self {
        StateShape { kind, span, slide, how: String::new(), types: std::any::type_name::<T>().to_owned() }
    }
    pub(crate) fn panes<T>(span: Option<Duration>, slide: Option<Duration>) -> Self { Self::new::<T>(Kind::Panes, span, slide) }
    pub(crate) fn panes_and_keys<T>(span: Option<Duration>, slide: Option<Duration>) -> Self { Self::new::<T>(Kind::PanesAndKeys, span, slide) }
    pub(crate) fn keys<T>() -> Self { Self::new::<T>(Kind::Keys, None, None) }
    pub(crate) fn by(mut self, how: String) -> Self { self.how = how; self }
}
pub(crate) fn short_name<T>() -> String { std::any::type_name::<T>().to_owned() }
