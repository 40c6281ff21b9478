//! Schema registries: one that answers as a test says, and a real one (`scripts/servers run registry`).

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use streaming_runtime::{
    JobError,
    connect::{Retry, collect, queue},
    formats::{Avro, Decode, FormatError, Registry},
    prelude::*,
};
use support::outcome;

use crate::{Click, avro::CLICK, clicks, written};

/// Answers requests by a plan, a status and a body each, and remembers what it was asked; the last answer stays.
struct Answers {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Answers {
    fn new(plan: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = asked.clone();
        thread::spawn(move || {
            let mut plan = plan.into_iter().peekable();
            for link in listener.incoming() {
                let Some(answer) = plan.peek().cloned() else { return };
                if plan.len() > 1 {
                    plan.next();
                }
                answer_one(link.expect("a connection"), &answer, &heard);
            }
        });
        Answers { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test has panicked").clone()
    }
}

fn answer_one(mut link: TcpStream, (status, body): &(u16, String), heard: &Mutex<Vec<String>>) {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match link.read(&mut part).expect("it can be read") {
            0 => return,
            count => request.extend_from_slice(&part[..count]),
        }
    }
    heard.lock().expect("no test has panicked").push(String::from_utf8_lossy(&request).into_owned());
    let length = body.len();
    write!(link, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .expect("it reads");
}

fn schema(text: &str) -> (u16, String) {
    (200, serde_json::json!({ "schema": text }).to_string())
}

fn quick() -> Retry {
    Retry::default().waits(millis(1), millis(2)).attempts(4)
}

fn registry(answers: &Answers) -> Registry {
    Registry::new(&answers.url).expect("an address").retry(quick())
}

fn failed(error: FormatError) -> String {
    let FormatError::Failed(error) = error else { panic!("it is no fault of the payload: {error}") };
    error.to_string()
}

fn rejected(error: FormatError) -> String {
    let FormatError::Unfit(reason) = error else { panic!("the payload is bad: {error}") };
    reason
}

#[test]
fn a_schema_is_asked_for_once() {
    let answers = Answers::new(vec![schema(CLICK)]);
    let registry = registry(&answers).basic_auth("ada", "s3cret");
    let mut format = registry.avro::<Click>().writes(258);
    let bytes = written(&mut format, &clicks()[1]).expect("it can be written");
    assert_eq!(bytes[..5], [0, 0, 0, 1, 2]);
    for mut clone in [format.clone(), registry.avro(), format] {
        assert_eq!(clone.decode(&bytes).expect("a click"), clicks()[1]);
    }
    let asked = answers.asked();
    let [request] = &asked[..] else { panic!("{asked:?}") };
    assert!(request.starts_with("GET /schemas/ids/258 HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("authorization: basic ywrhonmzy3jlda==\r\n"), "{request}");
}

#[test]
fn what_is_not_answered_is_asked_again_and_is_no_fault_of_the_payload() {
    let payload = [0, 0, 0, 0, 1, 2];
    let answers = Answers::new(vec![
        (503, String::new()),
        (429, String::new()),
        (200, "{".to_owned()),
        schema("\"int\""),
    ]);
    assert_eq!(registry(&answers).avro::<i32>().decode(&payload).expect("the fourth answer is one"), 1);
    assert_eq!(answers.asked().len(), 4);
    let answers = Answers::new(vec![(503, String::new())]);
    let error = failed(registry(&answers).avro::<i32>().decode(&payload).expect_err("it is down"));
    assert!(error.starts_with("gave up after 4 attempts") && error.contains("status 503"), "{error}");
    // Nobody is there.
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let away = Registry::new(&format!("http://{nobody}")).expect("an address").retry(quick());
    let error = failed(away.avro::<i32>().decode(&payload).expect_err("nobody is there"));
    assert!(error.starts_with("gave up after 4 attempts") && error.contains(&nobody.to_string()), "{error}");
    // One that accepts and says nothing is not waited for.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let silent_one = Registry::new(&url).expect("an address").retry(quick().attempts(2)).timeout(millis(20));
    let error = failed(silent_one.avro::<i32>().decode(&payload).expect_err("it says nothing"));
    assert!(error.starts_with("gave up after 2 attempts") && error.contains("timeout"), "{error}");
}

#[test]
fn a_refusal_is_not_asked_again() {
    let answers = Answers::new(vec![(401, String::new())]);
    let with_secret = registry(&answers).basic_auth("ada", "s3cret");
    let error = failed(with_secret.avro::<i32>().decode(&[0, 0, 0, 0, 1, 2]).expect_err("no right"));
    assert!(
        error.contains("status 401") && error.contains(".basic_auth(") && !error.contains("s3cret"),
        "{error}"
    );
    let refers = serde_json::json!({ "schema": "\"int\"", "references": [{ "name": "a", "subject": "a", "version": 1 }] });
    for unusable in [refers.to_string(), serde_json::json!({ "schema": "nonsense" }).to_string()] {
        let answers = Answers::new(vec![(200, unusable)]);
        let error =
            failed(registry(&answers).avro::<i32>().decode(&[0, 0, 0, 0, 1, 2]).expect_err("unusable"));
        assert!(error.contains("schema 1 cannot be used"), "{error}");
        assert_eq!(answers.asked().len(), 1);
    }
}

#[test]
fn a_payload_with_a_wrong_id_is_rejected() {
    let answers = Answers::new(vec![(404, "{\"error_code\": 40403}".to_owned())]);
    let mut numbers = registry(&answers).avro::<i32>();
    for _ in 0..5 {
        let reason = rejected(numbers.decode(&[0, 0, 0, 0, 7, 2]).expect_err("no such schema"));
        assert_eq!(reason, "the schema registry has no schema 7");
    }
    assert_eq!(answers.asked().len(), 3, "three times, and then it is known");
    let answers =
        Answers::new(vec![(200, serde_json::json!({ "schema": "x", "schemaType": "PROTOBUF" }).to_string())]);
    let reason = rejected(registry(&answers).avro::<i32>().decode(&[0, 0, 0, 0, 7, 2]).expect_err("no Avro"));
    assert_eq!(reason, "schema 7 of the schema registry is of PROTOBUF and not of Avro");
    for (bad, why) in
        [(&b"{\"a\": 1}"[..], "begins with 0x7b"), (b"", "too short"), (&[0, 0, 0, 1], "too short")]
    {
        let reason = rejected(numbers.decode(bad).expect_err("no wire format"));
        assert!(reason.contains(why), "{reason}");
    }
}

stream!(
    #[batch(secs(1))]
    fn pages<payloads: Source<Vec<u8>>, out: Sink<String>>(clicks: Avro<Click>) {
        let (clicks, rejected) = payloads.decode(clicks);
        clicks.map(|click| click.page).to(out);
        rejected.skip();
    }
);

#[test]
fn a_registry_that_is_away_ends_the_job_with_its_name() {
    let answers = Answers::new(vec![(500, String::new())]);
    let error = outcome(Engine::new(), 1, |engine| {
        let payloads = queue(vec![vec![vec![0, 0, 0, 0, 1, 2]]]);
        let ports = pages::Ports { payloads, out: collect().0, clicks: registry(&answers).avro() };
        engine.start(ports).expect("it starts")
    });
    let error = error.expect_err("it is away");
    let JobError::Format { operator: "pages/clicks+rejected/decode", source } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.code(), "connector.gave_up");
    assert!(error.to_string().contains(&answers.url), "{error}");
}

/// A registry that is not ours: its id and its schema, for payloads that fastavro writes.
#[test]
fn a_real_registry_says_what_fastavro_has_written() {
    let Ok(url) = env::var("REGISTRY") else {
        assert!(
            !support::servers::are_required(),
            "REGISTRY names no schema registry, and STREAMING_SERVERS_REQUIRED is 1"
        );
        eprintln!(
            "not run, for want of a schema registry: scripts/servers run registry -- cargo test -p tests --features avro --test formats"
        );
        return;
    };
    let script = format!(
        "
import fastavro, io, json, struct, sys, urllib.request
schema = json.loads(r\'\'\'{CLICK}\'\'\')
body = json.dumps({{'schema': json.dumps(schema)}}).encode()
request = urllib.request.Request('{url}/subjects/clicks-value/versions', body, {{'Content-Type': 'application/vnd.schemaregistry.v1+json'}})
id = json.load(urllib.request.urlopen(request, timeout=60))['id']
out = io.BytesIO()
out.write(struct.pack('>bI', 0, id))
fastavro.schemaless_writer(out, fastavro.parse_schema(schema), {{'user': 7, 'page': '/real', 'price': 0.5, 'referrer': None, 'is_new': True}})
sys.stdout.buffer.write(out.getvalue())
"
    );
    let payload = crate::others::python_with_libraries(&script, b"").expect("it is there with the registry");
    let mut clicks = Registry::new(&url).expect("an address").avro::<Click>();
    let read = clicks.decode(&payload).expect("a click");
    assert_eq!((read.user, read.page.as_str(), read.referrer), (7, "/real", None));
    let unknown = [&[0, 0x7f, 0xff, 0xff, 0xff], &payload[5..]].concat();
    let reason = rejected(clicks.decode(&unknown).expect_err("no such schema"));
    assert_eq!(reason, "the schema registry has no schema 2147483647");
}
