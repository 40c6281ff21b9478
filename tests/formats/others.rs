//! What Python's own modules write is read here, and what is written here is read there.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use streaming_runtime::formats::{Decode, csv, json};

use crate::{Click, clicks, goes_round, written};

/// Runs a script in Python on some input, and returns what it says; `None` where there is no Python.
fn python(script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let said = run(Command::new("python3").args(["-c", script]), input);
    if said.is_none() {
        eprintln!("not run, for want of python3");
    }
    said
}

fn run(command: &mut Command, input: &[u8]) -> Option<Vec<u8>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take().expect("it is piped").write_all(input).expect("it reads all");
    let said = child.wait_with_output().expect("it ends");
    assert!(said.status.success(), "the script fails");
    Some(said.stdout)
}

/// As [`python`], with libraries of others: fastavro and protobuf. It is that of `scripts/servers`, which fetches it once.
#[cfg(any(feature = "avro", feature = "protobuf"))]
pub fn python_with_libraries(script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let servers = std::env::var("STREAMING_SERVERS_DIR").unwrap_or_else(|_| format!("{root}/target/servers"));
    let is_required = support::servers::are_required();
    if !std::path::Path::new(&servers).join("installed").exists() && !is_required {
        eprintln!("not run, for want of Python with fastavro and protobuf: scripts/servers install python");
        return None;
    }
    run(Command::new(format!("{root}/scripts/servers")).args(["python", "-c", script]), input)
}

/// Payloads apart by a byte that is in none of them.
fn apart(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|byte| *byte == 0).collect()
}

fn joined(mut write: impl FnMut(&Click) -> Vec<u8>) -> Vec<u8> {
    clicks().iter().flat_map(|click| [write(click), vec![0]].concat()).collect()
}

#[test]
fn json_goes_to_python_and_back() {
    let script = "
import json, sys
for payload in sys.stdin.buffer.read().split(b'\\0')[:-1]:
    click = json.loads(payload)
    assert list(click) == ['user', 'page', 'price', 'referrer', 'is_new'], click
    sys.stdout.buffer.write(json.dumps(click, indent=1, sort_keys=True).encode() + b'\\0')
";
    let mut format = json::<Click>();
    let Some(back) = python(script, &joined(|click| written(&mut format, click).expect("it can be written")))
    else {
        return;
    };
    let read: Vec<Click> =
        apart(&back).into_iter().map(|bytes| format.decode(bytes).expect("it is a click")).collect();
    assert_eq!(read, clicks());
    goes_round(json(), &clicks());
}

/// Python's dialects of CSV beside the settings that mean the same.
#[test]
fn csv_goes_to_python_and_back() {
    let dialects = [
        (csv::<Click>(), "{}"),
        (csv().delimiter(b';'), "{'delimiter': ';'}"),
        (csv().delimiter(b'\t').quote(b'\''), "{'delimiter': '\\t', 'quotechar': \"'\"}"),
        (csv().escape(b'\\'), "{'doublequote': False, 'escapechar': '\\\\', 'quoting': csv.QUOTE_ALL}"),
    ];
    for (mut format, dialect) in dialects {
        let script = format!(
            "
import csv, io, sys
dialect = {dialect}
for payload in sys.stdin.buffer.read().split(b'\\0')[:-1]:
    rows = list(csv.reader(io.StringIO(payload.decode(), newline=''), **dialect))
    assert len(rows) == 1 and len(rows[0]) == 5, rows
    out = io.StringIO(newline='')
    csv.writer(out, **dialect).writerow(rows[0])
    sys.stdout.buffer.write(out.getvalue().encode() + b'\\0')
"
        );
        let bytes = joined(|click| written(&mut format, click).expect("it can be written"));
        let Some(back) = python(&script, &bytes) else { return };
        for (bytes, click) in apart(&back).into_iter().zip(clicks()) {
            let read = format.decode(bytes).unwrap_or_else(|error| panic!("{dialect}: {error}: {bytes:?}"));
            // CSV does not tell an empty text from none.
            assert_eq!(read, click, "{dialect}");
        }
        goes_round(format, &clicks());
    }
}

#[test]
fn headers_name_the_fields() {
    let mut format = csv::<Click>().headers(["page", "user", "is_new", "more", "price", "referrer"]);
    let read = format.decode(b"/a,7,true,x,0.5,").expect("it is a click");
    assert_eq!((read.page.as_str(), read.user, read.is_new, read.referrer), ("/a", 7, true, None));
    // Written in the order of the type only.
    let error = written(&mut format, &clicks()[0]).expect_err("another order");
    assert_eq!(error.code(), "connector.config");
    let mut format = csv::<Click>().headers(["user", "page", "price", "referrer", "is_new"]);
    assert_eq!(written(&mut format, &clicks()[0]).expect("this order"), b"0,/,0.0,,true");
    goes_round(format, &clicks());
}

/// What is cut or doubled is rejected, and not read as something else.
#[test]
fn a_payload_is_one_line_of_csv() {
    let mut pairs = csv::<(String, i64)>();
    for (payload, reason) in [
        ("", "no CSV: it is empty"),
        ("\r\n", "no CSV: it is empty"),
        ("a,1\nb,2", "no CSV of one record: another one follows"),
        ("\"a,1\n", "no CSV: a quote has no end"),
        ("\"a\nb\",x", "no CSV of this type: field 1: invalid digit found in string"),
        ("a", "no CSV of this type: invalid length 1, expected a tuple of size 2"),
    ] {
        assert_eq!(pairs.decode(payload.as_bytes()).expect_err(payload).to_string(), reason, "{payload:?}");
    }
    for payload in ["a,1", "a,1\n", "a,1\r\n", "a,1\n\n", "\n\na,1"] {
        assert_eq!(pairs.decode(payload.as_bytes()).expect(payload), ("a".to_owned(), 1));
    }
    let mut plain = csv::<(String, String)>().no_quotes();
    assert_eq!(plain.decode(b"\"a,b\"").expect("quotes mean nothing"), ("\"a".to_owned(), "b\"".to_owned()));
    let error =
        written(&mut plain, &("a,b".to_owned(), String::new())).expect_err("two fields would be three");
    assert!(error.to_string().contains("a delimiter or a line's end"), "{error}");
    assert_eq!(written(&mut plain, &("\"a".to_owned(), "b".to_owned())).expect("as it is"), b"\"a,b");
    assert_eq!(csv::<(String, i64)>().trim().decode(b" a , 1 ").expect("trimmed"), ("a".to_owned(), 1));
    // More and longer fields than there is room for at first.
    let many: Vec<String> = (0..100).map(|n| "x".repeat(n * 7)).collect();
    goes_round(csv::<Vec<String>>(), &[many]);
}
