//! A schema registry, as Confluent's API has it: asked for schemas by their ids.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use serde::Deserialize;
use ureq::Agent;

use crate::{
    contract::{error::ConnectorError, retry::Retry},
    formats::avro::schema::AvroSchema,
};

/// How many bytes an answer may have.
const LONGEST: u64 = 16 << 20;

/// How many schemas are kept; beyond that they are asked for anew.
const MOST: usize = 4096;

/// How often an id that is unknown is asked for: another server of the registry may not have heard of it yet.
const UNKNOWN: u32 = 3;

/// How long it is taken for unknown then.
const REMEMBERED: Duration = Duration::from_secs(30);

/// A schema registry with Confluent's API: `GET /schemas/ids/{id}`. Clones share the schemas that they were given.
///
/// [`Registry::avro`] makes a format of it.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    url: String,
    /// The value of that header: a secret.
    authorization: Option<String>,
    retry: Retry,
    agent: Agent,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    schemas: HashMap<u32, Arc<AvroSchema>>,
    /// Why there is none, and until when.
    unknown: HashMap<u32, (String, Instant)>,
}

/// Why a payload's schema is not to be had.
pub(super) enum NoSchema {
    /// The registry has none of that id that it could be.
    Unknown(String),
    /// It did not say.
    Failed(ConnectorError),
}

/// What the registry says of a schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    schema: String,
    #[serde(default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<serde_json::Value>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("url", &self.0.url).finish_non_exhaustive()
    }
}

impl Registry {
    /// The registry at this address, such as `http://127.0.0.1:8081`, or with a path before its API. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ConnectorError::Config`] if it is no such address; if it has a password in it, which is for
    /// [`basic_auth`](Registry::basic_auth); if it begins with `https` and the feature `avro-ssl` is off.
    pub fn new(url: &str) -> Result<Self, ConnectorError> {
        let config = |why: &str| Err(ConnectorError::Config(why.to_owned()));
        let Some((scheme, address)) = url.split_once("://") else {
            return config("a schema registry has an address such as `http://127.0.0.1:8081`");
        };
        if address.split('/').next().is_none_or(|host| host.is_empty() || host.contains('@')) {
            return config(
                "the address of a schema registry has a host, and no name and password: those go into `.basic_auth(name, password)`",
            );
        }
        match scheme {
            "http" => {}
            "https" if cfg!(feature = "avro-ssl") => {}
            "https" => {
                return config(
                    "a schema registry by https needs the cargo feature `avro-ssl` of `streaming-runtime`",
                );
            }
            _ => return config("a schema registry is asked by `http://` or `https://`"),
        }
        let agent = agent(Duration::from_secs(10));
        let url = url.trim_end_matches('/').to_owned();
        Ok(Registry(Arc::new(Shared {
            url,
            authorization: None,
            retry: Retry::default(),
            agent,
            known: Mutex::default(),
        })))
    }

    /// A name and a password, or a key and its secret. They are in no log and no error.
    pub fn basic_auth(self, name: &str, password: &str) -> Self {
        let authorization = Some(format!("Basic {}", base64(format!("{name}:{password}").as_bytes())));
        self.with(|shared| Shared { authorization, ..shared })
    }

    /// How often a question is asked again that was not answered, and when: by default 10 times, within some 8 s. A refusal is not asked
    /// again.
    pub fn retry(self, retry: Retry) -> Self {
        self.with(|shared| Shared { retry, ..shared })
    }

    /// How long one answer may take: 10 s by default.
    pub fn timeout(self, limit: Duration) -> Self {
        self.with(|shared| Shared { agent: agent(limit), ..shared })
    }

    /// The registry with other settings; it begins without schemas.
    fn with(self, change: impl FnOnce(Shared) -> Shared) -> Self {
        let Shared { url, authorization, retry, agent, .. } = &*self.0;
        let (url, authorization, agent) = (url.clone(), authorization.clone(), agent.clone());
        let shared = Shared { url, authorization, retry: *retry, agent, known: Mutex::default() };
        Registry(Arc::new(change(shared)))
    }

    /// The schema of this id. The thread waits for it, no longer than the settings allow; others that need one wait as well.
    pub(super) fn avro_schema(&self, id: u32) -> Result<Arc<AvroSchema>, NoSchema> {
        // A worker that panics in here has changed nothing.
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.schemas.get(&id) {
            return Ok(schema.clone());
        }
        let now = Instant::now();
        known.unknown.retain(|_, (_, until)| *until > now);
        if let Some((why, _)) = known.unknown.get(&id) {
            return Err(NoSchema::Unknown(why.clone()));
        }
        let found = self.0.ask(id);
        if known.schemas.len() >= MOST {
            known.schemas.clear();
        }
        match &found {
            Ok(schema) => drop(known.schemas.insert(id, schema.clone())),
            Err(NoSchema::Unknown(why)) if known.unknown.len() < MOST => {
                known.unknown.insert(id, (why.clone(), now + REMEMBERED));
            }
            Err(_) => {}
        }
        found
    }
}

