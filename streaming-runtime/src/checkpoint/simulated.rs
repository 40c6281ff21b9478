//! A simulated disk that fails on demand, and loses at a crash what was not synced. All randomness is from a seed.

use crate::checkpoint::{Append, Storage};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    io::{
        ErrorKind, {self},
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full.
    NoSpace,
    /// The disk is broken. A sync that fails so has lost what it should have made durable, though it can still be read.
    Io,
    /// Only the front of what is to be written is, then the disk is full.
    ShortWrite,
    /// The machine crashes in the midst of the call: all further calls fail, until [`SimulatedDisk::restart`].
    Crash,
}

/// See the module. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<DiskState>>,
}

#[derive(Debug)]
struct DiskState {
    files: BTreeMap<String, SimulatedFile>,
    /// Removed, but the directory is not synced since: they may come back.
    removed: BTreeMap<String, SimulatedFile>,
    /// Renamed into place by a publish that failed, and what was there before: it may be there again.
    replaced: BTreeMap<String, Option<SimulatedFile>>,
    chance: StdRng,
    calls: u64,
    fault: Option<(u64, Fault)>,
    down: bool,
    /// Counts restarts: what was opened before one is of no use after it.
    life: u64,
    locked: bool,
}

#[derive(Clone, Debug, Default)]
struct SimulatedFile {
    bytes: Vec<u8>,
    synced: usize,
    /// A sync has failed: what is not synced can be read, and never will be.
    lost: bool,
}

impl Default for DiskState {
    fn default() -> Self {
        DiskState {
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            replaced: BTreeMap::new(),
            chance: StdRng::seed_from_u64(0),
            calls: 0,
            fault: None,
            down: false,
            life: 0,
            locked: false,
        }
    }
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::default();
        disk.state().chance = StdRng::seed_from_u64(seed);
        disk
    }

    /// Lets the `nth` call from now on fail, the next being 1.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.calls + nth, fault));
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Whether a call has crashed the machine.
    #[cfg(feature = "testing")]
    pub fn is_down(&self) -> bool {
        self.state().down
    }

    /// The machine goes off and on again: what was not synced is lost or torn, faults are gone.
    pub fn restart(&self) {
        self.state().crash();
        let mut state = self.state();
        (state.down, state.fault, state.locked) = (false, None, false);
        state.life += 1;
    }

    /// The process dies, the machine goes on: nothing is lost but what a failed sync has lost, if it ever crashes.
    pub fn kill(&self) {
        let mut state = self.state();
        (state.down, state.fault, state.locked) = (false, None, false);
        state.life += 1;
    }

    /// Names and contents.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().files.iter().map(|(name, file)| (name.clone(), file.bytes.clone())).collect()
    }

    /// A disk on which these files are, synced.
    pub fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        let disk = SimulatedDisk::default();
        disk.state().files = files
            .into_iter()
            .map(|(name, bytes)| (name, SimulatedFile { synced: bytes.len(), bytes, lost: false }))
            .collect();
        disk
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskState {
    /// Counts a call, and returns how it should fail, if it should.
    fn call(&mut self) -> io::Result<Option<Fault>> {
        if self.down {
            return Err(crashed());
        }
        self.calls += 1;
        let fault = self.fault.filter(|(at, _)| *at == self.calls).map(|(_, fault)| fault);
        self.down |= fault == Some(Fault::Crash);
        Ok(fault)
    }

    /// As [`call`](DiskState::call), for calls that write nothing.
    fn plain_call(&mut self) -> io::Result<()> {
        self.call()?.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn sync_names(&mut self) {
        self.removed.clear();
        self.replaced.clear();
    }

    fn crash(&mut self) {
        for (name, before) in std::mem::take(&mut self.replaced) {
            match before {
                _ if self.chance.random_bool(0.5) => {}
                Some(file) => drop(self.files.insert(name, file)),
                None => drop(self.files.remove(&name)),
            }
        }
        let chance = &mut self.chance;
        for file in self.files.values_mut() {
            let unsynced = file.bytes.len() - file.synced;
            let keeps = if file.lost { 0 } else { chance.random_range(0..=unsynced) };
            file.bytes.truncate(file.synced + keeps);
            // Blocks reach the disk in any order: some of what is kept is not what was written.
            if keeps > 0 && chance.random_bool(0.5) {
                let from = file.synced + chance.random_range(0..keeps);
                let to = (from + chance.random_range(1..=64)).min(file.bytes.len());
                let junk = chance.random_bool(0.5);
                file.bytes[from..to].fill_with(|| if junk { chance.random() } else { 0 });
            }
            file.synced = file.bytes.len();
            file.lost = false;
        }
        for (name, file) in std::mem::take(&mut self.removed) {
            if self.chance.random_bool(0.5) {
                self.files.entry(name).or_insert(file);
            }
        }
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Fault::NoSpace | Fault::ShortWrite => io::Error::from(ErrorKind::StorageFull),
            Fault::Io => io::Error::other("input/output error"),
            Fault::Crash => crashed(),
        }
    }
}

