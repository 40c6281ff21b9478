//! The secret of a cluster, and how two processes prove to each other that they have it.
//!
//! ```text
//!   who connects                          who listens
//!   Greeting { nonce a } ------------->
//!            <------------- Challenge { nonce b, proof of (listener, a, b) }
//!   Hello { .., proof of (caller, a, b, hello) } ->
//! ```
//!
//! A proof is HMAC-SHA-256 under the secret. Both nonces are in it, so that none can be used twice, and the side, so that
//! none can be sent back. Who listens proves itself first to whoever asks; what it computes then is of no use elsewhere. Of
//! a cluster on loopback addresses without a secret the key is empty, and a proof shows no more than the protocol.

use std::{fmt, sync::Arc};

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What all processes of a cluster know and nobody else. It is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Secret(Option<Arc<[u8]>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "given" } else { "none" })
    }
}

/// Which side proves something.
#[derive(Clone, Copy, Debug)]
pub(super) enum HandshakeSide {
    Caller,
    Listener,
}

/// Random numbers of both sides.
#[derive(Clone, Debug)]
pub(super) struct Nonces {
    pub(super) caller: String,
    pub(super) listener: String,
}

/// A number that comes once.
pub(super) fn nonce() -> String {
    hex(&rand::random::<[u8; 32]>())
}

impl Secret {
    pub(super) fn new(secret: &[u8]) -> Self {
        Secret(Some(secret.into()))
    }

    pub(super) fn is_given(&self) -> bool {
        self.0.as_ref().is_some_and(|secret| !secret.is_empty())
    }

    /// Shows that this process has it; `words` are what it says beside that.
    pub(super) fn prove(&self, side: HandshakeSide, nonces: &Nonces, words: &str) -> String {
        hex(&self.mac(side, nonces, words).finalize().into_bytes())
    }

    /// Whether a proof is right, in a time that does not depend on where it is wrong.
    pub(super) fn is_proven(&self, side: HandshakeSide, nonces: &Nonces, words: &str, proof: &str) -> bool {
        let proof = unhex(proof).unwrap_or_default();
        self.mac(side, nonces, words).verify_slice(&proof).is_ok()
    }

    fn mac(&self, side: HandshakeSide, nonces: &Nonces, words: &str) -> Hmac<Sha256> {
        let key = self.0.as_deref().unwrap_or_default();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
        let side = match side {
            HandshakeSide::Caller => "caller",
            HandshakeSide::Listener => "listener",
        };
        for part in ["streaming-cluster", side, &nonces.caller, &nonces.listener, words] {
            // With its length, so that no two lists of parts are the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
        .filter(|_| digits.len().is_multiple_of(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_secret_side_and_conversation() {
        let nonces = Nonces { caller: nonce(), listener: nonce() };
        let secret = Secret::new(b"a secret");
        let proof = secret.prove(HandshakeSide::Caller, &nonces, "hello");
        assert!(secret.is_proven(HandshakeSide::Caller, &nonces, "hello", &proof));
        assert!(!secret.is_proven(HandshakeSide::Listener, &nonces, "hello", &proof));
        assert!(!secret.is_proven(HandshakeSide::Caller, &nonces, "hallo", &proof));
        assert!(!Secret::new(b"another").is_proven(HandshakeSide::Caller, &nonces, "hello", &proof));
        assert!(!Secret::default().is_proven(HandshakeSide::Caller, &nonces, "hello", &proof));
        let again = Nonces { caller: nonces.caller.clone(), listener: nonce() };
        assert!(!secret.is_proven(HandshakeSide::Caller, &again, "hello", &proof));
        for junk in ["", "0", "zz", "é", &proof[..62], &format!("{proof}00")] {
            assert!(!secret.is_proven(HandshakeSide::Caller, &nonces, "hello", junk), "{junk}");
        }
        assert_eq!(format!("{secret:?}"), "given");
    }
}
