//! Checks what is sent to the box under a shared secret, and refuses what was sent before.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::signature::{Secret, unhex};

/// How far a message's time may be from ours.
const WINDOW: Duration = Duration::from_secs(300);
/// Nonces remembered at most: 27 messages a second for as long as they are valid.
const NONCES_MAX: usize = 16_384;

/// Verifies signed messages, each once.
#[derive(Debug)]
pub struct Verifier {
    secret: Secret,
    seen: HashSet<String>,
    /// Nonces in the order they came, each with the time from which its message is too old anyway.
    order: VecDeque<(SystemTime, String)>,
}

/// Why a message is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VerifyError {
    /// The header is not of the form that `signature` describes.
    #[error("the signature header is malformed; expected t=…,n=…,v1=…")]
    Malformed,
    /// Signed too long ago or too far ahead.
    #[error("signed {0} s away from now; at most 300 s are allowed: check the clocks, or sign again")]
    Time(u64),
    /// The signature is not that of this body under this secret.
    #[error("the signature does not belong to this body and secret")]
    Signature,
    /// It was here before.
    #[error("this message was received before; sign anew for every try")]
    Replayed,
    /// No more nonces can be remembered; accepting without remembering would allow replays.
    #[error("more than {NONCES_MAX} messages within 10 minutes; try again later")]
    Busy,
}

impl Verifier {
    /// Verifies under `secret`.
    pub fn new(secret: Secret) -> Self {
        Self { secret, seen: HashSet::new(), order: VecDeque::new() }
    }

    /// Accepts a message whose signature header and body are these, once.
    ///
    /// # Errors
    /// It is malformed, not from now, not signed under the secret, or was here before.
    pub fn verify(&mut self, header: &str, body: &[u8], now: SystemTime) -> Result<(), VerifyError> {
        let (t, n, tag) = parts(header).ok_or(VerifyError::Malformed)?;
        let at = t.parse().ok().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let at = at.ok_or(VerifyError::Malformed)?;
        let away = now.duration_since(at).unwrap_or_else(|ahead| ahead.duration());
        if away > WINDOW {
            return Err(VerifyError::Time(away.as_secs()));
        }
        // First the signature: strangers shall not fill the memory.
        if !self.secret.is_signature(t, n, body, &tag) {
            return Err(VerifyError::Signature);
        }
        self.remember(n, at, now)
    }

    fn remember(&mut self, nonce: &str, at: SystemTime, now: SystemTime) -> Result<(), VerifyError> {
        while self.order.front().is_some_and(|(until, _)| *until < now) {
            if let Some((_, old)) = self.order.pop_front() {
                self.seen.remove(&old);
            }
        }
        if self.seen.contains(nonce) {
            return Err(VerifyError::Replayed);
        }
        if self.order.len() >= NONCES_MAX {
            return Err(VerifyError::Busy);
        }
        // At least as long as the message is valid; the front may wait for a later one behind it.
        let until = at.max(now) + WINDOW;
        self.seen.insert(nonce.to_owned());
        self.order.push_back((until, nonce.to_owned()));
        Ok(())
    }
}

/// Time, nonce and tag of a header.
fn parts(header: &str) -> Option<(&str, &str, Vec<u8>)> {
    let mut fields = header.trim().split(',');
    let mut field = |key: &str| fields.next()?.trim().strip_prefix(key);
    let (t, n, tag) = (field("t=")?, field("n=")?, field("v1=")?);
    let is_nonce = (16..=64).contains(&n.len()) && n.bytes().all(|byte| byte.is_ascii_hexdigit());
    let tag = unhex(tag)?;
    is_nonce.then_some((t, n, tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::sign;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn secret() -> Secret {
        Secret::new(b"0123456789abcdef").unwrap()
    }

    #[test]
    fn a_message_is_accepted_once() {
        let mut verifier = Verifier::new(secret());
        let header = sign(&secret(), at(0), [1; 16], b"body");
        assert_eq!(verifier.verify(&header, b"body", at(10)), Ok(()));
        for later in [10, 200, 300] {
            assert_eq!(verifier.verify(&header, b"body", at(later)), Err(VerifyError::Replayed), "{later}");
        }
        assert_eq!(verifier.verify(&header, b"body", at(301)), Err(VerifyError::Time(301)));
        let ahead = sign(&secret(), at(299), [2; 16], b"body");
        assert_eq!(verifier.verify(&ahead, b"body", at(0)), Ok(()));
        assert_eq!(verifier.verify(&ahead, b"body", at(599)), Err(VerifyError::Replayed));
    }

    #[test]
    fn forgeries_are_refused_and_leave_no_trace() {
        let mut verifier = Verifier::new(secret());
        let header = sign(&secret(), at(0), [1; 16], b"body");
        let other = Secret::new(b"another secret..").unwrap();
        for (header, body, error) in [
            (header.clone(), &b"other"[..], VerifyError::Signature),
            (sign(&other, at(0), [1; 16], b"body"), b"body", VerifyError::Signature),
            (header.replace("t=17", "t=18"), b"body", VerifyError::Time(100_000_000)),
            (header.replace("t=1700000000", "t=1700000001"), b"body", VerifyError::Signature),
            (header.replace("n=01", "n=02"), b"body", VerifyError::Signature),
            (header.replace("n=01", "n=g1"), b"body", VerifyError::Malformed),
            (header.replace("v1=", "v0="), b"body", VerifyError::Malformed),
            (String::new(), b"body", VerifyError::Malformed),
            (format!("t=99999999999999999999,{header}"), b"body", VerifyError::Malformed),
        ] {
            assert_eq!(verifier.verify(&header, body, at(0)), Err(error), "{header}");
        }
        assert_eq!(verifier.verify(&header, b"body", at(0)), Ok(()));
    }

    #[test]
    fn the_memory_is_bounded_and_empties() {
        let mut verifier = Verifier::new(secret());
        let mut hit = |n: u128, now| {
            let header = sign(&secret(), now, n.to_be_bytes(), b"");
            verifier.verify(&header, b"", now)
        };
        for n in 0..NONCES_MAX as u128 {
            assert_eq!(hit(n, at(0)), Ok(()));
        }
        assert_eq!(hit(u128::MAX, at(300)), Err(VerifyError::Busy));
        assert_eq!(hit(u128::MAX, at(301)), Ok(()));
    }
}
