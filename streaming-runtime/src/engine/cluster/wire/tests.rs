//! Tests of `wire`.

use proptest::prelude::*;

use super::*;

/// For worker 0 of one process with two.
fn message(length: usize) -> Vec<u8> {
    let mut bytes = header([7, 7, 0, 1, length as u64, 7]);
    bytes.resize(HEADER + length, 7);
    bytes
}

fn header(numbers: [u64; 6]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// All that timely gets of a stream that ends like this, in reads of so many bytes.
fn passed(sent: &[u8], step: usize) -> (Vec<u8>, Option<ErrorKind>) {
    let (mut framing, mut from) = (Framing::new(0..2), sent);
    let (mut all, mut buffer) = (Vec::new(), vec![9; step]);
    let wrong = loop {
        match framing.read(&mut from, &mut buffer) {
            Ok(0) => break None,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) => break Some(error.kind()),
        }
    };
    loop {
        match framing.finish(&mut buffer) {
            0 => break,
            filled => all.extend_from_slice(&buffer[..filled]),
        }
    }
    (all, wrong)
}

/// What timely's receiving thread does; returns the lengths of the messages.
fn received(all: &[u8]) -> Vec<usize> {
    let (mut at, mut lengths) = (0, Vec::new());
    while at < all.len() {
        assert_ne!(lengths.last(), Some(&0), "something behind the end");
        let number = |place: usize| {
            u64::from_be_bytes(all[at + 8 * place..][..8].try_into().expect("eight bytes")) as usize
        };
        let length = number(LENGTH);
        assert!(length == 0 || number(2) < number(3) && number(3) <= 2, "its targets are here");
        lengths.push(length);
        at += HEADER + length;
    }
    assert!(lengths.last() == Some(&0) && at == all.len(), "it ends, and with a whole message");
    lengths
}

/// Wherever a stream breaks, what is made of it is whole messages and an end.
#[test]
fn a_broken_stream_ends_as_whole_messages() {
    let sent = [message(3), message(100), message(1)].concat();
    for cut in 0..sent.len() {
        for step in [1, 7, 48, 49, 64, 1000] {
            let (all, wrong) = passed(&sent[..cut], step);
            assert_eq!(wrong, Some(ErrorKind::UnexpectedEof));
            received(&all);
        }
    }
}

#[test]
fn what_a_peer_ended_itself_is_left_alone_and_what_is_behind_is_not_read() {
    let sent = [message(3), header([0; 6])].concat();
    for behind in [0, 1, 100] {
        for step in [1, 48, 1000] {
            let (all, wrong) = passed(&[&sent[..], &vec![1; behind]].concat(), step);
            assert_eq!((all, wrong), (sent.clone(), None));
        }
    }
}

#[test]
fn a_header_that_makes_no_sense_is_not_passed_on() {
    let wrong = [
        [7, 7, 0, 1, 1 << 40, 7],
        [7, 7, 0, 1, u64::MAX, 7],
        [7, 7, 0, 3, 5, 7],
        [7, 7, 1, 1, 5, 7],
        [7, 7, 0, u64::MAX, 5, 7],
    ];
    for numbers in wrong {
        for step in [1, 47, 1000] {
            let (all, wrong) = passed(&[message(3), header(numbers), vec![7; 100]].concat(), step);
            assert_eq!(wrong, Some(ErrorKind::InvalidData), "{numbers:?}");
            assert_eq!(received(&all), [3, 0]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn whatever_comes_is_whole_messages_of_bounded_length(
        sent in proptest::collection::vec(prop_oneof![3 => Just(0u8), 1 => any::<u8>()], 0..300),
        step in 1..200usize,
    ) {
        // A stream cut in a message is filled up to the length that it said, which may be as much as is allowed.
        let (mut framing, mut from) = (Framing::new(0..2), &sent[..]);
        let mut buffer = vec![0; step];
        while let Ok(1..) = framing.read(&mut from, &mut buffer) {}
        prop_assert!(framing.left <= LONGEST);
    }
}
