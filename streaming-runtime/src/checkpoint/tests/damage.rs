//! Damage: every truncation of the last frame, every flip of a bit in a small directory.

use crate::checkpoint::{
    CheckpointError, Edits, Inspection, Restored, TornTail, inspect, open,
    simulated::SimulatedDisk,
    tests::{
        run::Run,
        work::{State, Work},
    },
};
use std::{collections::BTreeMap, sync::Arc};

type Files = BTreeMap<String, Vec<u8>>;

/// A directory with a base and two logs, the last not closed and with several batches, and what was said durable.
fn directory() -> (Files, Work, u64) {
    let mut run = Run::new(11);
    run.work.pane = 8;
    run.settings.segment = 300;
    let mut lived = 0;
    loop {
        run.live(4, lived % 2 == 0).expect("the disk is good");
        lived += 1;
        let files = run.disk.files();
        let logs = files.keys().filter(|name| name.starts_with("log")).count();
        let in_newest = look(&files)
            .files
            .last()
            .and_then(|file| file.epochs)
            .map_or(0, |(first, last)| 1 + last - first);
        if files.len() > logs && logs >= 2 && lived % 2 == 0 && in_newest >= 3 {
            return (files, run.work, run.said.epoch.expect("there were batches"));
        }
    }
}

fn read(files: &Files) -> Result<(Option<u64>, Option<TornTail>, Restored), CheckpointError> {
    let opened = open(Arc::new(SimulatedDisk::of(files.clone())))?;
    let head = opened.head().map(|(epoch, _)| epoch);
    let cut = opened.cut().cloned();
    Ok((head, cut, opened.restore(head, Edits::default())?.0))
}

fn look(files: &Files) -> Inspection {
    inspect(&SimulatedDisk::of(files.clone())).expect("the disk is good")
}

fn newest(files: &Files) -> String {
    files.keys().next_back().expect("there are files").clone()
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_frame_is_as_if_that_had_not_been_written() {
    let (files, work, said) = directory();
    let name = newest(&files);
    let (mut was_cut, mut seen) = (0, Vec::new());
    for length in (0..files[&name].len()).rev() {
        let mut files = files.clone();
        files.get_mut(&name).expect("it is there").truncate(length);
        let (head, cut, restored) = read(&files).expect("a torn tail is no damage");
        assert!(head <= Some(said));
        assert_eq!(State::of(&restored, &work.operators), work.state(head), "at {length}");
        was_cut += cut.is_some() as usize;
        assert!(look(&files).is_whole());
        seen.push(head);
    }
    seen.dedup();
    assert!(seen.len() > 2, "several batches were in it: {seen:?}");
    assert!(was_cut + 10 > files[&name].len(), "all but cuts between frames are reported");
}

#[test]
fn a_flipped_bit_is_an_error_or_reported_or_harmless_but_never_another_state() {
    let (files, work, said) = directory();
    let (mut refused, mut cut_back, mut harmless) = (0, 0, 0);
    for (name, at) in files.iter().flat_map(|(name, bytes)| (0..bytes.len()).map(move |at| (name, at))) {
        for bit in [at % 8, (at + 3) % 8] {
            let mut files = files.clone();
            files.get_mut(name).expect("it is there")[at] ^= 1 << bit;
            let whole = look(&files).is_whole();
            match read(&files) {
                Err(CheckpointError::Corrupt { file, .. }) => {
                    assert!(!whole);
                    // A log is known to lack something by the next one too.
                    assert!(file == *name || file.starts_with("log"), "{file} for {name}");
                    refused += 1;
                }
                Err(error) => panic!("{name} at {at}: {error}"),
                Ok((head, cut, restored)) => {
                    assert!(whole);
                    assert_eq!(State::of(&restored, &work.operators), work.state(head), "{name} at {at}");
                    if head < Some(said) {
                        assert!(cut.is_some_and(|cut| cut.file == *name && cut.bytes > 0), "{name} at {at}");
                        assert_eq!(*name, newest(&files));
                        cut_back += 1;
                    } else {
                        harmless += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 1000 && cut_back > 20 && harmless < refused, "{refused} {cut_back} {harmless}");
}

#[test]
fn a_file_that_is_missing_or_misplaced_is_an_error() {
    let (files, _, _) = directory();
    for name in files.keys().filter(|name| **name != newest(&files)) {
        let mut files = files.clone();
        let bytes = files.remove(name).expect("it is there");
        assert!(matches!(read(&files), Err(CheckpointError::Corrupt { .. })), "without {name}");
        assert!(!look(&files).is_whole());
        let (kind, number) = name.rsplit_once('-').expect("names have a number");
        let number: u64 = number.parse().expect("names have a number");
        files.insert(format!("{kind}-{:020}", number + 7), bytes);
        assert!(read(&files).is_err(), "{name} under another name");
    }
}

#[test]
fn files_of_others_do_no_harm() {
    let (mut files, work, said) = directory();
    files.insert("notes.txt".to_owned(), b"mine".to_vec());
    let (head, _, restored) = read(&files).expect("it is whole");
    assert_eq!((head, State::of(&restored, &work.operators)), (Some(said), work.state(Some(said))));
    assert!(
        look(&files).problems.iter().any(|problem| problem.harmless && problem.what.contains("notes.txt"))
    );
}

#[test]
fn an_inspection_tells_what_is_there() {
    let (files, work, said) = directory();
    let inspection = look(&files);
    assert!(inspection.is_whole() && inspection.pipeline == "work", "{inspection:?}");
    assert_eq!(inspection.head.map(|(epoch, _)| epoch), Some(said));
    assert_eq!(inspection.epochs.last().map(|batch| batch.epoch), Some(said));
    assert_eq!(inspection.files.iter().map(|file| file.name.clone()).collect::<Vec<_>>(), {
        let mut names: Vec<_> = files.keys().cloned().collect();
        names.sort_by_key(|name| {
            name.rsplit_once('-').map(|(kind, number)| (number.to_owned(), kind.to_owned()))
        });
        names
    });
    let window = inspection.operators.iter().find(|operator| operator.id == "window").expect("it has state");
    assert_eq!(window.panes, work.window * u64::from(work.workers));
    assert_eq!(inspection.sources[0].total, 3 * said);
    assert_eq!(inspection.sources[0].position, Some(said.to_le_bytes().to_vec()));
}
