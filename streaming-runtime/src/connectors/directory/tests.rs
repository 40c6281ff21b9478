//! The `file_stream` cases of the conformance suite, and what only a file system can show.

use std::{
    fs::{
        File, {self},
    },
    time::SystemTime,
};

use tempfile::TempDir;

use super::*;
use crate::{
    checkpoint::SourceMark,
    contract::testing,
    time::{millis, secs},
};

/// Batch `k` is at `T0 + k * BATCH`.
const T0: u64 = 1_700_000_000_000;
const BATCH: u64 = 2000;

/// What happens to the file system at a step, half a batch before batch `at`.
#[derive(Clone, Copy)]
enum Do {
    /// With a modification time so many milliseconds from then.
    Write(&'static str, &'static str, i64),
    Append(&'static str, &'static str),
    Rename(&'static str, &'static str),
    Touch(&'static str),
    Delete(&'static str),
}
use Do::{Append, Delete, Rename, Touch, Write};

struct Case {
    id: &'static str,
    root: TempDir,
    glob: &'static str,
    all: bool,
    /// Whether every name passes the filter.
    unfiltered: bool,
}

impl Case {
    fn new(id: &'static str) -> Self {
        Case { id, root: tempfile::tempdir().expect("temp"), glob: "", all: false, unfiltered: false }
    }
    fn subdirectories(self, names: &[&str]) -> Self {
        names.iter().for_each(|name| fs::create_dir_all(self.root.path().join(name)).expect("made"));
        self
    }
    /// A file from before the start, one batch older than it.
    fn before(self, name: &str, text: &str) -> Self {
        self.write(name, text, T0 - BATCH);
        self
    }
    fn write(&self, name: &str, text: &str, modified: u64) {
        fs::write(self.root.path().join(name), text).expect("written");
        self.touch(name, modified);
    }
    fn touch(&self, name: &str, modified: u64) {
        let file = File::options().append(true).open(self.root.path().join(name)).expect("is there");
        file.set_modified(SystemTime::UNIX_EPOCH + millis(modified)).expect("settable");
    }
    fn step(&self, now: u64, what: Do) {
        let at = |name: &str| self.root.path().join(name);
        match what {
            Write(name, text, shift) => self.write(name, text, now.saturating_add_signed(shift)),
            Append(name, text) => {
                self.write(name, &(fs::read_to_string(at(name)).expect("is there") + text), now);
            }
            Rename(from, to) => fs::rename(at(from), at(to)).expect("renamed"),
            Touch(name) => self.touch(name, now),
            Delete(name) => fs::remove_file(at(name)).expect("deleted"),
        }
    }
    fn source(&self) -> Lines {
        let source = lines(format!("{}{}", self.root.path().display(), self.glob)).new_files_only(!self.all);
        if self.unfiltered { source.filter(|_| true) } else { source }
    }
    async fn check(&self, steps: &[(u64, Do)], expected: &[&[&str]]) {
        self.check_source(self.source(), steps, expected).await;
    }
    async fn check_source(&self, source: Lines, steps: &[(u64, Do)], expected: &[&[&str]]) {
        let mut running = testing::start(source, millis(BATCH), BatchTime::from_millis(T0));
        for (k, want) in (1..).zip(expected) {
            for (_, what) in steps.iter().filter(|(at, _)| *at == k) {
                self.step(T0 + k * BATCH - BATCH / 2, *what);
            }
            let got = running.batch(BatchTime::from_millis(T0 + k * BATCH)).await.expect("it runs");
            assert_eq!(got, *want, "{}, batch {k}", self.id);
        }
        running.end_pace();
        running.finish().await.1.expect("a clean end");
    }
}

#[tokio::test]
async fn conformance_new_files_only_and_not() {
    let steps = [
        (1, Write("1", "1\n", 0)),
        (2, Write("2", "2\n", 0)),
        (3, Write("3", "3\n", 0)),
        (4, Write("4", "4\n", 0)),
        (5, Write("5", "5\n", 0)),
    ];
    let case = Case { unfiltered: true, ..Case::new("file-newFilesOnly-true").before("0", "0\n") };
    case.check(&steps, &[&["1"], &["2"], &["3"], &["4"], &["5"]]).await;
    let case =
        Case { unfiltered: true, all: true, ..Case::new("file-newFilesOnly-false").before("0", "0\n") };
    case.check(&steps, &[&["0", "1"], &["2"], &["3"], &["4"], &["5"]]).await;
    let case = Case { unfiltered: true, ..Case::new("java-textFileStream-existing").before("0", "0\n") };
    case.check(&[], &[&[]]).await;
    let case = Case { all: true, ..Case::new("d-file-existing-old-all").before("p", "p\n") };
    case.check(&[(2, Write("q", "q\n", 0))], &[&["p"], &["q"], &[]]).await;
}

#[tokio::test]
async fn conformance_filter() {
    let case = Case::new("d-file-custom-filter");
    let source = case.source().filter(|path| path.extension().is_some_and(|it| it == "txt"));
    let steps = [(1, Write("a.txt", "a\n", 0)), (1, Write("b.log", "b\n", 0)), (2, Write("c.txt", "c\n", 0))];
    case.check_source(source, &steps, &[&["a"], &["c"], &[]]).await;
}

#[tokio::test]
async fn conformance_renamed_files() {
    let steps = [(1, Write("a", "a\n", 0)), (2, Rename("a", "b")), (3, Rename("b", "c")), (3, Touch("c"))];
    Case::new("d-file-rewritten-under-new-name").check(&steps, &[&["a"], &["a"], &["a"], &[]]).await;
}

#[tokio::test]
async fn conformance_modification_times() {
    let steps = [(2, Write("a", "a\n", -8000)), (2, Write("b", "b\n", 0))];
    Case::new("d-file-old-mtime").check(&steps, &[&[], &["b"], &[], &[]]).await;

    let steps =
        [(1, Write("a", "a\n", 0)), (35, Write("b", "b\n", -61_000)), (35, Write("c", "c\n", -50_000))];
    let mut expected: Vec<&[&str]> = vec![&[]; 36];
    expected[0] = &["a"];
    expected[34] = &["c"];
    Case::new("d-file-remember-window").check(&steps, &expected).await;
}

#[tokio::test]
async fn conformance_directories() {
    let case = Case { glob: "/nowhere", ..Case::new("d-file-missing-dir") };
    case.check(&[(1, Write("a", "a\n", 0))], &[&[], &[]]).await;

    let case = Case { glob: "/*/", ..Case::new("file-wildcard") };
    let case = case.subdirectories(&["tmp1", "tmp2"]).before("0", "0\n");
    let names =
        ["tmp1/1", "tmp1/2", "tmp1/3", "tmp1/4", "tmp1/5", "tmp2/6", "tmp2/7", "tmp2/8", "tmp2/9", "tmp2/10"];
    let texts = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
    let steps: Vec<_> =
        (1..).zip(names.into_iter().zip(texts)).map(|(k, (name, text))| (k, Write(name, text, 0))).collect();
    let expected: Vec<&[&str]> = texts.iter().map(std::slice::from_ref).collect();
    case.check(&steps, &expected).await;

    let case = Case { glob: "/streaming/sub*", ..Case::new("file-directory-rename") };
    let case = case.subdirectories(&["streaming", "generated/subdir"]);
    let case = case.before("generated/subdir/existing", "existing\n");
    let steps = [
        (2, Write("generated/subdir/renamed.txt", "renamed\n", 0)),
        (2, Rename("generated/subdir", "streaming/subdir")),
    ];
    case.check(&steps, &[&[], &["renamed"]]).await;
}

#[tokio::test]
async fn conformance_text_file_stream() {
    let text = "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let want: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let steps = [(1, Write("a", text, 0)), (2, Write("b", text, 0))];
    Case::new("py-textFileStream").check(&steps, &[want, want]).await;
}

#[tokio::test]
async fn updates_are_ignored_the_future_waits_and_hidden_files_stay_hidden() {
    let steps = [
        (1, Write("a", "a\n", 0)),
        (1, Write("later", "later\n", 3000)),
        (1, Write(".hidden", "h\n", 0)),
        (2, Append("a", "more\n")),
        (2, Write("gone", "gone\n", 3000)),
        (3, Delete("gone")),
    ];
    Case::new("own").check(&steps, &[&["a"], &["later"], &[], &[]]).await;
}

#[tokio::test]
async fn only_files_count_and_what_vanishes_was_never_there() {
    let case = Case::new("own").subdirectories(&["directory"]);
    // Links to nowhere and to a directory are no files; a link to a file is one.
    #[cfg(unix)]
    for (link, to) in [("dangling", "nothing"), ("link", "directory"), ("alias", "a")] {
        std::os::unix::fs::symlink(to, case.root.path().join(link)).expect("linked");
    }
    let source = case.source();
    let skipped = source.skipped();
    let root = case.root.path().to_owned();
    // The filter runs between listing and reading: what it deletes has vanished in between.
    let source = source.filter(move |path| {
        if path == root.join("b") {
            fs::remove_file(path).expect("deleted");
        }
        true
    });
    let want: &[&str] = if cfg!(unix) { &["a", "a"] } else { &["a"] };
    case.check_source(source, &[(1, Write("a", "a\n", 0)), (1, Write("b", "b\n", 0))], &[want, &[]]).await;
    assert_eq!(skipped.count(), 0, "to vanish while we look is as never having been there");
}

#[tokio::test]
async fn a_file_that_vanishes_before_it_is_read_is_counted() {
    let case = Case::new("own");
    // More than the queue to the workers takes: the second file stays unread until we go on.
    let long: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    case.write("a", &long.join("\n"), T0 + 1);
    case.write("b", "b\n", T0 + 1);
    case.write("c", "c\n", T0 + 1);
    let source = case.source();
    let skipped = source.skipped();
    let mut running = testing::start(source, millis(BATCH), BatchTime::from_millis(T0));
    let sent = running.ask(BatchTime::from_millis(T0 + BATCH)).await.expect("it runs");
    let mut got = running.take(1).await;
    case.step(0, Delete("b"));
    got.extend(running.answer(sent).await);
    assert_eq!(got.len(), 20_001);
    assert_eq!(got.last().map(String::as_str), Some("c"));
    assert_eq!(skipped.count(), 1);
}

#[tokio::test]
async fn too_many_files_and_a_broken_glob_are_errors() {
    let case = Case::new("own");
    (0..3).for_each(|n| case.write(&n.to_string(), "x", T0 + 1));
    let mut running = testing::start(case.source().max_files(2), millis(BATCH), BatchTime::from_millis(T0));
    assert_eq!(running.batch(BatchTime::from_millis(T0 + BATCH)).await, Some(vec![]));
    assert_eq!(running.finish().await.1.expect_err("three").code(), "connector.limit");
    let broken = Lines { path: "a[".into(), ..case.source() };
    assert_eq!(testing::run(broken).finish().await.1.expect_err("no glob").code(), "connector.config");
}

/// The time of batch `k`.
fn at(k: u64) -> BatchTime {
    BatchTime::from_millis(T0 + k * BATCH)
}

/// Runs batches `ks` of a job that goes on from `mark`, with those of `again` to run again; what they had, and what a
/// checkpoint has of each.
async fn run_on(
    case: &Case,
    mark: SourceMark,
    again: &[SourceMark],
    ks: std::ops::RangeInclusive<u64>,
) -> Result<(Vec<Vec<String>>, Vec<SourceMark>), ConnectorError> {
    // A job that is started again starts later.
    let started = if mark == SourceMark::default() { at(0) } else { at(1000) };
    let mut running = testing::resume(case.source(), (millis(BATCH), started), mark, again.to_vec());
    let (mut had, mut marks) = (Vec::new(), Vec::new());
    for k in ks {
        match running.batch(at(k)).await {
            Some(records) => had.push(records),
            None => break,
        }
        marks.push(running.close());
        if running.task.is_finished() {
            break;
        }
    }
    running.end_pace();
    running.finish().await.1.map(|()| (had, marks))
}

#[tokio::test]
async fn batches_that_run_again_have_what_they_had() {
    let case = Case::new("own");
    let long: Vec<String> = (0..40_000).map(|n| n.to_string()).collect();
    case.write("old", "old\n", T0 - 1);
    case.write("b", "b1\nb2", T0 + BATCH);
    case.write("a", &long.join("\n"), T0 + 2 * BATCH);
    case.write("c", "", T0 + 2 * BATCH);
    let (had, marks) = run_on(&case, SourceMark::default(), &[], 1..=4).await.expect("it runs");
    assert_eq!(had.iter().map(Vec::len).collect::<Vec<_>>(), [2, 40_000, 0, 0]);

    // What happens later: new files with old times, touches, more text, and a file that nobody needs is gone.
    case.write("late", "late\n", T0 + BATCH);
    case.write("down", "down\n", T0 + 6 * BATCH);
    case.step(0, Append("b", "b3\nb4\n"));
    case.touch("a", T0 + 3 * BATCH);
    case.step(0, Delete("c"));
    for done in 0..=4 {
        let mark = if done == 0 { SourceMark::default() } else { marks[done - 1].clone() };
        let (again, later) = run_on(&case, mark, &marks[done..], done as u64 + 1..=7).await.expect("it runs");
        assert_eq!(again[..4 - done], had[done..], "behind batch {done}");
        assert_eq!(later[..4 - done], marks[done..], "behind batch {done}");
        assert_eq!(again[4 - done..], [vec!["late"], vec!["down"], vec![]], "behind batch {done}");
    }
}

#[tokio::test]
async fn a_file_that_changed_cannot_be_read_again() {
    let case = Case::new("own");
    case.write("a", "one\ntwo\n", T0 + BATCH);
    let (_, marks) = run_on(&case, SourceMark::default(), &[], 1..=1).await.expect("it runs");
    let changes = [
        (Write("a", "one\nTWO\n", 0), "other text"),
        (Write("a", "one\n", 0), "4 bytes, and 8"),
        (Delete("a"), "gone"),
    ];
    for (change, how) in changes {
        case.step(T0 + BATCH, change);
        let error = run_on(&case, SourceMark::default(), &marks, 1..=1).await.expect_err(how);
        assert_eq!(error.code(), "connector.changed");
        assert!(error.to_string().contains("/a`") && error.to_string().contains(how), "{error}");
        // Behind that batch nobody wants it any more.
        let (had, _) = run_on(&case, marks[0].clone(), &[], 2..=2).await.expect("it runs");
        assert_eq!(had, [[""; 0]]);
    }
}

#[tokio::test]
async fn what_was_taken_stays_taken_and_is_forgotten_as_ever() {
    let case = Case { glob: "/*", ..Case::new("own") }.subdirectories(&["x", "y"]);
    case.write("x/a", "a\n", T0 + BATCH);
    case.write("y/b", "b\n", T0 + 2 * BATCH);
    let (_, marks) = run_on(&case, SourceMark::default(), &[], 1..=3).await.expect("it runs");
    let text = String::from_utf8(marks[2].position.clone().expect("a position")).expect("JSON");
    assert!(text.contains(r#""x/a""#) && text.contains(r#""y/b""#) && text.len() < 250, "{text}");
    // Touched each time, so that only memory keeps it out.
    let mut mark = marks[2].clone();
    for k in 4..=40 {
        case.touch("x/a", T0 + k * BATCH);
        let (had, marks) = run_on(&case, mark, &[], k..=k).await.expect("it runs");
        // 30 batches are remembered, and the batch after that forgets.
        let want: &[&str] = if k == 33 { &["a"] } else { &[] };
        assert_eq!(had, [want], "batch {k}");
        mark = marks[0].clone();
    }
    // With a longer memory than it had, what is forgotten is not new.
    let mut running =
        testing::resume(case.source().remember(secs(100_000)), (millis(BATCH), at(1000)), mark, Vec::new());
    assert_eq!(running.batch(at(41)).await, Some(vec![]));
    running.end_pace();
    running.finish().await.1.expect("a clean end");
}
