//! What cannot be written is a typed error within a limit.

use streaming_runtime::{
    Checkpoint, StartError,
    connect::{Retry, channel, queue},
};

use support::servers::Server;

use super::*;

/// The error of a job that writes one record.
async fn error_of(job: &str, out: impl streaming_runtime::Sink<String>) -> ConnectorError {
    let clock = streaming_runtime::ManualClock::new();
    let texts = queue(vec![vec!["x".to_owned()]]);
    let engine = Engine::new().name(job).manual_clock(&clock);
    let mut job = engine.start(copy::Ports { texts, copies: out }).expect("it starts");
    clock.advance(secs(1));
    sink_error(&mut job).await
}

#[tokio::test]
async fn no_broker_is_an_error_within_the_limit() {
    let begin = Instant::now();
    let out = kafka::append("127.0.0.1:1", "x").retry(Retry::default().attempts(2));
    let error = error_of("away", out).await;
    assert!(matches!(error, ConnectorError::Unreachable { attempts: 2, .. }), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let Some(broker) = broker() else { return };
    let topic = name("missing");
    let job = topic.replace("missing", "missing-job");
    let error = error_of(&job, kafka::append(&broker, &topic)).await;
    assert_eq!(fault(&error), Some(kafka::Fault::UnknownTopic { topic: topic.clone() }), "{error}");
    // Nothing was made on the way.
    let script = "print(sorted(t for t in admin.list_topics().topics if topic in t or topic.replace('missing', 'missing-job') in t))";
    assert_eq!(python(&broker, &topic, script).trim(), "[]");

    python(&broker, &topic, "create(2)");
    let out = kafka::append(&broker, &topic).format(|text: String| kafka::Record::new(text).partition(7));
    let error = error_of(&job, out).await;
    let no_partition = kafka::Fault::NoPartition { topic: topic.clone(), partition: 7 };
    assert_eq!(fault(&error), Some(no_partition), "{error}");
}

#[tokio::test]
async fn progress_that_could_be_forgotten_is_refused() {
    let Some(broker) = broker() else { return };
    let topic = name("forgets");
    python(&broker, &topic, "create(1)");
    let error = error_of("forgets", kafka::append(&broker, &topic).progress_topic(&topic)).await;
    assert_eq!(fault(&error), Some(kafka::Fault::NotCompacted { topic }), "{error}");
}

#[tokio::test]
async fn a_setting_that_cannot_work_names_the_fix() {
    let error = error_of("short", kafka::append("127.0.0.1:1", "x").transaction_timeout(secs(1))).await;
    assert!(matches!(error, ConnectorError::Config(_)), "{error:?}");
    assert!(error.to_string().contains("transaction_timeout"), "{error}");
    let error = error_of("own", kafka::append("127.0.0.1:1", "x").option("transactional.id", "mine")).await;
    assert!(matches!(error, ConnectorError::Config(_)), "{error:?}");
}

stream!(
    /// To two places.
    #[batch(millis(20))]
    fn both<texts: Source<String>, one: Sink<String>, other: Sink<String>>() {
        texts.to(one);
        texts.to(other);
    }
);

#[tokio::test]
async fn one_name_for_two_sinks_is_refused_at_the_start_and_two_sinks_share_a_topic() {
    let out = || kafka::append("127.0.0.1:1", "x").name("mine");
    let (_sender, texts) = channel(1);
    let refused = Engine::new().start(both::Ports { texts, one: out(), other: out() });
    let error = refused.err().expect("they would stop each other");
    assert!(matches!(error, StartError::Target { .. }), "{error}");
    assert!(error.to_string().contains("mine"), "{error}");

    let Some(broker) = broker() else { return };
    let topic = name("shared");
    python(&broker, &topic, "create(1)");
    let clock = streaming_runtime::ManualClock::new();
    let out = || kafka::append(&broker, &topic);
    let texts = queue(vec![vec!["x".to_owned()], vec!["y".to_owned()]]);
    let engine = Engine::new().name(&topic).manual_clock(&clock);
    let mut job = engine.start(both::Ports { texts, one: out(), other: out() }).expect("it starts");
    clock.advance(secs(1));
    job.join().await.expect("well");
    let mut read = values(&broker, &topic);
    read.sort();
    assert_eq!(read, ["x", "x", "y", "y"]);
}

/// A right that is taken away: of a broker of its own, which asks who may do what.
#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let Some(_) = broker() else { return };
    let server = Server::start(
        "kafka",
        &[
            "--set",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "--set",
            "allow.everyone.if.no.acl.found=true",
        ],
    );
    let broker = &server.address;
    let topic = name("forbidden");
    let deny = "create(1)\n\
        def deny(kind, name, operation):\n    \
            acl = a.AclBinding(kind, name, a.ResourcePatternType.LITERAL, 'User:ANONYMOUS', '*', operation, a.AclPermissionType.DENY)\n    \
            [f.result() for f in admin.create_acls([acl]).values()]\n\
        deny(a.ResourceType.TOPIC, topic, a.AclOperation.WRITE)\n\
        deny(a.ResourceType.TRANSACTIONAL_ID, 'streaming-denied-0', a.AclOperation.WRITE)\n";
    python(broker, &topic, deny);
    for out in [kafka::append(broker, &topic), kafka::append(broker, &topic).name("denied")] {
        let error = error_of("forbidden", out).await;
        assert!(matches!(fault(&error), Some(kafka::Fault::Forbidden { .. })), "{error:?}");
        assert!(!error.may_pass());
    }
}

/// A new checkpoint does not belong to what the topic has.
#[tokio::test]
async fn a_topic_belongs_to_a_checkpoint() {
    let Some(broker) = broker() else { return };
    let topic = name("belongs");
    python(&broker, &topic, "create(1)");
    let (one, other) = (tempfile::tempdir().expect("temp"), tempfile::tempdir().expect("temp"));
    let clock = streaming_runtime::ManualClock::new();
    let run = async |checkpoint: Checkpoint, batches: usize| {
        let batches = (0..batches).map(|n| vec![n.to_string()]).collect();
        let engine = Engine::new().name(&topic).manual_clock(&clock).checkpoint(checkpoint.exactly_once());
        let ports = copy::Ports { texts: queue(batches), copies: kafka::append(&broker, &topic) };
        let mut job = engine.start(ports).expect("it starts");
        clock.advance(secs(1));
        job.join().await
    };
    run(Checkpoint::new(one.path()), 2).await.expect("well");
    let error = run(Checkpoint::new(other.path()), 3).await.expect_err("it is another's");
    assert_eq!(error.code(), "checkpoint.foreign", "{error}");
    assert!(error.to_string().contains("copies"), "{error}");
    assert_eq!(values(&broker, &topic), ["0", "1"]);
    run(Checkpoint::new(other.path()).adopt("copies"), 3).await.expect("it is taken over");
}