fn agent(limit: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .max_redirects(3)
        .build()
        .into()
}

impl Shared {
    /// Asks until there is an answer.
    fn ask(&self, id: u32) -> Result<Arc<AvroSchema>, NoSchema> {
        let mut backoff = self.retry.backoff();
        let mut unknown = 0;
        loop {
            match self.get(id) {
                Ok(answer) => return self.parsed(id, answer),
                Err(NoSchema::Unknown(why)) => {
                    unknown += 1;
                    if unknown >= UNKNOWN {
                        return Err(NoSchema::Unknown(why));
                    }
                    match backoff.next_wait() {
                        Some(wait) => sleep(wait),
                        None => return Err(NoSchema::Unknown(why)),
                    }
                }
                Err(NoSchema::Failed(error)) => {
                    tracing::warn!(url = self.url, id, %error, "the schema registry is asked again");
                    sleep(backoff.after(error).map_err(NoSchema::Failed)?);
                }
            }
        }
    }

    fn get(&self, id: u32) -> Result<Answer, NoSchema> {
        let url = format!("{}/schemas/ids/{id}", self.url);
        let mut request =
            self.agent.get(&url).header("Accept", "application/vnd.schemaregistry.v1+json, application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let failed = |why: String| {
            NoSchema::Failed(ConnectorError::other(format!("schema registry {}: {why}", self.url)))
        };
        let mut response = request.call().map_err(|error| failed(error.to_string()))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(LONGEST).read_to_vec();
        match status {
            200 => {
                let body = body.map_err(|error| failed(error.to_string()))?;
                serde_json::from_slice(&body)
                    .map_err(|error| failed(format!("its answer for schema {id} is none: {error}")))
            }
            404 => Err(NoSchema::Unknown(format!("the schema registry has no schema {id}"))),
            408 | 429 | 500.. => Err(failed(format!("it answers with status {status}"))),
            _ => Err(NoSchema::Failed(ConnectorError::permanent(format!(
                "schema registry {}: it refuses schema {id} with status {status}{}",
                self.url,
                if matches!(status, 401 | 403) {
                    ": see that `.basic_auth(name, password)` is given and may read"
                } else {
                    ""
                }
            )))),
        }
    }

    fn parsed(&self, id: u32, answer: Answer) -> Result<Arc<AvroSchema>, NoSchema> {
        if let Some(kind) = answer.schema_type.filter(|kind| kind != "AVRO") {
            return Err(NoSchema::Unknown(format!(
                "schema {id} of the schema registry is of {kind} and not of Avro"
            )));
        }
        let unusable = |why: String| {
            NoSchema::Failed(ConnectorError::permanent(format!(
                "schema registry {}: schema {id} cannot be used: {why}",
                self.url
            )))
        };
        if !answer.references.is_empty() {
            return Err(unusable(
                "it refers to other schemas, which are not asked for: register it whole".to_owned(),
            ));
        }
        AvroSchema::parse(&answer.schema).map(Arc::new).map_err(unusable)
    }
}

/// Base 64 with padding, RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, n| bits << 8 | usize::from(three.get(n).copied().unwrap_or(0)));
        for digit in 0..4 {
            let is_padding = digit > three.len();
            text.push(if is_padding { '=' } else { char::from(DIGITS[bits >> (18 - 6 * digit) & 63]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, written) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{ff}?", "w78/"),
        ] {
            assert_eq!(base64(text.as_bytes()), written);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let registry =
            Registry::new("http://127.0.0.1:8081/api/").expect("an address").basic_auth("ada", "s3cret");
        let shown = format!("{registry:?} {:?}", registry.avro::<u64>());
        assert!(
            shown.contains("http://127.0.0.1:8081/api")
                && !shown.contains("s3cret")
                && !shown.contains("Basic"),
            "{shown}"
        );
        for bad in ["127.0.0.1:8081", "ftp://x", "http://", "http://ada:s3cret@host"] {
            let error = Registry::new(bad).expect_err(bad);
            assert!(error.code() == "connector.config" && !error.to_string().contains("s3cret"), "{error}");
        }
    }
}
