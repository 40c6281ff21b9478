//! Whether another program can go on with the state of a program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::checkpoint::lock::shape::{In, Initial, Kind, OperatorState, StateShape};

/// The author's declarations about changes. A declaration that was carried out stays harmless, so a program can be started again as it
/// is. Remove it with the next change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// Old id and new id.
    pub(crate) renamed: Vec<(String, String)>,
    /// State that may be lost: of an operator that is gone, or of one that keeps something else now.
    pub(crate) forgotten: Vec<String>,
}

/// What becomes of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Old id and new id, mostly the same. The operator goes on with that state.
    pub(crate) kept: Vec<(String, String)>,
    /// Old ids whose state is dropped, whether an operator of that id begins anew or none is there.
    pub(crate) forgotten: Vec<String>,
    /// New ids that begin with nothing.
    pub(crate) added: Vec<String>,
    /// Declarations that have nothing to do any more, as they stand in the code.
    pub(crate) done: Vec<String>,
}

/// State that would be lost or misread, or a declaration that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The operator, as the old program knows it if it does.
    pub(crate) id: String,
    /// What it kept; `None` if there was none.
    pub(crate) was: Option<StateShape>,
    /// What it keeps; `None` if it is gone.
    pub(crate) is: Option<StateShape>,
    /// Why that does not do.
    pub(crate) why: String,
    /// What to do.
    pub(crate) fix: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator `{}`: ", self.id)?;
        match (&self.was, &self.is) {
            (Some(was), Some(is)) if was != is => write!(f, "its state was `{was}`, and is `{is}`")?,
            (Some(was), _) => write!(f, "its state was `{was}`")?,
            (None, Some(is)) => write!(f, "its state is `{is}`")?,
            (None, None) => return write!(f, "{}: {}", self.why, self.fix),
        }
        if !self.why.is_empty() {
            write!(f, "; {}", self.why)?;
        }
        write!(f, ": {}", self.fix)
    }
}

/// Compares a program with the one that wrote the checkpoint.
///
/// # Errors
/// All that stands against going on, in the order of ids. State is not touched then.
pub(crate) fn carry(
    old: &[OperatorState],
    new: &[OperatorState],
    declared: &Declared,
) -> Result<Carried, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let old = by_id(old, "the checkpoint", &mut refusals);
    let new = by_id(new, "the program", &mut refusals);
    let mut change =
        Change { old, new, renames: BTreeMap::new(), forgotten: BTreeSet::new(), done: Vec::new(), refusals };
    change.declare(declared);
    change.carry()
}

type States<'a> = BTreeMap<&'a str, &'a OperatorState>;

fn by_id<'a>(operators: &'a [OperatorState], of: &str, refusals: &mut Vec<Refusal>) -> States<'a> {
    let mut states = States::new();
    for operator @ OperatorState { id, shape, .. } in operators {
        if let Some(first) = states.insert(id, operator) {
            let (was, is) = (Some(first.shape.clone()), Some(shape.clone()));
            let (why, fix) = (format!("{of} has that id twice"), "give each a name of its own".to_owned());
            refusals.push(Refusal { id: id.clone(), was, is, why, fix });
        }
    }
    states
}

struct Change<'a> {
    old: States<'a>,
    new: States<'a>,
    /// By old id, those that are to be done.
    renames: BTreeMap<&'a str, &'a str>,
    forgotten: BTreeSet<&'a str>,
    done: Vec<String>,
    refusals: Vec<Refusal>,
}

impl<'a> Change<'a> {
    fn refuse(&mut self, id: &str, why: impl Into<String>, fix: impl Into<String>) {
        let shape = |states: &States<'_>| states.get(id).map(|state| state.shape.clone());
        let (was, is) = (shape(&self.old), shape(&self.new));
        self.refusals.push(Refusal { id: id.to_owned(), was, is, why: why.into(), fix: fix.into() });
    }

    /// Sorts out what is declared. An id may stand in one declaration only: chains and swaps would mean something
    /// else when the same program starts again.
    fn declare(&mut self, declared: &'a Declared) {
        let pairs: BTreeSet<_> = declared.renamed.iter().map(|(old, new)| (&**old, &**new)).collect();
        self.forgotten = declared.forgotten.iter().map(String::as_str).collect();
        let mut named = BTreeMap::<&str, usize>::new();
        let ids = pairs.iter().flat_map(|(old, new)| [*old, *new]).chain(self.forgotten.iter().copied());
        ids.for_each(|id| *named.entry(id).or_default() += 1);
        named.retain(|_, times| *times > 1);
        for id in named.keys() {
            self.refuse(id, "it stands in several declarations", "remove those that are carried out, and make one step of a chain or swap at a time, each with a start");
        }
        for (from, to) in pairs {
            if named.contains_key(from) || named.contains_key(to) {
                continue;
            }
            self.declare_renamed(from, to);
        }
        for id in self.forgotten.clone() {
            if !self.old.contains_key(id) {
                self.done.push(forget(id));
            }
        }
    }

