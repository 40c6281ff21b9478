//! Lines from a server.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    connectors::{
        lines::{LineRules, line_settings},
        tcp::{
            connection::{Connection, LineEvent},
            descriptors::is_exhausted,
        },
    },
    contract::{error::ConnectorError, retry::Retry, source::Source},
    intake::source_context::SourceContext,
};

/// A source of the lines that a server at `address` (`host:port`) sends, Spark's `socketTextStream`.
///
/// When the connection ends or breaks, it connects again: after 100 ms at first, then twice as long each time up to 2 s, less a
/// random part of up to a half. The first failed attempt in a row is logged as a warning. 10 failed attempts in a row end the
/// job, as does a server that accepts and closes at once so often. (An attempt that fails because this process has no descriptors
/// left does not count.)
///
/// What the server sends while nobody is connected is lost, and so is a line that broke off. The last line before a clean close
/// needs no `\n`.
///
/// # After a crash
/// TCP has no receipts: what was under way is lost. [`durable`](crate::connect::durable()) keeps what came into the job.
///
/// ```
/// use streaming_runtime::{connect::tcp, millis, secs};
///
/// let source = tcp::lines("127.0.0.1:9999").retry_after(millis(10), secs(1)).attempts(100);
/// let bounded = tcp::lines("127.0.0.1:9998").until_closed();
/// # let _ = (source, bounded);
/// ```
///
/// # Errors
/// [`ConnectorError::Unreachable`] after too many attempts, and what [`on_long_line`](Lines::on_long_line)
/// and [`on_invalid_utf8`](Lines::on_invalid_utf8) make one: by default neither does, and
/// [`bad_lines`](Lines::bad_lines) counts. Each ends the job.
pub fn lines(address: impl Address) -> Lines {
    Lines {
        address: address.text(),
        retry: Retry::default(),
        connect_timeout: Duration::from_secs(10),
        idle_timeout: None,
        until_closed: false,
        rules: LineRules::default(),
    }
}

/// Where a peer listens, as a text: `"host:port"`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no address of a source",
    label = "expected a text of host and port",
    note = "write both as one text: `tcp::lines(\"host:port\")`, as in `\"127.0.0.1:9999\"`"
)]
#[doc(hidden)]
pub trait Address {
    fn text(self) -> String;
}
#[diagnostic::do_not_recommend]
impl<T: Into<String>> Address for T {
    fn text(self) -> String {
        self.into()
    }
}

/// See [`lines`].
#[derive(Debug)]
pub struct Lines {
    address: String,
    retry: Retry,
    connect_timeout: Duration,
    idle_timeout: Option<Duration>,
    until_closed: bool,
    rules: LineRules,
}

impl Lines {
    line_settings!("Skip");

    /// The longest wait before the first new attempt, and the longest wait of all: 100 ms and 2 s by default.
    pub fn retry_after(mut self, first: Duration, cap: Duration) -> Self {
        self.retry = self.retry.waits(first, cap);
        self
    }
    /// How many attempts in a row may fail before the job ends: 10 by default. `u32::MAX` never ends it.
    pub fn attempts(mut self, failures: u32) -> Self {
        self.retry = self.retry.attempts(failures);
        self
    }
    /// How long one attempt may take, the look-up of the name included: 10 s by default.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }
    /// Connects again when the server has sent nothing for this long. Off by default.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = Some(time);
        self
    }
    /// A clean close by the server ends the source, instead of a new connection. A broken connection does not end it.
    pub fn until_closed(mut self) -> Self {
        self.until_closed = true;
        self
    }

    async fn connect(&self) -> io::Result<Connection> {
        let stream = match timeout(self.connect_timeout, TcpStream::connect(&self.address)).await {
            Ok(connected) => connected?,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        Ok(Connection::new(stream, self.address.clone(), self.rules.clone(), self.idle_timeout))
    }
}

/// How a connection ended.
struct LineEnd {
    /// What broke it, unless the peer closed it.
    broken: Option<io::Error>,
    /// Whether it brought anything.
    useful: bool,
}

/// Sends what comes until the connection ends.
async fn drain(
    mut connection: Connection,
    out: &mut SourceContext<String>,
) -> Result<LineEnd, ConnectorError> {
    let mut useful = false;
    loop {
        let (lines, outcome) = match connection.event().await {
            LineEvent::Bytes(n) => connection.accept(n),
            LineEvent::Broken(error) => return Ok(LineEnd { broken: Some(error), useful }),
            LineEvent::Closed => {
                let (lines, outcome) = connection.finish();
                out.send_all(lines).await?;
                return outcome.map(|()| LineEnd { broken: None, useful });
            }
        };
        useful = true;
        out.send_all(lines).await?;
        outcome?;
    }
}

impl Source<String> for Lines {
    const MAY_BLOCK: bool = false;

