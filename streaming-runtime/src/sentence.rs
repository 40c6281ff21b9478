//! How errors look to whoever reads them: `main() -> Result` prints an error by its `Debug`.

use std::{error::Error, fmt};

/// Writes an error as its sentence. A cause that the sentence does not quote follows on a line of its own.
pub(crate) fn with_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut said = error.to_string();
    f.write_str(&said)?;
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            write!(f, "\n  caused by: {text}")?;
            said = text;
        }
        cause = error.source();
    }
    Ok(())
}

/// Gives error types a `Debug` that is their sentence with its causes.
macro_rules! debug_as_sentence {
    ($($error:ty),+ $(,)?) => {$(
        /// The sentence, and the causes that it does not quote, one a line: what `main() -> Result` prints.
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::sentence::with_causes(self, f)
            }
        }
    )+};
}
pub(crate) use debug_as_sentence;

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use crate::{contract::error::ConnectorError, error::JobError};

    #[derive(thiserror::Error)]
    #[error("the order is refused")]
    struct Refused(#[source] io::Error);
    debug_as_sentence!(Refused);

    #[test]
    fn what_a_sentence_quotes_is_not_said_again() {
        let source = ConnectorError::Unreachable {
            what: "127.0.0.1:9999".to_owned(),
            attempts: 10,
            source: Arc::new(io::Error::other("nobody listens")),
        };
        let error = JobError::Source { port: "lines", source };
        let want =
            "source `lines`: 127.0.0.1:9999: gave up after 10 attempts, the last failed with: nobody listens";
        assert_eq!(format!("{error:?}"), want);
        assert_eq!(format!("{error:#?}"), want);
    }

    #[test]
    fn a_cause_that_is_not_quoted_has_a_line() {
        let error = Refused(io::Error::other("no stock"));
        assert_eq!(format!("{error:?}"), "the order is refused\n  caused by: no stock");
    }
}
