//! Writing the inside of frames.

use crate::{
    checkpoint::{Edits, Mark, Program, ReplayOrigin, SourceMark},
    ids::Epoch,
    time::BatchTime,
    timeline::{Follows, Jump, Timeline},
};

/// The kinds of frames. They are on disk, so none may change.
pub(super) const PROGRAM: u8 = 1;
pub(super) const EPOCH: u8 = 2;
pub(super) const INPUT: u8 = 3;
pub(super) const CLOSING: u8 = 4;
pub(super) const BASE: u8 = 5;
pub(super) const STATE: u8 = 6;
pub(super) const END: u8 = 7;
pub(super) const JUMP: u8 = 8;
pub(super) const TIMELINE: u8 = 9;

fn put_u32(into: &mut Vec<u8>, number: u32) {
    into.extend_from_slice(&number.to_le_bytes());
}

fn put_u64(into: &mut Vec<u8>, number: u64) {
    into.extend_from_slice(&number.to_le_bytes());
}

/// Frames have a limit that is checked when they are complete, so a count never comes near that of a `u32`.
fn put_count(into: &mut Vec<u8>, count: usize) {
    put_u32(into, u32::try_from(count).expect("lists are shorter than 4 Gi"));
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_option(into: &mut Vec<u8>, number: Option<u64>) {
    into.push(number.is_some() as u8);
    put_u64(into, number.unwrap_or(0));
}

fn put_texts<'a>(into: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a String>) {
    put_count(into, texts.len());
    texts.for_each(|text| put_bytes(into, text.as_bytes()));
}

fn put_source(into: &mut Vec<u8>, source: &SourceMark) {
    [source.records, source.total, source.since].into_iter().for_each(|number| put_u64(into, number));
    into.push(source.position.is_some() as u8);
    into.push(source.ended as u8);
    put_bytes(into, source.position.as_deref().unwrap_or(&[]));
}

fn put_replay_origin(into: &mut Vec<u8>, replay_origin: &ReplayOrigin) {
    match replay_origin {
        ReplayOrigin::Never => into.push(0),
        ReplayOrigin::FromSource => into.push(1),
        ReplayOrigin::FromLog { records } => {
            into.push(2);
            put_bytes(into, records.as_bytes());
        }
    }
}

pub(in crate::checkpoint) fn program(
    into: &mut Vec<u8>,
    program: &Program,
    edits: &Edits,
    again: Option<Epoch>,
) {
    into.push(PROGRAM);
    put_bytes(into, program.pipeline.as_bytes());
    put_count(into, program.sources.len());
    for source in &program.sources {
        put_bytes(into, source.port.as_bytes());
        put_replay_origin(into, &source.replay_origin);
    }
    put_count(into, program.sinks.len());
    for sink in &program.sinks {
        put_bytes(into, sink.port.as_bytes());
        put_option(into, sink.since.map(BatchTime::as_nanos));
    }
    put_u32(into, program.processes);
    put_u32(into, program.workers);
    put_option(into, program.moved.map(BatchTime::as_nanos));
    put_count(into, program.operators.len());
    for operator in &program.operators {
        put_bytes(into, operator.id.as_bytes());
        put_bytes(into, operator.state.as_bytes());
    }
    put_texts(into, edits.rename.keys().collect::<Vec<_>>().into_iter());
    edits.rename.values().for_each(|new| put_bytes(into, new.as_bytes()));
    put_texts(into, edits.forget.iter());
    put_option(into, again);
    put_texts(into, program.operators.iter().map(|operator| &operator.mark).collect::<Vec<_>>().into_iter());
    if let Some(identity) = program.identity {
        into.extend_from_slice(&identity.to_le_bytes());
        program.operators.iter().for_each(|operator| put_option(into, operator.initial));
    }
}

pub(in crate::checkpoint) fn epoch(
    into: &mut Vec<u8>,
    mark: &Mark,
    delivered: Option<Epoch>,
    parts: &[(u32, Vec<u8>)],
) {
    if mark.follows != Follows::Closely {
        into.push(JUMP);
        put_follows(into, mark.follows);
    }
    into.push(EPOCH);
    put_u64(into, mark.epoch);
    put_u64(into, mark.time.as_nanos());
    put_option(into, delivered);
    put_count(into, mark.sources.len());
    mark.sources.iter().for_each(|source| put_source(into, source));
    put_count(into, parts.len());
    for (worker, bytes) in parts {
        put_u32(into, *worker);
        put_bytes(into, bytes);
    }
}

/// Where time did not go on closely.
pub(in crate::checkpoint) fn timeline(into: &mut Vec<u8>, timeline: &Timeline) {
    into.push(TIMELINE);
    put_count(into, timeline.stretches().len());
    for stretch in timeline.stretches() {
        put_u64(into, stretch.upto.as_nanos());
        put_follows(into, stretch.follows);
    }
}

fn put_follows(into: &mut Vec<u8>, follows: Follows) {
    let (kind, jump) = match follows {
        Follows::Closely => (0, None),
        Follows::AtTheEnd(jump) => (1, Some(jump)),
        Follows::AfterMissed(jump) => (2, Some(jump)),
    };
    into.push(kind);
    if let Some(Jump { from, settled }) = jump {
        put_u64(into, from.as_nanos());
        put_u64(into, settled.as_nanos());
    }
}

pub(in crate::checkpoint) fn input(into: &mut Vec<u8>, port: u32, first: u64, count: u64, bytes: &[u8]) {
    into.push(INPUT);
    put_u32(into, port);
    put_u64(into, first);
    put_u64(into, count);
    put_bytes(into, bytes);
}

pub(in crate::checkpoint) fn closing(into: &mut Vec<u8>, delivered: Option<Epoch>) {
    into.push(CLOSING);
    put_option(into, delivered);
}

pub(in crate::checkpoint) fn base(
    into: &mut Vec<u8>,
    (epoch, time): (Epoch, BatchTime),
    operators: &[String],
    sources: &[(String, SourceMark)],
) {
    into.push(BASE);
    put_u64(into, epoch);
    put_u64(into, time.as_nanos());
    put_texts(into, operators.iter());
    put_count(into, sources.len());
    for (port, source) in sources {
        put_bytes(into, port.as_bytes());
        put_source(into, source);
    }
}

/// The beginning of a frame of entries; [`entry`] begins each of them.
pub(in crate::checkpoint) fn state(into: &mut Vec<u8>) {
    into.push(STATE);
}

/// Of which batch and worker the entry is that is written next.
pub(in crate::checkpoint) fn entry(into: &mut Vec<u8>, (epoch, time): (Epoch, BatchTime), worker: u32) {
    put_u64(into, epoch);
    put_u64(into, time.as_nanos());
    put_u32(into, worker);
}

pub(in crate::checkpoint) fn end(into: &mut Vec<u8>, frames: u64, entries: u64) {
    into.push(END);
    put_u64(into, frames);
    put_u64(into, entries);
}
