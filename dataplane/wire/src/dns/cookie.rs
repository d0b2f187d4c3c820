//! DNS cookies (RFC 7873) as servers that share a secret make them (RFC 9018).
//!
//! Cookies are read by `edns`; the DNS stages judge and make them. Always holds: time is passed in, in seconds
//! since 1970 modulo 2^32, and compared by serial arithmetic (RFC 1982), so that 2106 is no special year.

use std::fmt;
use std::hash::Hasher;

use repute_model::Address;
use siphasher::sip::SipHasher24;

use super::Malformed;

/// A COOKIE option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cookie<'a> {
    /// What the client made up.
    pub client: [u8; 8],
    /// What the server once gave it: empty, or 8 to 32 bytes.
    pub server: &'a [u8],
}

/// The secrets that server cookies are made with.
#[derive(Clone, Copy)]
pub struct CookieSecrets {
    /// New cookies are made with this one.
    pub current: [u8; 16],
    /// Cookies made with this one still count; for the time of a rollover (RFC 9018, 5).
    pub previous: Option<[u8; 16]>,
}

/// What a cookie proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CookieStanding {
    /// Nothing: the client has no server cookie yet.
    None,
    /// Nothing: it was not made here, not for this client, or too long ago.
    Bad,
    /// The client has received an answer at this address, but should be given a fresh cookie.
    Ageing,
    /// The client has received an answer at this address.
    Good,
}

const VERSION: u8 = 1;
/// Bytes of a server cookie of version 1.
pub(crate) const SERVER_LEN: usize = 16;
const VALID_S: u32 = 3600;
const FUTURE_S: u32 = 300;
const FRESH_S: u32 = 1800;

impl<'a> Cookie<'a> {
    /// Reads the data of the option.
    pub(crate) fn read(data: &'a [u8]) -> Result<Self, Malformed> {
        match data.split_first_chunk() {
            Some((&client, server)) if server.is_empty() || (8..=32).contains(&server.len()) => {
                Ok(Self { client, server })
            }
            _ => Err(Malformed::CookieLength),
        }
    }
}

impl CookieSecrets {
    /// A fresh server cookie for a client at `address` at the time `now_s`.
    pub fn make(&self, client: [u8; 8], address: Address, now_s: u32) -> [u8; SERVER_LEN] {
        let [a, b, c, d] = now_s.to_be_bytes();
        let head = [VERSION, 0, 0, 0, a, b, c, d];
        let mut cookie = [0; SERVER_LEN];
        cookie[..8].copy_from_slice(&head);
        cookie[8..].copy_from_slice(&hash(&self.current, client, head, address));
        cookie
    }

    /// What `cookie` proves of a client at `address` at the time `now_s`.
    pub fn judge(&self, cookie: &Cookie<'_>, address: Address, now_s: u32) -> CookieStanding {
        if cookie.server.is_empty() {
            return CookieStanding::None;
        }
        let Ok(&server) = <&[u8; SERVER_LEN]>::try_from(cookie.server) else { return CookieStanding::Bad };
        let [version, r0, r1, r2, a, b, c, d, rest @ ..] = server;
        // Above the serial number space's half lies the future.
        let age = now_s.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
        let timely = age <= VALID_S || age.wrapping_neg() <= FUTURE_S;
        if version != VERSION || !timely {
            return CookieStanding::Bad;
        }
        // What the reserved bytes hold is part of the hash, not of the judgement (RFC 9018, 4.2).
        let head = [version, r0, r1, r2, a, b, c, d];
        let made_with = |secret: &[u8; 16]| hash(secret, cookie.client, head, address) == rest;
        let is_old = age > FRESH_S && age <= VALID_S;
        if made_with(&self.current) {
            return if is_old { CookieStanding::Ageing } else { CookieStanding::Good };
        }
        if self.previous.as_ref().is_some_and(made_with) {
            CookieStanding::Ageing
        } else {
            CookieStanding::Bad
        }
    }
}

