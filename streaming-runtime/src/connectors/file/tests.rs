//! Tests of `file`.

use std::time::Duration;

use super::*;
use crate::{
    checkpoint::SourceMark,
    connectors::lines::{OnInvalidUtf8, OnLongLine},
    contract::testing,
    time::BatchTime,
};

#[tokio::test]
async fn every_line_of_a_large_file() {
    let directory = tempfile::tempdir().expect("temp");
    let path = directory.path().join("large");
    let want: Vec<String> = (0..200_000).map(|n| format!("line {n}")).collect();
    fs::write(&path, want.join("\n")).expect("written");
    let (records, ended) = testing::run(lines(&path)).finish().await;
    assert!(records == want, "{} of {} lines", records.len(), want.len());
    ended.expect("a clean end");
}

#[tokio::test]
async fn an_empty_file_has_no_lines() {
    let file = tempfile::NamedTempFile::new().expect("temp");
    let (records, ended) = testing::run(lines(file.path())).finish().await;
    assert!(records.is_empty());
    ended.expect("a clean end");
}

#[tokio::test]
async fn a_file_that_was_empty_stays_empty() {
    let file = tempfile::NamedTempFile::new().expect("temp");
    let (mark, records) = read_through(file.path()).await;
    assert!(records.is_empty());
    fs::write(file.path(), "appended\n").expect("written");
    let time = (Duration::from_secs(1), BatchTime::from_millis(0));
    let (records, ended) = testing::resume(lines(file.path()), time, mark, Vec::new()).finish().await;
    ended.expect("a clean end");
    assert!(records.is_empty(), "{records:?}");
}

