//! What a kill leaves of text files.

use std::{fs, path::Path};

use streaming_runtime::connect::{queue, text_files};

use crate::copy_to;

fn names(path: &Path) -> Vec<String> {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.expect("there").file_name().into_string().expect("text");
    let mut names: Vec<String> = fs::read_dir(path).expect("there").map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn drafts_of_a_kill_go_when_the_sink_begins() {
    let directory = tempfile::tempdir().expect("temp");
    let own = ["lines-500.txt", "lines-700000001ns.txt", "lines-1000.txt"];
    let others = ["lines-500", "other-500.txt", "lines-x.txt", "lines-500.txt.old"];
    for name in own.into_iter().chain(others) {
        let batch = directory.path().join(name);
        fs::create_dir(&batch).expect("made");
        for file in ["part-00000", ".part-00000.7.tmp", ".part-00000.12.tmp", ".other.tmp"] {
            fs::write(batch.join(file), "half a li").expect("written");
        }
    }
    let lines = queue(vec![vec!["whole".to_owned()]]);
    let out = text_files(directory.path().join("lines")).suffix("txt");
    copy_to(lines, out).await.expect("it ends well");
    for name in own {
        assert_eq!(names(&directory.path().join(name)), [".other.tmp", "part-00000"], "{name}");
    }
    for name in others {
        assert_eq!(names(&directory.path().join(name)).len(), 4, "{name} is not this sink's");
    }
    let batch = fs::read_to_string(directory.path().join("lines-1000.txt/part-00000")).expect("there");
    assert_eq!(batch, "whole\n");
}

/// A draft that somebody is writing is locked by it.
#[tokio::test]
async fn a_draft_that_is_being_written_stays() {
    let directory = tempfile::tempdir().expect("temp");
    let batch = directory.path().join("lines-500");
    fs::create_dir(&batch).expect("made");
    let draft = fs::File::create(batch.join(".part-00000.3.tmp")).expect("made");
    draft.lock().expect("nobody else has it");
    fs::write(batch.join(".part-00000.4.tmp"), "").expect("written");
    copy_to(queue(vec![vec!["whole".to_owned()]]), text_files(directory.path().join("lines")))
        .await
        .expect("ends");
    assert_eq!(names(&batch), [".part-00000.3.tmp"]);
}
