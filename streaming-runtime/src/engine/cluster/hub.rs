//! Where what a peer says goes.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::{
    engine::{cluster::frame::Frame, control::Control, job::Command},
    error::JobError,
    time::BatchTime,
};

/// Takes what peers say to those here whom it concerns.
pub(super) struct Hub<'a> {
    pub(super) hosts: &'a [String],
    pub(super) index: usize,
    pub(super) control: &'a Control,
    pub(super) commands: &'a mpsc::UnboundedSender<Command>,
    pub(super) inbox: &'a mpsc::UnboundedSender<Frame>,
    /// Whether all is delivered everywhere: peers then go as they like.
    pub(super) left: bool,
}

impl Hub<'_> {
    /// A peer said something, or will say no more. What is returned is to be heard again after that time.
    pub(super) fn hear(&mut self, peer: usize, words: Result<Frame, String>) -> Option<(Duration, Frame)> {
        let leads = self.index == 0;
        match words {
            Ok(Frame::Taken { epoch }) if leads => self.control.peer_took(epoch),
            Ok(Frame::Ripe { epoch }) if leads => {
                let soon = self.control.close_early(epoch)?;
                return Some((soon, Frame::Ripe { epoch }));
            }
            Ok(Frame::Stop { within }) if leads => drop(self.commands.send(Command::Stop(within))),
            Ok(
                frame @ (Frame::Ended
                | Frame::Paced { .. }
                | Frame::Drained { .. }
                | Frame::Has { .. }
                | Frame::Built { .. }
                | Frame::Restored { .. }),
            ) if leads => self.pass(frame),
            Ok(Frame::Durable { epoch }) if !leads => {
                if let Some(log) = self.control.log() {
                    log.told_durable(epoch);
                }
            }
            Ok(Frame::Start { .. }) if !leads => {}
            Ok(Frame::Close { epoch, time, follows }) if !leads => {
                if !self.control.close_as(epoch, BatchTime::from_nanos(time), follows) {
                    self.lost(peer, format!("closed batch {epoch}, which is not the open one here"));
                }
            }
            Ok(Frame::Delivered { epoch }) if !leads => self.control.peer_took(epoch),
            Ok(frame @ (Frame::Pace { .. } | Frame::Finish | Frame::Restore { .. } | Frame::Begin))
                if !leads =>
            {
                self.pass(frame)
            }
            Ok(Frame::Leave) if !leads => {
                self.left = true;
                self.pass(Frame::Leave);
            }
            Ok(Frame::Failed { index, message }) if index == self.index => {
                self.lost(peer, format!("gave this process up: {message}"));
            }
            Ok(Frame::Failed { index, message }) => self.lost(index, message),
            Ok(frame) => self.lost(peer, format!("said {frame:?}, which is not for it to say")),
            Err(why) => self.lost(peer, why),
        }
        None
    }

    fn pass(&self, frame: Frame) {
        // The supervisor is gone only when the job is over.
        let _ = self.inbox.send(frame);
    }

    fn lost(&self, index: usize, message: String) {
        if !self.left {
            let _ = self.commands.send(Command::Fail(JobError::peer(self.hosts, index, message)));
        }
    }
}
