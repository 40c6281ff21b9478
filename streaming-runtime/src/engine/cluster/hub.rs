//! Where what a peer says goes.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::{
    engine::{cluster::frame::ClusterFrame, control::Control, job::Command},
    error::JobError,
    time::BatchTime,
};

/// Takes what peers say to those here whom it concerns.
pub(super) struct Hub<'a> {
    pub(super) hosts: &'a [String],
    pub(super) index: usize,
    pub(super) control: &'a Control,
    pub(super) commands: &'a mpsc::UnboundedSender<Command>,
    pub(super) inbox: &'a mpsc::UnboundedSender<ClusterFrame>,
    /// Whether all is delivered everywhere: peers then go as they like.
    pub(super) left: bool,
}

impl Hub<'_> {
    /// A peer said something, or will say no more. What is returned is to be heard again after that time.
    pub(super) fn hear(
        &mut self,
        peer: usize,
        words: Result<ClusterFrame, String>,
    ) -> Option<(Duration, ClusterFrame)> {
        let leads = self.index == 0;
        match words {
            Ok(ClusterFrame::Acked { epoch }) if leads => self.control.peer_acked(epoch),
            Ok(ClusterFrame::Ripe { epoch }) if leads => {
                let soon = self.control.close_early(epoch)?;
                return Some((soon, ClusterFrame::Ripe { epoch }));
            }
            Ok(ClusterFrame::Stop { within }) if leads => drop(self.commands.send(Command::Stop(within))),
            Ok(
                frame @ (ClusterFrame::Ended
                | ClusterFrame::Paced { .. }
                | ClusterFrame::Drained { .. }
                | ClusterFrame::Has { .. }
                | ClusterFrame::Built { .. }
                | ClusterFrame::Restored { .. }),
            ) if leads => self.pass(frame),
            Ok(ClusterFrame::Durable { epoch }) if !leads => {
                if let Some(log) = self.control.log() {
                    log.told_durable(epoch);
                }
            }
            Ok(ClusterFrame::Start { .. }) if !leads => {}
            Ok(ClusterFrame::Close { epoch, time, follows }) if !leads => {
                if !self.control.close_as(epoch, BatchTime::from_nanos(time), follows) {
                    self.lost(peer, format!("closed batch {epoch}, which is not the open one here"));
                }
            }
            Ok(ClusterFrame::Delivered { epoch }) if !leads => self.control.peer_acked(epoch),
            Ok(
                frame @ (ClusterFrame::Pace { .. }
                | ClusterFrame::Finish
                | ClusterFrame::Restore { .. }
                | ClusterFrame::Begin),
            ) if !leads => self.pass(frame),
            Ok(ClusterFrame::Leave) if !leads => {
                self.left = true;
                self.pass(ClusterFrame::Leave);
            }
            Ok(ClusterFrame::Failed { index, message }) if index == self.index => {
                self.lost(peer, format!("gave this process up: {message}"));
            }
            Ok(ClusterFrame::Failed { index, message }) => self.lost(index, message),
            Ok(frame) => self.lost(peer, format!("said {frame:?}, which is not for it to say")),
            Err(why) => self.lost(peer, why),
        }
        None
    }

    fn pass(&self, frame: ClusterFrame) {
        // The supervisor is gone only when the job is over.
        let _ = self.inbox.send(frame);
    }

    fn lost(&self, index: usize, message: String) {
        if !self.left {
            let _ = self.commands.send(Command::Fail(JobError::peer(self.hosts, index, message)));
        }
    }
}
