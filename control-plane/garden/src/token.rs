//! Tasks: what is asked of a visitor, in a token that the box need not remember.
//!
//! A token is 49 bytes in hexadecimal digits: when it was issued (ms of the process, 8), the work (bits, 1), a nonce (8), and the
//! HMAC-SHA-256 of these and of the source that it was issued to (RFC 2104). The key is as old as the process.

use std::time::{Duration, Instant};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use aws_lc_rs::rand::{SecureRandom, SystemRandom, generate};
use repute_access::hex;
use repute_model::Source;

use crate::Refusal;

/// What nothing else is signed with.
const PURPOSE: &[u8] = b"repute walled garden task 1";
/// Bytes before the tag.
const CLAIM: usize = 17;
/// Bytes of the tag.
const TAG: usize = 32;
const TOKEN: usize = CLAIM + TAG;

/// Tells tokens of the same moment apart.
pub type Nonce = [u8; 8];

/// A task that was issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Task {
    pub issued: Instant,
    pub work: u8,
    pub nonce: Nonce,
}

/// Issues tokens and knows its own.
pub struct Mint {
    key: Key,
    random: SystemRandom,
    begin: Instant,
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mint").field("begin", &self.begin).finish_non_exhaustive()
    }
}

impl Mint {
    /// With a key of its own. Fails where the system has no randomness.
    pub fn new(begin: Instant) -> Result<Self, Unspecified> {
        let random = SystemRandom::new();
        let secret: [u8; 32] = generate(&random)?.expose();
        Ok(Self { key: Key::new(HMAC_SHA256, &secret), random, begin })
    }

    /// Eight bytes that nobody can guess.
    pub fn nonce(&self) -> Result<Nonce, Unspecified> {
        let mut nonce = Nonce::default();
        self.random.fill(&mut nonce)?;
        Ok(nonce)
    }

    /// A token for this source.
    pub fn issue(&self, source: Source, work: u8, now: Instant) -> Result<String, Unspecified> {
        let age = now.saturating_duration_since(self.begin).as_millis() as u64;
        let mut token = [0; TOKEN];
        token[..8].copy_from_slice(&age.to_be_bytes());
        token[8] = work;
        token[9..CLAIM].copy_from_slice(&self.nonce()?);
        let tag = sign(&self.key, &signed(source, &token[..CLAIM]));
        token[CLAIM..].copy_from_slice(tag.as_ref());
        Ok(hex::encode(&token))
    }

    /// The task of a token, where it was issued to this source by this process and is not older than `life`.
    pub fn read(&self, token: &str, source: Source, life: Duration, now: Instant) -> Result<Task, Refusal> {
        let bytes = hex::decode::<TOKEN>(token).ok_or(Refusal::Malformed)?;
        let (claim, tag) = bytes.split_at(CLAIM);
        verify(&self.key, &signed(source, claim), tag).map_err(|Unspecified| Refusal::Forged)?;
        let (age, rest) = claim.split_first_chunk::<8>().ok_or(Refusal::Malformed)?;
        let (work, nonce) = rest.split_first().ok_or(Refusal::Malformed)?;
        let issued = self.begin + Duration::from_millis(u64::from_be_bytes(*age));
        if now.saturating_duration_since(issued) > life {
            return Err(Refusal::Expired);
        }
        Ok(Task { issued, work: *work, nonce: nonce.try_into().map_err(|_| Refusal::Malformed)? })
    }
}

/// What is signed: everything has a fixed length, so that no two claims are the same bytes.
fn signed(source: Source, claim: &[u8]) -> Vec<u8> {
    let mut message = PURPOSE.to_vec();
    message.extend(source.first().0.to_be_bytes());
    message.push(source.len128());
    message.extend(claim);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(300);

    fn source(text: &str) -> Source {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_source_and_its_time_only() {
        let begin = Instant::now();
        let mint = Mint::new(begin).unwrap();
        let (mine, now) = (source("192.0.2.7"), begin + Duration::from_secs(9));
        let token = mint.issue(mine, 20, now).unwrap();
        let task = mint.read(&token, mine, LIFE, now + LIFE).unwrap();
        assert_eq!((task.issued, task.work), (now, 20));
        let late = now + LIFE + Duration::from_millis(1);
        assert_eq!(mint.read(&token, mine, LIFE, late), Err(Refusal::Expired));
        for other in ["192.0.2.8", "192.0.2.0/24", "::c000:207"] {
            assert_eq!(mint.read(&token, source(other), LIFE, now), Err(Refusal::Forged), "{other}");
        }
        let after_restart = Mint::new(begin).unwrap();
        assert_eq!(after_restart.read(&token, mine, LIFE, now), Err(Refusal::Forged));
        assert_ne!(mint.issue(mine, 20, now).unwrap(), token, "every task is another one");
    }

    #[test]
    fn every_bit_of_a_token_counts() {
        let begin = Instant::now();
        let mint = Mint::new(begin).unwrap();
        let mine = source("2001:db8::/64");
        let token = hex::decode::<TOKEN>(&mint.issue(mine, 20, begin).unwrap()).unwrap();
        for bit in 0..TOKEN * 8 {
            let mut turned = token;
            turned[bit / 8] ^= 1 << (bit % 8);
            let read = mint.read(&hex::encode(&turned), mine, LIFE, begin);
            assert_eq!(read, Err(Refusal::Forged), "bit {bit}");
        }
        let text = hex::encode(&token);
        for wrong in ["", "00", &text[2..], &text.to_uppercase(), &format!("{text}00")] {
            assert_eq!(mint.read(wrong, mine, LIFE, begin), Err(Refusal::Malformed), "{wrong}");
        }
    }
}
