//! Settings of a client.

use std::{collections::BTreeMap, fmt};

use rdkafka::{ClientConfig, config::FromClientConfigAndContext, error::KafkaError};

use crate::{connect::ConnectorError, connectors::kafka::fault::Fault};

/// Where the brokers are, and settings for librdkafka. What may be secret is not shown.
#[derive(Clone, Default)]
pub(super) struct ClientSettings {
    pub(super) brokers: String,
    options: BTreeMap<String, String>,
}

/// Parts of names of settings whose values nobody is to see.
const SECRET: [&str; 6] = ["password", "secret", "key.pem", "token", "sasl.oauthbearer.config", "jaas"];

/// Settings that no client leaves to the user, beside those that it gives itself: whom it is and whom it asks, and another name of
/// one that it gives.
const NO_OPTIONS: [&str; 6] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "auto.commit.enable",
    "transactional.id",
    "enable.idempotence",
];

fn is_secret(key: &str) -> bool {
    SECRET.iter().any(|part| key.contains(part))
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(key, value): (&String, &String)| {
            (key.clone(), if is_secret(key) { "(not shown)".to_owned() } else { value.clone() })
        };
        let options: BTreeMap<_, _> = self.options.iter().map(shown).collect();
        f.debug_struct("ClientSettings").field("brokers", &self.brokers).field("options", &options).finish()
    }
}

impl ClientSettings {
    pub(super) fn new(brokers: impl Into<String>) -> Self {
        ClientSettings { brokers: brokers.into(), options: BTreeMap::new() }
    }

    pub(super) fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.options.insert(key.into(), value.into());
    }

    /// A client with these settings over `defaults`, and `own` over all.
    pub(super) fn create<C, T: FromClientConfigAndContext<C>>(
        &self,
        defaults: &[(&str, &str)],
        own: &[(&str, &str)],
        context: C,
    ) -> Result<T, ConnectorError>
    where
        C: rdkafka::ClientContext,
    {
        self.check(own)?;
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        let given = self.options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in defaults.iter().copied().chain(given).chain(own.iter().copied()) {
            config.set(key, value);
        }
        config.create_with_context(context).map_err(|error| self.refused(&error))
    }

    /// librdkafka's answer to settings. It may cite values.
    fn refused(&self, error: &KafkaError) -> ConnectorError {
        match error {
            KafkaError::ClientConfig(_, _, key, _) if is_secret(key) => {
                ConnectorError::Config(format!("librdkafka refuses the value of `{key}`"))
            }
            KafkaError::ClientConfig(_, reason, key, _) => {
                ConnectorError::Config(format!("librdkafka refuses the setting `{key}`: {reason}"))
            }
            KafkaError::ClientCreation(reason) => ConnectorError::Config(format!(
                "librdkafka refuses the settings: {}",
                self.without_secrets(reason)
            )),
            error => Fault::Other { reason: self.without_secrets(&error.to_string()) }.at("make a client"),
        }
    }

    fn without_secrets(&self, text: &str) -> String {
        let secrets = self.options.iter().filter(|(key, value)| is_secret(key) && !value.is_empty());
        secrets.fold(text.to_owned(), |text, (_, value)| text.replace(value.as_str(), "(not shown)"))
    }

    /// Refuses what cannot work with the features that were compiled in, and what is not for the user to say.
    fn check(&self, own: &[(&str, &str)]) -> Result<(), ConnectorError> {
        if self.brokers.trim().is_empty() {
            return Err(ConnectorError::Config("name at least one broker, such as `127.0.0.1:9092`".into()));
        }
        for (key, value) in &self.options {
            if NO_OPTIONS.contains(&key.as_str()) || own.iter().any(|(own, _)| own == key) {
                return Err(ConnectorError::Config(format!(
                    "`{key}` is not an option: the connector sets it itself; its methods say what it does"
                )));
            }
            let value = value.to_ascii_lowercase();
            let mechanism = key == "sasl.mechanism" || key == "sasl.mechanisms";
            let wants_ssl = key.starts_with("ssl.")
                || (key == "security.protocol" && value.contains("ssl"))
                || (mechanism && (value.starts_with("scram") || value == "oauthbearer"));
            let wants_zstd = key.starts_with("compression.") && value == "zstd";
            let missing = if mechanism && value == "gssapi" && !cfg!(feature = "kafka-sasl") {
                "kafka-sasl"
            } else if wants_ssl && !cfg!(feature = "kafka-ssl") {
                "kafka-ssl"
            } else if wants_zstd && !cfg!(feature = "kafka-zstd") {
                "kafka-zstd"
            } else {
                continue;
            };
            return Err(ConnectorError::Config(format!(
                "the setting `{key}` needs the feature `{missing}` of streaming-runtime: add it in Cargo.toml"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::{consumer::BaseConsumer, consumer::DefaultConsumerContext};

    fn refused(key: &str, value: &str) -> String {
        let mut settings = ClientSettings::new("127.0.0.1:1");
        settings.set(key, value);
        let made: Result<BaseConsumer, _> = settings.create(&[], &[], DefaultConsumerContext);
        made.map(|_| ()).expect_err("it is refused").to_string()
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut settings = ClientSettings::new("127.0.0.1:9092");
        settings.set("sasl.password", "hunter2");
        settings.set("client.id", "me");
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter2") && shown.contains("client.id") && shown.contains("me"), "{shown}");
    }

    #[test]
    fn a_setting_that_cannot_work_names_the_fix() {
        if !cfg!(feature = "kafka-ssl") {
            assert!(refused("security.protocol", "SASL_SSL").contains("feature `kafka-ssl`"));
            assert!(refused("ssl.ca.location", "ca.pem").contains("feature `kafka-ssl`"));
        }
        if !cfg!(feature = "kafka-sasl") {
            assert!(refused("sasl.mechanism", "GSSAPI").contains("feature `kafka-sasl`"));
        }
        assert!(refused("group.id", "x").contains("sets it itself"));
        assert!(refused("no.such.setting", "x").contains("`no.such.setting`"));
    }
}