/// SipHash-2-4 over client cookie, the first half of the server cookie and the client's address (RFC 9018, 4.4).
fn hash(secret: &[u8; 16], client: [u8; 8], head: [u8; 8], address: Address) -> [u8; 8] {
    let mut input = [0; 32];
    input[..8].copy_from_slice(&client);
    input[8..16].copy_from_slice(&head);
    let len = if address.is_v4() {
        input[16..20].copy_from_slice(&(address.0 as u32).to_be_bytes());
        20
    } else {
        input[16..].copy_from_slice(&address.0.to_be_bytes());
        32
    };
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(&input[..len]);
    hasher.finish().to_le_bytes()
}

/// Keeps the secrets to itself.
impl fmt::Debug for CookieSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSecrets").field("rolls_over", &self.previous.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: CookieSecrets = CookieSecrets { current: [7; 16], previous: None };
    const CLIENT: [u8; 8] = *b"a client";

    fn address(text: &str) -> Address {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    /// How a cookie made at `made` stands at `now`.
    fn standing(made: u32, now: u32) -> CookieStanding {
        let at = address("192.0.2.1");
        let server = SECRETS.make(CLIENT, at, made);
        SECRETS.judge(&Cookie { client: CLIENT, server: &server }, at, now)
    }

    #[test]
    fn lengths() {
        for len in 0..=48 {
            let bytes = vec![1; len];
            let read = Cookie::read(&bytes);
            let fits = len == 8 || (16..=40).contains(&len);
            assert_eq!(read.is_ok(), fits, "{len}");
            assert!(read.is_ok_and(|cookie| cookie.server.len() == len - 8) || !fits);
        }
    }

    #[test]
    fn time_goes_round() {
        for made in [0, 1_559_731_985, u32::MAX - 100, 3000] {
            let at = |after: u32| standing(made, made.wrapping_add(after));
            assert_eq!(at(0), CookieStanding::Good);
            assert_eq!(at(1800), CookieStanding::Good);
            assert_eq!(at(1801), CookieStanding::Ageing);
            assert_eq!(at(3600), CookieStanding::Ageing);
            assert_eq!(at(3601), CookieStanding::Bad);
            assert_eq!(at(300_u32.wrapping_neg()), CookieStanding::Good);
            assert_eq!(at(301_u32.wrapping_neg()), CookieStanding::Bad);
            assert_eq!(at(1 << 31), CookieStanding::Bad);
        }
    }

    #[test]
    fn anything_else_proves_nothing() {
        let (v4, v6) = (address("192.0.2.1"), address("2001:db8::1"));
        let server = SECRETS.make(CLIENT, v4, 100);
        let judge = |client, server: &[u8], at| SECRETS.judge(&Cookie { client, server }, at, 100);
        assert_eq!(judge(CLIENT, &server, v4), CookieStanding::Good);
        assert_eq!(judge(CLIENT, &[], v4), CookieStanding::None);
        assert_eq!(judge(CLIENT, &server, v6), CookieStanding::Bad);
        assert_eq!(judge(*b"A client", &server, v4), CookieStanding::Bad);
        for bit in 0..128 {
            let mut turned = server;
            turned[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(judge(CLIENT, &turned, v4), CookieStanding::Bad, "{bit}");
        }
        for len in 8..=32 {
            let other = [&server[..], &[0; 16]].concat();
            assert_eq!(judge(CLIENT, &other[..len], v4) == CookieStanding::Good, len == 16);
        }
    }

    #[test]
    fn a_rollover() {
        let next = CookieSecrets { current: [8; 16], previous: Some([7; 16]) };
        let at = address("2001:db8::1");
        let server = SECRETS.make(CLIENT, at, 100);
        let cookie = Cookie { client: CLIENT, server: &server };
        assert_eq!(next.judge(&cookie, at, 100), CookieStanding::Ageing);
        assert_eq!(CookieSecrets { previous: None, ..next }.judge(&cookie, at, 100), CookieStanding::Bad);
        assert!(!format!("{next:?}").contains('7'), "secrets are not shown");
    }
}