#[tokio::test]
async fn errors_name_the_path() {
    let directory = tempfile::tempdir().expect("temp");
    let missing = directory.path().join("nowhere");
    for (path, code) in [(missing.as_path(), "connector.io"), (directory.path(), "connector.config")] {
        let error = testing::run(lines(path)).finish().await.1.expect_err("no file");
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_failure_comes_after_the_lines_before_it() {
    let directory = tempfile::tempdir().expect("temp");
    let path = directory.path().join("mixed");
    fs::write(&path, b"a\nb\n\xff\nc\n").expect("written");
    let source = lines(&path).on_invalid_utf8(OnInvalidUtf8::Fail);
    let bad = source.bad_lines();
    let (records, ended) = testing::run(source).finish().await;
    assert_eq!(records, ["a", "b"]);
    assert_eq!(ended.expect_err("must fail").code(), "connector.invalid_utf8");
    assert_eq!(bad.invalid_utf8(), 1);
}

/// Reads a file that is interrupted after each so many lines, and gone on with.
async fn in_parts(path: &Path, parts: &[usize]) -> Vec<String> {
    let time = (Duration::from_secs(1), BatchTime::from_millis(0));
    let (mut mark, mut got) = (SourceMark::default(), Vec::new());
    let source = || lines(path).on_long_line(OnLongLine::Skip);
    for part in parts {
        let mut running = testing::resume(source(), time, mark, Vec::new());
        // A chunk is taken or not, so this is where the batch ends that counts.
        let mut records = Vec::new();
        while records.len() < *part
            && let Some(chunk) = running.next_chunk().await
        {
            records.extend(chunk);
        }
        running.task.abort();
        records.extend(running.finish_aborted().await);
        mark = running.close();
        assert_eq!(mark.records, records.len() as u64);
        got.extend(records);
    }
    let (rest, ended) = testing::resume(source(), time, mark, Vec::new()).finish().await;
    ended.expect("a clean end");
    got.extend(rest);
    got
}

#[tokio::test]
async fn it_goes_on_where_it_was() {
    let directory = tempfile::tempdir().expect("temp");
    let path = directory.path().join("large");
    let mut text = Vec::new();
    let mut want = Vec::new();
    for n in 0..60_000 {
        match n % 1000 {
            7 => text.extend(b"\xff bad\r\n"),
            8 => text.extend(vec![b'x'; 70_000 + n]),
            _ => text.extend(format!("line {n}").into_bytes()),
        }
        if n % 1000 != 7 {
            text.push(b'\n');
        }
        match n % 1000 {
            7 => want.push("\u{fffd} bad".to_owned()),
            8 => {}
            _ => want.push(format!("line {n}")),
        }
    }
    text.pop();
    fs::write(&path, &text).expect("written");
    for parts in [vec![1], vec![1, 1, 1, 1], vec![10_000, 1, 5000], vec![59_000, 100_000, 1]] {
        let got = in_parts(&path, &parts).await;
        assert!(got == want, "{parts:?}: {} of {} lines", got.len(), want.len());
    }
}

/// What a checkpoint has when the whole file was read.
async fn read_through(path: &Path) -> (SourceMark, Vec<String>) {
    let time = (Duration::from_secs(1), BatchTime::from_millis(0));
    let mut running = testing::resume(lines(path), time, SourceMark::default(), Vec::new());
    let records = running.finish_aborted().await;
    (running.close(), records)
}

#[tokio::test]
async fn what_is_appended_is_not_read_and_another_file_is_refused() {
    let directory = tempfile::tempdir().expect("temp");
    let path = directory.path().join("file");
    let text = "0123456789\n".repeat(50_000) + "last";
    fs::write(&path, &text).expect("written");
    let (whole, records) = read_through(&path).await;
    assert_eq!(records.len(), 50_001);
    let marks: serde_json::Value =
        serde_json::from_slice(whole.position.as_deref().expect("a position")).expect("marks of partitions");
    let mark = &marks["partitions"][path.display().to_string()];
    let position: FilePosition = serde_json::from_value(mark["position"].clone()).expect("its own");
    assert_eq!((position.offset, &mark["since"]), (text.len() as u64, &0.into()));
    let again = |mark: &SourceMark| {
        let time = (Duration::from_secs(1), BatchTime::from_millis(0));
        testing::resume(lines(&path), time, mark.clone(), Vec::new()).finish()
    };
    // As of the middle of the first piece, by a release in which a file was no partition.
    let json = serde_json::to_vec(&position.clone().beginning()).expect("JSON");
    let begun = SourceMark { position: Some(json), since: 3, total: 3, records: 3, ended: false };
    fs::write(&path, text.clone() + " but one\nand more\n").expect("written");
    assert_eq!(again(&whole).await.0, [""; 0]);
    let (rest, ended) = again(&begun).await;
    ended.expect("a clean end");
    assert_eq!((rest.len(), rest.last().expect("many").as_str()), (49_998, "last"));

    let others = [
        ("shorter", text[..text.len() - 1].to_owned(), "bytes and had"),
        ("other at its beginning", text.replacen("0123", "0321", 1), "begins"),
        ("other in the end", text.replace("last", "tsal"), "before byte"),
    ];
    for (what, text, how) in others {
        fs::write(&path, text).expect("written");
        let (records, ended) = again(&whole).await;
        let error = ended.expect_err(what);
        assert_eq!((records.len(), error.code()), (0, "connector.changed"), "{what}");
        assert!(error.to_string().contains(how) && error.to_string().contains("file"), "{error}");
    }
}

#[tokio::test]
async fn another_sources_position_is_a_mistake() {
    let file = tempfile::NamedTempFile::new().expect("temp");
    let time = (Duration::from_secs(1), BatchTime::from_millis(0));
    let mark = SourceMark { position: Some(b"17".to_vec()), ..SourceMark::default() };
    let error = testing::resume(lines(file.path()), time, mark, Vec::new()).finish().await.1;
    let error = error.expect_err("a number is no place in a file");
    assert_eq!(error.code(), "connector.config");
    assert!(error.to_string().contains("does not know, 17"), "{error}");
}
