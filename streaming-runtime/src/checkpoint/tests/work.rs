//! What a job says to its log, as a function of a seed and the epoch, and the state that this means.

use crate::{
    checkpoint::{
        EntryContent, Mark, OperatorEntry, PartWriter, Program, ReplayOrigin, Restored, SinkEntry,
        SourceEntry, SourceMark,
    },
    ids::Epoch,
    time::BatchTime,
    timeline::Follows,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;

pub(super) const WINDOW: u32 = 0;
pub(super) const KEYS: u32 = 1;
pub(super) const EVER: u32 = 2;

/// Sources "files", which can replay, and "net", which is logged; operators with panes, keys, and panes without end.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub seed: u64,
    pub workers: u32,
    /// How many batches a pane lives.
    pub window: u64,
    /// The largest pane.
    pub pane: usize,
    pub operators: Vec<&'static str>,
}

/// The plain model: what is live.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub panes: BTreeMap<(String, Epoch, u32), Vec<Vec<u8>>>,
    pub keys: BTreeMap<(String, Vec<u8>), Vec<u8>>,
}

#[derive(Debug)]
enum Said {
    Pane(u32, Option<BatchTime>, Vec<u8>),
    Key(u32, Vec<u8>, Option<Vec<u8>>),
}

pub(super) fn time(epoch: Epoch) -> BatchTime {
    BatchTime::from_millis(1000 * epoch)
}

impl Work {
    pub(super) fn new(seed: u64) -> Work {
        Work { seed, workers: 2, window: 5, pane: 40, operators: vec!["window", "keys", "ever"] }
    }

    pub(super) fn program(&self) -> Program {
        let entry = |id: &&str| OperatorEntry {
            id: (*id).to_owned(),
            state: "bytes".to_owned(),
            mark: format!("1-{id}"),
            initial: None,
        };
        Program {
            pipeline: "work".to_owned(),
            sources: vec![
                SourceEntry { port: "files".to_owned(), replay_origin: ReplayOrigin::FromSource },
                SourceEntry {
                    port: "net".to_owned(),
                    replay_origin: ReplayOrigin::FromLog { records: "bytes".to_owned() },
                },
            ],
            sinks: vec![SinkEntry { port: "out".to_owned(), since: None }],
            processes: 1,
            workers: self.workers,
            moved: None,
            operators: self.operators.iter().map(entry).collect(),
            identity: Some(7),
        }
    }

    pub(super) fn mark(&self, epoch: Epoch) -> Mark {
        let position = Some(epoch.to_le_bytes().to_vec());
        let files = SourceMark { records: 3, total: 3 * epoch, position, since: epoch % 7, ended: false };
        let net =
            SourceMark { records: 2, total: 2 * epoch, position: None, since: 2 * epoch, ended: epoch > 90 };
        Mark { epoch, time: time(epoch), follows: Follows::Closely, sources: vec![files, net] }
    }

    /// What "net" gave for the batch: two records, the first of which has this number.
    pub(super) fn input(&self, epoch: Epoch) -> (u64, Vec<u8>) {
        (2 * (epoch - 1), format!("input of {epoch}").into_bytes())
    }

    fn said(&self, epoch: Epoch, worker: u32) -> Vec<Said> {
        let mut chance = StdRng::seed_from_u64(self.seed ^ (epoch << 8) ^ u64::from(worker));
        let mut bytes = |most: usize| {
            let length = chance.random_range(0..=most);
            (0..length).map(|_| chance.random()).collect::<Vec<u8>>()
        };
        let mut said = vec![Said::Pane(WINDOW, Some(time(epoch + self.window)), bytes(self.pane))];
        let some = bytes(6);
        for key in some.iter().map(|byte| byte % 20).filter(|key| u32::from(*key) % self.workers == worker) {
            let value = bytes(12);
            said.push(Said::Key(KEYS, vec![b'k', key], Some(value).filter(|value| value.len() > 3)));
        }
        if self.operators.len() > 2 && (epoch + u64::from(worker)).is_multiple_of(8) {
            said.push(Said::Pane(EVER, None, bytes(5)));
        }
        if self.operators.len() > 3 {
            said.push(Said::Pane(3, None, vec![worker as u8]));
        }
        said
    }

    pub(super) fn part(&self, epoch: Epoch, worker: u32) -> Vec<u8> {
        let mut part = PartWriter::default();
        for said in self.said(epoch, worker) {
            match said {
                Said::Pane(operator, until, bytes) => {
                    part.pane(operator, until, |into| into.extend_from_slice(&bytes));
                }
                Said::Key(operator, key, value) => {
                    let mut keys = part.keys(operator);
                    let key = |into: &mut Vec<u8>| into.extend_from_slice(&key);
                    match value {
                        Some(value) => keys.put(key, |into| into.extend_from_slice(&value)),
                        None => keys.remove(key),
                    }
                }
            }
        }
        drop(part.keys(KEYS)); // no keys are no entry
        part.take()
    }

    /// The state as of `at`, from the beginning.
    pub(super) fn state(&self, at: Option<Epoch>) -> State {
        self.state_from(1, at.unwrap_or(0))
    }

    /// The state as of `at`, if `first` had been the first batch.
    pub(super) fn state_from(&self, first: Epoch, at: Epoch) -> State {
        let mut state = State::default();
        let batches = (first..=at).flat_map(|epoch| (0..self.workers).map(move |worker| (epoch, worker)));
        for (epoch, worker) in batches {
            for said in self.said(epoch, worker) {
                self.apply(&mut state, (epoch, worker), said, time(at));
            }
        }
        state
    }

    fn apply(&self, state: &mut State, (epoch, worker): (Epoch, u32), said: Said, now: BatchTime) {
        match said {
            Said::Pane(_, Some(until), _) if until <= now => {}
            Said::Pane(operator, _, bytes) => {
                let id = self.operators[operator as usize].to_owned();
                state.panes.entry((id, epoch, worker)).or_default().push(bytes);
            }
            Said::Key(operator, key, value) => {
                let id = (self.operators[operator as usize].to_owned(), key);
                match value {
                    Some(value) => state.keys.insert(id, value),
                    None => state.keys.remove(&id),
                };
            }
        }
    }
}

impl State {
    /// What was restored, of these operators.
    pub(super) fn of(restored: &Restored, operators: &[&str]) -> State {
        let mut state = State::default();
        for &id in operators {
            let mut last = (0, 0);
            for entry in restored.entries(id) {
                let epoch = entry.time.as_millis() / 1000;
                let keys = matches!(entry.content, EntryContent::Keys(_));
                // The keys of a base are of all its batches, behind its panes.
                assert!((epoch, if keys { 0 } else { entry.worker }) >= (last.0, 0), "from the oldest on");
                last = (epoch, entry.worker);
                match entry.content {
                    EntryContent::Pane(bytes) => {
                        let pane = state.panes.entry((id.to_owned(), epoch, entry.worker));
                        pane.or_default().push(bytes.to_vec());
                    }
                    EntryContent::Keys(keys) => {
                        for (key, value) in keys {
                            let id = (id.to_owned(), key.to_vec());
                            match value {
                                Some(value) => state.keys.insert(id, value.to_vec()),
                                None => state.keys.remove(&id),
                            };
                        }
                    }
                }
            }
        }
        state
    }
}
