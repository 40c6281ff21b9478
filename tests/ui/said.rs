//! What the compiler says about a program, as its `.stderr` has it, and whether that helps.

use std::{fs, path::Path};

/// What only this workspace knows of. It has no place in the first line of an error.
const INTERNAL: [&str; 10] = [
    "timely",
    "Chain",
    "Rooted",
    "Ready<",
    "Lent",
    "InPort",
    "OutPort",
    "__",
    "super::",
    "trait bounds were not satisfied",
];

/// What a stream has in its type. Iterators and collections have such names, too.
const LINKS: [&str; 2] = ["Map<", "Filter<"];

/// What programs are made of, as users call it.
const WORDS: [&str; 26] = [
    "stream",
    "source",
    "sink",
    "window",
    "batch",
    "interval",
    "record",
    "key",
    "state",
    "pipeline",
    "stage",
    "port",
    "join",
    "union",
    "loop",
    "slide",
    "aggregate",
    "operator",
    "connector",
    "channel",
    "queue",
    "view",
    "engine",
    "checkpoint",
    "time",
    "duration",
];

/// The words beside a case.
pub struct Said(String);

impl Said {
    pub fn of(case: &Path) -> Self {
        Said(fs::read_to_string(case.with_extension("stderr")).expect("a case has its words beside it"))
    }

    /// The first lines of its errors.
    pub fn errors(&self) -> Vec<&str> {
        self.0.lines().filter(|line| line.starts_with("error")).collect()
    }

    /// Whether the first error names what no user has written.
    pub fn is_internal(&self) -> bool {
        self.errors().first().is_none_or(|first| {
            let links = first.contains("Stream<").then_some(LINKS);
            INTERNAL.iter().chain(links.iter().flatten()).any(|word| first.contains(word))
        })
    }

    /// Whether the first error speaks of streams, or of what the program has written.
    pub fn is_of(&self, program: &str) -> bool {
        let errors = self.errors();
        let Some(first) = errors.first() else { return false };
        let lower = first.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric());
        let is_word = |word: &str| WORDS.iter().any(|known| word.strip_suffix('s').unwrap_or(word) == *known);
        let mut quoted = first.split('`').skip(1).step_by(2);
        let is_written = |part: &str| !part.trim().is_empty() && program.contains(part);
        !self.is_internal() && (words.into_iter().any(is_word) || quoted.any(is_written))
    }

    /// Whether the fix is there, or one of several ` or `: in the words and in what the compiler proposes, not in what it
    /// quotes of the program.
    pub fn names(&self, fix: &str) -> bool {
        let mut proposes = false;
        self.0.lines().any(|line| {
            match line.split([':', '[']).next() {
                Some("help") => proposes = true,
                Some("error" | "note" | "warning") => proposes = false,
                _ => {}
            }
            let unnumbered = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
            let is_numbered = unnumbered.len() < line.trim_start().len();
            let is_quoted = is_numbered && (unnumbered.starts_with(" -") || !proposes);
            let is_place = ["-->", ":::"].iter().any(|arrow| line.trim_start().starts_with(arrow));
            !is_quoted && !is_place && fix.split(" or ").any(|fix| line.contains(fix))
        })
    }
}