    async fn run(self, mut out: SourceContext<String>) -> Result<(), ConnectorError> {
        let mut failures = self.retry.backoff();
        let exhausted = Arc::new(AtomicU64::new(0));
        self.rules.bad.show(&out);
        let shown = exhausted.clone();
        out.count("connect_exhausted", move || shown.load(Ordering::Relaxed));
        loop {
            let begun = Instant::now();
            let (error, useful) = match self.connect().await {
                Err(error) => (error, false),
                Ok(connection) => {
                    let end = drain(connection, &mut out).await?;
                    if end.broken.is_none() && self.until_closed {
                        return Ok(());
                    }
                    let error = end.broken.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    // A quiet peer is a peer, unless it went as fast as it came.
                    (error, end.useful || begun.elapsed() >= self.retry.cap)
                }
            };
            // The first of a row is worth a warning: without one, a program that waits for its server says nothing.
            if !useful && failures.count() == 0 {
                tracing::warn!(address = self.address, %error, "no connection yet; it is tried again");
            } else {
                tracing::debug!(address = self.address, %error, "connecting again");
            }
            let delay = if useful {
                failures.reset();
                failures.delay()
            } else if is_exhausted(&error) {
                // No fault of the server's, and it passes: that this process has too much open ends no job.
                exhausted.fetch_add(1, Ordering::Relaxed);
                self.retry.cap
            } else {
                failures.add(&self.address, error)?
            };
            sleep(delay).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{connectors::lines::OnLongLine, contract::testing, time::millis};

    async fn server() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        (listener, address)
    }

    fn quick(address: String) -> Lines {
        lines(address).retry_after(millis(1), millis(2)).attempts(3)
    }

    #[tokio::test]
    async fn lines_come_as_soon_as_they_end_and_a_close_ends_the_last() {
        let (listener, address) = server().await;
        let mut running = testing::run(quick(address).until_closed());
        let (mut peer, _) = listener.accept().await.expect("it connects");
        peer.write_all(b"one\r\ntw").await.expect("open");
        assert_eq!(running.take(1).await, ["one"]);
        peer.write_all(b"o\nthree").await.expect("open");
        assert_eq!(running.take(1).await, ["two"]);
        drop(peer);
        let (rest, ended) = running.finish().await;
        assert_eq!(rest, ["three"]);
        ended.expect("a clean end");
    }

    #[tokio::test]
    async fn it_connects_again_after_a_close_and_after_a_break() {
        let (listener, address) = server().await;
        let mut running = testing::run(quick(address));
        for n in 0..20 {
            let (mut peer, _) = listener.accept().await.expect("it connects");
            peer.write_all(format!("{n}\nbroken off").as_bytes()).await.expect("open");
            assert_eq!(running.take(1).await, [n.to_string()]);
            if n % 2 == 0 {
                peer.set_zero_linger().expect("settable"); // the drop below is a reset
                drop(peer);
            } else {
                drop(peer);
                assert_eq!(running.take(1).await, ["broken off"]);
            }
        }
        running.task.abort();
    }

    #[tokio::test]
    async fn a_server_that_stays_away_is_an_error() {
        let (listener, address) = server().await;
        drop(listener);
        let error = testing::run(quick(address.clone())).finish().await.1.expect_err("nobody listens");
        assert_eq!(error.code(), "connector.unreachable");
        assert!(error.to_string().starts_with(&format!("{address}: gave up after 3 attempts")), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_only_hangs_up_is_an_error_too() {
        let (listener, address) = server().await;
        tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                drop(peer);
            }
        });
        let source = lines(address).retry_after(millis(1), Duration::from_secs(1)).attempts(3);
        assert_eq!(
            testing::run(source).finish().await.1.expect_err("no use").code(),
            "connector.unreachable"
        );
    }

    #[tokio::test]
    async fn a_silent_server_is_left() {
        let (listener, address) = server().await;
        let running = testing::run(quick(address).attempts(u32::MAX).idle_timeout(millis(5)));
        let (mut silent, _) = listener.accept().await.expect("it connects");
        assert_eq!(silent.read(&mut [0]).await.expect("closed by the source"), 0);
        listener.accept().await.expect("it connects again");
        running.task.abort();
    }

    #[tokio::test]
    async fn a_bad_line_is_an_error_if_it_shall_be() {
        let (listener, address) = server().await;
        let source = quick(address).max_line(3).on_long_line(OnLongLine::Fail);
        let bad = source.bad_lines();
        let running = testing::run(source);
        let (mut peer, _) = listener.accept().await.expect("it connects");
        peer.write_all(b"abc\nabcd\n").await.expect("open");
        let (records, ended) = running.finish().await;
        assert_eq!(records, ["abc"]);
        assert_eq!(ended.expect_err("must fail").code(), "connector.line_too_long");
        assert_eq!(bad.too_long(), 1);
    }
}
