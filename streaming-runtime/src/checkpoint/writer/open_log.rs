//! The log that grows.

use crate::checkpoint::{
    Append, CheckpointError, Storage, crash_point,
    frame::{Head, Kind},
};

/// See the module.
pub(super) struct OpenLog {
    append: Box<dyn Append>,
    pub(super) name: String,
    pub(super) head: Head,
    /// Frames that are not appended yet.
    pub(super) buffer: Vec<u8>,
    pub(super) appended: u64,
    pub(super) synced: u64,
    pub(super) appends: u64,
}

impl OpenLog {
    /// A new log with nothing but its head, which is durable.
    pub(super) fn create(
        storage: &dyn Storage,
        number: u64,
        follows: u64,
    ) -> Result<OpenLog, CheckpointError> {
        let name = Kind::Log.name(number);
        crash_point("before-create");
        let append = storage.append(&name).map_err(CheckpointError::writing("creating", &name))?;
        crash_point("after-create");
        let head = Head::new(Kind::Log, number, follows);
        let mut log =
            OpenLog { append, name, head, buffer: head.encode(), appended: 0, synced: 0, appends: 0 };
        log.append()?;
        log.sync()?;
        Ok(log)
    }

    pub(super) fn length(&self) -> u64 {
        self.appended + self.buffer.len() as u64
    }

    pub(super) fn frame(
        &mut self,
        what: impl FnOnce() -> String,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CheckpointError> {
        self.head.frame(&mut self.buffer, self.synced, what, write)
    }

    pub(super) fn append(&mut self) -> Result<(), CheckpointError> {
        crash_point("before-append");
        self.append.append(&self.buffer).map_err(CheckpointError::writing("appending to", &self.name))?;
        crash_point("after-append");
        self.appended += self.buffer.len() as u64;
        self.appends += 1;
        self.buffer.clear();
        // One large batch should not keep its room for ever.
        self.buffer.shrink_to(4 << 20);
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), CheckpointError> {
        crash_point("before-sync");
        self.append.sync().map_err(CheckpointError::writing("syncing", &self.name))?;
        crash_point("after-sync");
        self.synced = self.appended;
        self.appends = 0;
        Ok(())
    }
}
