//! A client, and asking until there is an answer.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_kinesis::{
    config::{
        BehaviorVersion, ProvideCredentials as _, Region, http::HttpResponse, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::{
    connect::{ConnectorError, Retry},
    connectors::kinesis::fault::{Fault, failed, fault_of},
};

/// How long a connection may take, and one request with its answer of up to 10 MB.
const CONNECT: Duration = Duration::from_secs(3);
const REQUEST: Duration = Duration::from_secs(15);

/// Which stream it is, and where. It has no secrets: those come from where all clients of AWS look.
#[derive(Clone, Debug)]
pub(super) struct ClientSettings {
    pub(super) stream: String,
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) retry: Retry,
}

impl ClientSettings {
    pub(super) fn new(stream: String) -> Self {
        ClientSettings { stream, endpoint: None, region: None, profile: None, retry: Retry::default() }
    }

    /// Makes a client that knows who it is; it connects when it asks.
    pub(super) async fn connect(&self) -> Result<Client, ConnectorError> {
        // It reads the certificates of the machine.
        let http = tokio::task::spawn_blocking(|| {
            Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
        });
        let http = http.await.map_err(ConnectorError::other)?;
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(REQUEST).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts)
            // Attempts are counted and explained here.
            .retry_config(RetryConfig::disabled());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(ConnectorError::Config(format!(
                "nothing says in which region stream `{}` is: set AWS_REGION, a profile with one, or `.region(..)`",
                self.stream
            )));
        }
        let what = format!("look for credentials for stream `{}`", self.stream);
        let no = |reason| Fault::NoCredentials { reason }.at(&what);
        let provider = config.credentials_provider().ok_or_else(|| no("no provider".to_owned()))?;
        provider.provide_credentials().await.map_err(|error| no(DisplayErrorContext(&error).to_string()))?;
        Ok(Client {
            kinesis: aws_sdk_kinesis::Client::new(&config),
            stream: self.stream.clone(),
            retry: self.retry,
            troubles: Mutex::default(),
            throttled: AtomicU64::new(0),
        })
    }
}

/// The settings that a source and a sink have in common.
macro_rules! client_settings {
    () => {
        /// The region of the stream, in place of what the environment or the profile says.
        pub fn region(mut self, region: impl Into<String>) -> Self {
            self.settings.region = Some(region.into());
            self
        }
        /// Another address than that of the region, such as `http://127.0.0.1:4567` of a local server.
        pub fn endpoint(mut self, url: impl Into<String>) -> Self {
            self.settings.endpoint = Some(url.into());
            self
        }
        /// The profile of the credentials, in place of `AWS_PROFILE`.
        pub fn profile(mut self, name: impl Into<String>) -> Self {
            self.settings.profile = Some(name.into());
            self
        }
    };
}

pub(super) use client_settings;

/// A client of one stream.
pub(super) struct Client {
    pub(super) kinesis: aws_sdk_kinesis::Client,
    pub(super) stream: String,
    pub(super) retry: Retry,
    /// What is tried again, and how often it was.
    troubles: Mutex<BTreeMap<String, String>>,
    /// Answers that said there was too much.
    pub(super) throttled: AtomicU64,
}

impl Client {
    /// What is tried again, for whoever asks why nothing comes.
    pub(super) fn trouble(&self) -> Option<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).values().next().cloned()
    }

    /// Asks until there is an answer, as often as the retry says.
    pub(super) async fn ask<T, E, F>(&self, what: &str, ask: impl Fn() -> F) -> Result<T, ConnectorError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let mut backoff = self.retry.backoff();
        loop {
            let error = match ask().await {
                Ok(answer) => {
                    if backoff.count() > 0 {
                        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
                    }
                    return Ok(answer);
                }
                Err(error) => failed(what, &self.stream, &error),
            };
            match fault_of(&error) {
                // The caller makes another.
                Some(Fault::Expired) => return Err(error),
                Some(Fault::Throttled { .. }) => drop(self.throttled.fetch_add(1, Ordering::Relaxed)),
                _ => {}
            }
            if backoff.count() == 0 && error.may_pass() {
                tracing::warn!(target: "streaming_runtime::kinesis", %error, "no answer from Kinesis; asking again");
            }
            let trouble = error.to_string();
            let wait = backoff.after(error)?;
            let count = backoff.count();
            let trouble = match self.retry.limit() {
                Some(limit) => format!("{trouble}; asked {count} times of at most {limit}"),
                None => format!("{trouble}; asked {count} times, without a limit"),
            };
            self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), trouble);
            tokio::time::sleep(wait).await;
        }
    }
}
