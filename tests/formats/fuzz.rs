//! Ten thousand payloads for each format, from bytes at random and from payloads that were right before something happened to them.
//! Each is a record or is rejected; nothing panics, hangs, or asks for more memory than there is.

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use streaming_runtime::formats::{Decode, FormatError, csv, json, raw, text};

use crate::{Click, clicks, written};

const INPUTS: usize = 10_000;

/// A payload that is one of `right` with something done to it, or anything.
fn payload(random: &mut StdRng, right: &[Vec<u8>]) -> Vec<u8> {
    if random.random_bool(0.2) {
        let mut bytes = vec![0; random.random_range(0..200)];
        random.fill_bytes(&mut bytes);
        return bytes;
    }
    let mut bytes = right[random.random_range(0..right.len())].clone();
    for _ in 0..random.random_range(0..4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 if at < bytes.len() => bytes[at] = random.random(),
            3 => {
                let copied = bytes[..at].to_vec();
                bytes.extend(copied);
            }
            _ => drop(bytes.drain(..at)),
        }
    }
    bytes
}

/// How many of the inputs are records. The others were rejected.
fn records<F: Decode>(mut format: F, right: &[Vec<u8>]) -> usize {
    let mut random = StdRng::seed_from_u64(7);
    let mut records = 0;
    for n in 0..INPUTS {
        let bytes = payload(&mut random, right);
        match format.decode(&bytes) {
            Ok(_) => records += 1,
            Err(FormatError::Unfit(reason)) => assert!(!reason.is_empty(), "{n}: {bytes:?}"),
            Err(error) => panic!("{n}: {error}: {bytes:?}"),
        }
    }
    records
}

/// Some of the inputs are records and some are not, or it would be no test.
pub fn is_hardened<F: Decode>(format: F, right: &[Vec<u8>]) {
    let records = records(format, right);
    assert!((INPUTS / 20..INPUTS * 19 / 20).contains(&records), "{records} of {INPUTS} are records");
}

#[test]
fn whatever_comes_is_a_record_or_is_rejected() {
    let right: Vec<Vec<u8>> =
        clicks().iter().map(|click| written(&mut json(), click).expect("JSON")).collect();
    is_hardened(json::<Click>(), &right);
    is_hardened(json::<serde_json::Value>(), &right);
    let nested = [vec![b'['; 1_000_000], b"{\"a\":".repeat(100_000), b"[".repeat(127), b"1".repeat(100_000)];
    assert!(records(json::<serde_json::Value>(), &nested) < INPUTS / 2);
    is_hardened(text(), &right);
    assert_eq!(records(raw(), &right), INPUTS);
    for format in
        [csv::<Click>(), csv().delimiter(b';').escape(b'\\').trim(), csv().no_quotes().delimiter(b'\t')]
    {
        let clicks = clicks().into_iter().filter(|click| !click.page.contains(['\n', '\t']));
        let right: Vec<Vec<u8>> =
            clicks.map(|click| written(&mut format.clone(), &click).expect("CSV")).collect();
        is_hardened(format, &right);
    }
}
