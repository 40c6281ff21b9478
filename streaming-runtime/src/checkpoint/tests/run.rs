//! A job on a disk: it recovers, checks what it finds against the model, and goes on for some batches.

use crate::{
    checkpoint::{
        CheckpointError, Durable, Edits, Opened, Settings, open,
        simulated::SimulatedDisk,
        tests::work::{State, Work},
        writer::{Message, Writer},
    },
    ids::Epoch,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::sync::{Arc, atomic::AtomicBool};

pub(super) struct Run {
    pub disk: SimulatedDisk,
    pub work: Work,
    pub settings: Settings,
    pub edits: Edits,
    /// What was said to be durable.
    pub said: Durable,
    /// What the sinks have.
    pub delivered: Option<Epoch>,
    /// How many batches less they have at the next start, if the checkpoint has those.
    pub sinks_lose: u64,
    pub compactions: u64,
    /// Whether to compact at all.
    pub compacts: bool,
    /// For runs whose state is not that of the model, or that are too long for it.
    pub skips_state: bool,
    pub chance: StdRng,
}

/// Logs are closed and frames are full after very little.
pub(super) fn small() -> Settings {
    Settings { segment: 600, frame: 150, group: 200, appends: 3, logs: 4, ..Settings::default() }
}

impl Run {
    pub(super) fn new(seed: u64) -> Run {
        Run {
            disk: SimulatedDisk::new(seed),
            work: Work::new(seed),
            settings: small(),
            edits: Edits::default(),
            said: Durable { epoch: None, inputs: vec![0, 0] },
            delivered: None,
            sinks_lose: 0,
            compactions: 0,
            compacts: true,
            skips_state: false,
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// Recovers and runs until `epochs` batches more than were found are there, or an error; then closes if asked to.
    pub(super) fn live(&mut self, epochs: u64, closes: bool) -> Result<(), CheckpointError> {
        let opened = open(Arc::new(self.disk.clone()))?;
        self.check(&opened);
        let head = opened.head().map(|(epoch, _)| epoch);
        let at = self.at(&opened);
        let (restored, place) = opened.restore(at, self.edits.clone())?;
        if !self.skips_state {
            self.check_restored(&restored, head);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (program, workers) = (self.work.program(), self.work.workers as usize);
        let mut writer = Writer::start(place, program, self.settings.clone(), workers, stop)?;
        // What was durable is, and what was only found is now.
        assert!(writer.durable().inputs >= self.said.inputs);
        self.say(writer.durable());
        let logged = writer.durable().inputs[1];
        let mut compaction = None;
        for epoch in at.unwrap_or(0) + 1..=head.unwrap_or(0) + epochs {
            self.batch(&mut writer, epoch, logged)?;
            if self.chance.random_bool(0.6) {
                self.commit(&mut writer)?;
                writer.roll_if_due()?;
            }
            let upto = writer.durable().epoch.unwrap_or(0).min(epoch);
            if self.chance.random_bool(0.6) && Some(upto) > self.delivered && upto > 0 {
                self.delivered = Some(upto);
                writer.take(Message::Delivered(upto))?;
            }
            if self.compacts && compaction.is_none() {
                compaction = writer.compaction();
            }
            if self.chance.random_bool(0.4)
                && let Some(due) = compaction.take()
            {
                let done = due.run();
                self.compactions += done.is_ok() as u64;
                writer.take(Message::Compacted(done))?;
            }
        }
        self.commit(&mut writer)?;
        if closes { writer.close_log() } else { Ok(()) }
    }

    /// From where the next start restores.
    pub(super) fn at(&self, opened: &Opened) -> Option<Epoch> {
        let head = opened.head().map(|(epoch, _)| epoch);
        let has = self.delivered.map(|epoch| epoch.saturating_sub(self.sinks_lose).max(1));
        has.min(head).max(opened.base().map(|(epoch, _)| epoch))
    }

    fn batch(&mut self, writer: &mut Writer, epoch: Epoch, logged: u64) -> Result<(), CheckpointError> {
        let (first, bytes) = self.work.input(epoch);
        if first + 2 > logged {
            writer.take(Message::Input { port: 1, first, count: 2, bytes })?;
        }
        let mut messages = vec![Message::Mark(self.work.mark(epoch))];
        messages.extend(
            (0..self.work.workers).map(|worker| Message::Part(epoch, worker, self.work.part(epoch, worker))),
        );
        messages.shuffle(&mut self.chance);
        messages.into_iter().try_for_each(|message| writer.take(message))
    }

    fn commit(&mut self, writer: &mut Writer) -> Result<(), CheckpointError> {
        writer.commit()?;
        self.say(writer.durable());
        Ok(())
    }

    fn say(&mut self, durable: &Durable) {
        self.said.epoch = self.said.epoch.max(durable.epoch);
        self.said.inputs.clone_from(&durable.inputs);
    }

    /// Nothing that was durable is missing, and what is there is what was said.
    pub(super) fn check(&self, opened: &Opened) {
        let head = opened.head().map(|(epoch, _)| epoch);
        assert!(head >= self.said.epoch, "durable to {:?}, found to {head:?}", self.said.epoch);
        assert!(opened.delivered() <= self.delivered, "nothing else was delivered");
        assert!(
            opened.base().map(|(epoch, _)| epoch) <= self.delivered,
            "what is not delivered can run again"
        );
    }

    pub(super) fn check_restored(&self, restored: &crate::checkpoint::Restored, head: Option<Epoch>) {
        let at = restored.at;
        assert_eq!(State::of(restored, &self.work.operators), self.work.state(at), "state at {at:?}");
        let replayed: Vec<_> = restored.replay.iter().map(|mark| mark.epoch).collect();
        assert_eq!(replayed, (at.unwrap_or(0) + 1..=head.unwrap_or(0)).collect::<Vec<_>>());
        for again in &restored.replay {
            let mark = self.work.mark(again.epoch);
            assert_eq!(again.time, mark.time);
            assert_eq!(
                again.sources.iter().map(|(_, source)| source.clone()).collect::<Vec<_>>(),
                mark.sources
            );
        }
        let sources = at.map_or(Vec::new(), |at| self.work.mark(at).sources);
        assert_eq!(restored.sources.iter().map(|(_, source)| source.clone()).collect::<Vec<_>>(), sources);
        let mut next = 2 * at.unwrap_or(0);
        for input in restored.inputs.get("net").into_iter().flatten() {
            assert_eq!((input.first, input.count), (next, 2));
            assert_eq!((input.first, input.bytes.clone()), self.work.input(next / 2 + 1));
            next += 2;
        }
        assert!(next >= self.said.inputs[1], "records {next} to {} are lost", self.said.inputs[1]);
        assert!(next >= 2 * head.unwrap_or(0), "input of a batch that is there is lost");
    }
}
