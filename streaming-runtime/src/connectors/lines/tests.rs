use proptest::prelude::*;

use super::*;

/// Gives the decoder `input` in pieces of `step` bytes, then the end.
fn decode(rules: &LineRules, input: &[u8], step: usize) -> Result<Vec<String>, ConnectorError> {
    let mut decoder = LineDecoder::new("test".to_owned(), rules.clone(), 64);
    let mut lines = Vec::new();
    for piece in input.chunks(step) {
        decoder.room()[..piece.len()].copy_from_slice(piece);
        decoder.accept(piece.len(), &mut lines)?;
    }
    decoder.finish(&mut lines)?;
    Ok(lines)
}

fn rules(limit: usize) -> LineRules {
    LineRules { limit, ..LineRules::default() }
}

#[test]
fn lines_end_at_newlines_and_at_the_end() {
    for step in [1, 2, 3, 64] {
        let lines = decode(&rules(9), b"a\r\n\nb\rc\n\r\nend", step).expect("all within the rules");
        assert_eq!(lines, ["a", "", "b\rc", "", "end"]);
        assert_eq!(decode(&rules(9), b"a\n", step).expect("fine"), ["a"], "no empty line after the last");
        assert!(decode(&rules(9), b"", step).expect("fine").is_empty());
    }
}

#[test]
fn a_line_is_there_as_soon_as_it_has_ended() {
    let mut decoder = LineDecoder::new("test".to_owned(), rules(9), 64);
    let mut lines = Vec::new();
    decoder.room()[..4].copy_from_slice(b"ab\nc");
    decoder.accept(4, &mut lines).expect("fine");
    assert_eq!(lines, ["ab"]);
}

#[test]
fn a_long_line_is_left_out_and_its_neighbours_are_not() {
    for step in [1, 2, 5, 64] {
        let rules = rules(3);
        let lines = decode(&rules, b"123\r\n1234\nabcdefghijklm\nok\n12345\n\nx", step).expect("skipped");
        assert_eq!(lines, ["123", "ok", "", "x"], "in pieces of {step}");
        assert_eq!(rules.bad.too_long(), 3);
    }
    let rules = rules(3);
    assert_eq!(decode(&rules, b"ok\n12345", 2).expect("skipped"), ["ok"], "a long line at the end");
    assert_eq!(rules.bad.too_long(), 1);
}

#[test]
fn a_long_line_fails_if_it_shall() {
    let rules = LineRules { on_long: OnLongLine::Fail, ..rules(3) };
    let error = decode(&rules, b"ok\n12345\n", 4).expect_err("too long");
    assert!(
        error.to_string().starts_with("test: the line at byte 3 has 5 bytes or more, and at most 3"),
        "{error}"
    );
}

#[test]
fn each_policy_for_bytes_that_are_no_text() {
    let input = b"a\nb\xff\r\nc\n";
    for (on_invalid, want) in
        [(OnInvalidUtf8::Replace, &["a", "b\u{fffd}", "c"][..]), (OnInvalidUtf8::Skip, &["a", "c"][..])]
    {
        let rules = LineRules { on_invalid, ..rules(9) };
        assert_eq!(decode(&rules, input, 3).expect("goes on"), want);
        assert_eq!(rules.bad.invalid_utf8(), 1);
    }
    let rules = LineRules { on_invalid: OnInvalidUtf8::Fail, ..rules(9) };
    assert_eq!(decode(&rules, input, 64).expect_err("must fail").code(), "connector.invalid_utf8");
}

#[test]
fn what_came_before_a_failure_is_kept() {
    let mut decoder =
        LineDecoder::new("test".to_owned(), LineRules { on_invalid: OnInvalidUtf8::Fail, ..rules(9) }, 64);
    let mut lines = Vec::new();
    decoder.room()[..5].copy_from_slice(b"a\n\xff\nb");
    assert!(decoder.accept(5, &mut lines).is_err());
    assert_eq!(lines, ["a"]);
}

proptest! {
    /// However the bytes are cut, the lines are those of the whole.
    #[test]
    fn cuts_do_not_matter(
        input in prop::collection::vec(prop::sample::select(b"ab\r\n\n\xff\xc3\xa9".to_vec()), 0..200),
        limit in 0_usize..12,
        step in 1_usize..64,
    ) {
        let (whole, pieces) = (rules(limit), rules(limit));
        let mut want = Vec::new();
        let mut parts: Vec<&[u8]> = input.split(|&byte| byte == b'\n').collect();
        if parts.last().is_some_and(|last| last.is_empty()) {
            parts.pop();
        }
        for part in parts {
            let part = part.strip_suffix(b"\r").unwrap_or(part);
            if part.len() <= limit {
                want.push(String::from_utf8_lossy(part).into_owned());
            }
        }
        prop_assert_eq!(&decode(&whole, &input, 64).expect("skips"), &want);
        prop_assert_eq!(&decode(&pieces, &input, step).expect("skips"), &want);
        prop_assert_eq!(whole.bad.too_long(), pieces.bad.too_long());
        prop_assert_eq!(whole.bad.invalid_utf8(), pieces.bad.invalid_utf8());
    }
}