    fn declare_renamed(&mut self, from: &'a str, to: &'a str) {
        let said = format!("`{}` is declared", renamed(from, to));
        let (was, is) = (self.old.contains_key(from), self.new.contains_key(from));
        let (target_was, target_is) = (self.old.contains_key(to), self.new.contains_key(to));
        if is {
            let why = format!("{said}, and an operator of the program has that id");
            self.refuse(from, why, "remove the declaration, or give that operator another name");
        } else if was && target_was {
            let why = format!("{said}, and the checkpoint has state of `{to}` already");
            self.refuse(from, why, format!("choose another name than `{to}`"));
        } else if was && !target_is {
            let why = format!("{said}, and the program has no stateful operator `{to}`");
            self.refuse(from, why, self.suggest(from));
        } else if was {
            self.renames.insert(from, to);
        } else if target_was || (self.old.is_empty() && target_is) {
            // It was carried out, or there is nothing yet that it could be done to.
            self.done.push(renamed(from, to));
        } else {
            let why = format!("{said}, and the checkpoint has no state of `{from}`, nor of `{to}`");
            self.refuse(from, why, "correct the name, or remove the declaration");
        }
    }

    fn carry(mut self) -> Result<Carried, Vec<Refusal>> {
        let mut carried = Carried::default();
        for (&id, &was) in &self.old.clone() {
            let target = self.renames.get(id).copied().unwrap_or(id);
            let forgotten = self.forgotten.contains(id);
            match self.new.get(target).map(|is| takes_over(was, is)) {
                Some(Ok(())) => {
                    if forgotten {
                        self.done.push(forget(id));
                    }
                    carried.kept.push((id.to_owned(), target.to_owned()));
                }
                _ if forgotten => carried.forgotten.push(id.to_owned()),
                Some(Err(why)) => {
                    let is = self.new[target];
                    let fix = match fits_shape(&was.shape, &is.shape) {
                        Err(_) => {
                            format!(
                                "declare `{}` to begin anew, or give the operator another name",
                                forget(id)
                            )
                        }
                        Ok(()) => format!(
                            "give it those that it began with, declare `.keeps({target:?})` to go on without these, or \
                             `{}` to begin anew with them",
                            forget(id)
                        ),
                    };
                    let (was, is) = (Some(was.shape.clone()), Some(is.shape.clone()));
                    self.refusals.push(Refusal { id: id.to_owned(), was, is, why, fix });
                }
                // A declaration that is wrong has been refused as such.
                None if self.refusals.iter().any(|refusal| refusal.id == id) => {}
                None => {
                    let fix = self.suggest(id);
                    self.refuse(id, "the program has no such operator", fix);
                }
            }
        }
        let kept: BTreeSet<_> = carried.kept.iter().map(|(_, new)| new.as_str()).collect();
        let added = self.new.keys().filter(|id| !kept.contains(**id)).map(|id| (*id).to_owned());
        carried.added = added.collect();
        carried.done = self.done;
        if self.refusals.is_empty() {
            return Ok(carried);
        }
        self.refusals.sort_by(|a, b| a.id.cmp(&b.id));
        Err(self.refusals)
    }

    /// What to declare of an operator that is gone.
    fn suggest(&self, gone: &str) -> String {
        let was = self.old[gone];
        let taken: BTreeSet<_> = self.renames.values().copied().collect();
        let is_free = |id: &str| !self.old.contains_key(id) && !taken.contains(id);
        let mut alike: Vec<_> =
            self.new.iter().filter(|(id, is)| is_free(id) && takes_over(was, is).is_ok()).collect();
        // The likeliest first: what has most of its names in common.
        let in_common =
            |id: &str| gone.split('/').filter(|part| id.split('/').any(|other| other == *part)).count();
        alike.sort_by_key(|(id, _)| std::cmp::Reverse(in_common(id)));
        let mut fix = String::from("declare ");
        for (id, _) in alike.iter().take(3) {
            fix.push_str(&format!("`{}`, or ", renamed(gone, id)));
        }
        fix + &format!("`{}` if its state may be lost", forget(gone))
    }
}

pub(super) fn renamed(from: &str, to: &str) -> String {
    format!(".renamed({from:?}, {to:?})")
}

pub(super) fn forget(id: &str) -> String {
    format!(".forget({id:?})")
}

/// Whether an operator goes on with a state; else why not, if that needs words.
fn takes_over(was: &OperatorState, is: &OperatorState) -> Result<(), String> {
    fits_shape(&was.shape, &is.shape)?;
    // It takes its initial states in once. Others would be ignored silently.
    match (was.initial, is.initial) {
        (Initial::Any, _) | (_, Initial::Without | Initial::Any) => Ok(()),
        (was, is) if was == is => Ok(()),
        (was, _) => {
            let began = if was == Initial::Without { "without any" } else { "with others" };
            Err(format!("it is given initial states and began {began}, so that they would be left out"))
        }
    }
}

/// The same of the shape alone, see the table of the module.
pub(super) fn fits_shape(was: &StateShape, is: &StateShape) -> Result<(), String> {
    if (was.kind, &was.types) != (is.kind, &is.types) || !is.is_made_as(was) {
        return Err(String::new());
    }
    if !is.has_parameters_of(was) {
        let word = |with: &str| if with.is_empty() { "none".to_owned() } else { format!("`{with}`") };
        let (was, is) = (word(was.parameters()), word(is.parameters()));
        return Err(format!("its parameters were {was}, and are {is}"));
    }
    if (was.span, was.slide) == (is.span, is.slide) {
        return Ok(());
    }
    if was.kind == Kind::PanesAndKeys {
        return Err("its keys were made from windows as they were".to_owned());
    }
    let is_longer = match (was.span, is.span) {
        (Some(was), Some(is)) => is > was,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if let (true, Some(span)) = (is_longer, was.span) {
        return Err(format!("what is older than {} is gone", In(span)));
    }
    let left_out = matches!((was.slide, was.span), (Some(slide), Some(span)) if slide > span);
    if left_out && was.slide != is.slide {
        return Err("what was between its windows is gone".to_owned());
    }
    Ok(())
}