fn crashed() -> io::Error {
    io::Error::other("the machine has crashed")
}

struct DiskGuard {
    disk: SimulatedDisk,
    life: u64,
}

impl Drop for DiskGuard {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locked = false;
        }
    }
}

impl Storage for SimulatedDisk {
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        let mut state = self.state();
        state.plain_call()?;
        if state.locked {
            return Err(io::Error::new(ErrorKind::WouldBlock, "another"));
        }
        state.locked = true;
        Ok(Box::new(DiskGuard { disk: self.clone(), life: state.life }))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut state = self.state();
        state.plain_call()?;
        Ok(state.files.iter().map(|(name, file)| (name.clone(), file.bytes.len() as u64)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.plain_call()?;
        state.files.get(name).map(|file| file.bytes.clone()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn Append>> {
        let mut state = self.state();
        if let Some(fault) = state.call()? {
            // Creating may have come before what failed.
            if state.chance.random_bool(0.5) {
                state.files.entry(name.to_owned()).or_default();
            }
            return Err(fault.error());
        }
        if state.files.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.to_owned(), SimulatedFile::default());
        state.sync_names();
        let life = state.life;
        Ok(Box::new(SimulatedAppend { disk: self.clone(), name: name.to_owned(), life }))
    }

    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64> {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&part?);
            // Each part is a call, so that a fault can come between them.
            self.state().plain_call()?;
        }
        let mut state = self.state();
        let length = bytes.len();
        let file = SimulatedFile { synced: length, bytes, lost: false };
        if let Some(fault) = state.call()? {
            // The rename may have come before what failed.
            if state.chance.random_bool(0.5) {
                let before = state.files.insert(name.to_owned(), file);
                state.replaced.entry(name.to_owned()).or_insert(before);
            }
            return Err(fault.error());
        }
        state.files.insert(name.to_owned(), file);
        state.sync_names();
        Ok(length as u64)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.call()?;
        if fault.is_none_or(|fault| fault == Fault::Crash) {
            let file = state.files.remove(name).ok_or(ErrorKind::NotFound)?;
            state.removed.insert(name.to_owned(), file);
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }
}

struct SimulatedAppend {
    disk: SimulatedDisk,
    name: String,
    life: u64,
}

impl SimulatedAppend {
    fn on_file<T>(
        &self,
        work: impl FnOnce(&mut SimulatedFile, Option<Fault>, &mut StdRng) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(crashed());
        }
        let fault = state.call()?;
        let DiskState { files, chance, .. } = &mut *state;
        let file = files.get_mut(&self.name).ok_or(ErrorKind::NotFound)?;
        work(file, fault, chance)
    }
}

impl Append for SimulatedAppend {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.on_file(|file, fault, chance| {
            assert!(!file.lost, "a file of which a sync has failed is written again");
            let length = match fault {
                None => bytes.len(),
                Some(Fault::ShortWrite | Fault::Crash) => chance.random_range(0..=bytes.len()),
                Some(Fault::NoSpace | Fault::Io) => 0,
            };
            file.bytes.extend_from_slice(&bytes[..length]);
            fault.map_or(Ok(()), |fault| Err(fault.error()))
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.on_file(|file, fault, chance| {
            assert!(!file.lost, "a file of which a sync has failed is synced again");
            match fault {
                None => file.synced = file.bytes.len(),
                Some(Fault::Crash) if chance.random_bool(0.5) => file.synced = file.bytes.len(),
                Some(Fault::Crash) => {}
                Some(_) => file.lost = true,
            }
            fault.map_or(Ok(()), |fault| Err(fault.error()))
        })
    }
}
