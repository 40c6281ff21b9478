//! Completion inside of the macro: the text up to the cursor must not depend on the editor's marker.

use super::{input, pipeline};

const MARKER: &str = "intellijRulezz";

/// Expands with and without the marker, and compares up to it.
fn is_stable(body: &str) -> Result<(), String> {
    let expand = |mark: &str| crate::expand(input(&pipeline(&body.replace("$0", mark)))).to_string();
    // The switches in front of the body are equally long in both positions, which is what an editor needs.
    let squeeze =
        |text: &str| text.split_whitespace().collect::<String>().replace("cfg_attr(all()", "cfg_attr(any()");
    let (marked, real) = (squeeze(&expand(MARKER)), squeeze(&expand("")));
    let Some(at) = marked.find(MARKER) else { return Err("the marker was dropped".to_owned()) };
    match real.starts_with(&marked[..at]) {
        true => Ok(()),
        false => {
            let same = marked.bytes().zip(real.bytes()).take_while(|(left, right)| left == right).count();
            let end = |text: &str| text[same.saturating_sub(30)..(same + 60).min(text.len())].to_owned();
            Err(format!("{body}\n  marked: ..{}\n  real:   ..{}", end(&marked), end(&real)))
        }
    }
}

#[test]
fn text_before_the_cursor_is_stable() {
    let positions = [
        "let x = a.$0; x.to(out);",
        "let x = a.ma$0; x.to(out);",
        "let x = a.map$0(f); x.to(out);",
        "let x = a.map(f).$0; x.to(out);",
        "let x = a.map(f).fil$0; x.to(out);",
        "a.map(|r| (r, 1)).$0; b.to(out);",
        "let x = a.map(f); x.$0",
        "let x = a.map(f); x.fil$0",
        "let x = a.map(f); x.to(out); x.$0",
        "let x = a.map(|r| r.$0); x.to(out);",
        "let x = a.map(|r| r.tri$0); x.to(out);",
        "let x = a.flat_map(|r| r.$0); x.to(out);",
        "let x = a.flat_map(|r| r.spl$0); x.to(out);",
        "let x = a.flat_map(|r| $0); x.to(out);",
        "let x = a.flat_map(num$0); x.to(out);",
        "let x = a.filter(|r| $0); x.to(out);",
        "let x = a.map(f); x$0.to(out); x.to(other);",
        "let x = a.map(f); wor$0.to(out);",
        "a.to(ou$0);",
        "a.to(out$0);",
        "a.to($0);",
        "a.map(f).to(out); b.to(oth$0);",
        "let x = a.map(f).reduce_by_key(|l, r| l.$0); x.to(out);",
        "let x = a.union(b$0); x.to(out);",
        "let x = a.union($0); x.to(out);",
        "let x = helper(a.map(f), lim$0); x.to(out);",
        "let x = a.window(secs($0), secs(5)); x.to(out);",
        "let x = a.window(se$0, secs(5)); x.to(out);",
        "let x = $0; a.to(out);",
        "let (x, y) = a.split(|r| r.1 > lim$0); x.to(out); y.to(other);",
        "let x = a.iterate(|l| l.$0); x.to(out);",
        "let x = a.iterate(|l| { let z = l.join(b).$0; z }); x.to(out);",
        "let x = a.map(f).$0 b.to(out);",
        "let y = b.map(f); let x = a.$0 y.to(out); y.to(other);",
        "let x = a.map(f).$0 let y = b.map(g); y.to(out);",
        "let x = a.map(f).fi$0 let y = b.map(g); y.to(out);",
        "let x = a.map(f).to(out); b.$0",
        "let n = limit.$0; a.to(out);",
        "if limit.$0 { } a.to(out);",
    ];
    let moved: Vec<String> = positions.iter().filter_map(|position| is_stable(position).err()).collect();
    assert!(moved.is_empty(), "{} of {} moved:\n{}", moved.len(), positions.len(), moved.join("\n"));
}
