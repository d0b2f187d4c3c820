//! Whether the first bytes of a conversation are what its port promises.
//!
//! Called by the engine for sources that are inspected. Always holds: what is too short to tell keeps every promise; no
//! more is read than tells one protocol from another.

use repute_model::Promise;

use crate::dns::{Message, Query};
use crate::{tcp, udp};

/// Whether `payload`, the first that a client sends, keeps a promise. A datagram is whole; a segment may be the beginning
/// of something longer.
pub fn keeps(promise: Promise, protocol: u8, payload: &[u8]) -> bool {
    match promise {
        Promise::Tls => is_client_hello(payload),
        Promise::Http => is_request_line(payload),
        Promise::Ssh => begins_alike(payload, b"SSH-"),
        Promise::Dns if protocol == udp::PROTOCOL => Query::read(payload).is_ok(),
        Promise::Dns => is_query_in_a_stream(payload),
    }
}

/// Whether a datagram is a standard DNS query that asks one question, to the last byte.
pub fn is_dns_query(payload: &[u8]) -> bool {
    Query::read(payload).is_ok_and(|query| query.is_standard())
}

/// Flags that no host sets together, as far as one segment tells: none at all, or a beginning that is an end.
pub const fn is_impossible(flags: u16) -> bool {
    let known = flags & (tcp::FIN | tcp::SYN | tcp::RST | tcp::ACK);
    let begins_and_ends = known & tcp::SYN != 0 && known & (tcp::FIN | tcp::RST) != 0;
    known == 0 || known == tcp::FIN || begins_and_ends || known & (tcp::FIN | tcp::RST) == tcp::FIN | tcp::RST
}

fn begins_alike(payload: &[u8], with: &[u8]) -> bool {
    payload.iter().zip(with).all(|(a, b)| a == b)
}

/// A record with a handshake message that is a ClientHello (RFC 8446, 4 and 5.1); all versions of TLS write it alike.
fn is_client_hello(payload: &[u8]) -> bool {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    const RECORD_MAX: u16 = (1 << 14) + 256;
    let is = |at: usize, fits: fn(u8) -> bool| payload.get(at).is_none_or(|&byte| fits(byte));
    let len = payload.get(3..5).and_then(|len| len.try_into().ok()).map(u16::from_be_bytes);
    is(0, |kind| kind == HANDSHAKE)
        && is(1, |major| major == 3)
        && is(2, |minor| minor <= 4)
        && len.is_none_or(|len| (4..=RECORD_MAX).contains(&len))
        && is(5, |kind| kind == CLIENT_HELLO)
}

/// A method, which is a token of capital letters here, and a space (RFC 9110, 9.1); the preface of HTTP/2 is one as well.
fn is_request_line(payload: &[u8]) -> bool {
    const METHOD_MAX: usize = 20;
    let method = payload.iter().take_while(|&&byte| byte.is_ascii_uppercase() || byte == b'-').count();
    let ends = payload.get(method);
    method <= METHOD_MAX && if method == 0 { ends.is_none() } else { ends.is_none_or(|&byte| byte == b' ') }
}

/// A length and a header that asks (RFC 1035, 4.2.2).
fn is_query_in_a_stream(payload: &[u8]) -> bool {
    let Some(message) = payload.get(2..) else { return true };
    Message::new(message).map_or(true, |message| {
        let header = message.header();
        !header.is_response() && header.questions.get() == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";

    #[test]
    fn protocols_are_told_apart_by_their_first_bytes() {
        let hello = [22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        let stream = [&[0, QUERY.len() as u8], QUERY].concat();
        let samples: [(&[u8], Promise, u8); 6] = [
            (&hello, Promise::Tls, 6),
            (b"GET / HTTP/1.1\r\n", Promise::Http, 6),
            (b"PRI * HTTP/2.0\r\n", Promise::Http, 6),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Promise::Ssh, 6),
            (QUERY, Promise::Dns, 17),
            (&stream, Promise::Dns, 6),
        ];
        for (payload, kept, protocol) in samples {
            for &promise in Promise::ALL {
                // A query in a stream may begin with almost anything.
                let sure = promise != Promise::Dns || protocol == 17;
                assert!(
                    !sure || keeps(promise, protocol, payload) == (promise == kept),
                    "{promise} {payload:?}"
                );
            }
            assert!(
                (0..payload.len().min(4)).all(|cut| kept == Promise::Dns || keeps(kept, 6, &payload[..cut]))
            );
        }
    }

    #[test]
    fn what_is_no_query_is_none() {
        assert!(is_dns_query(QUERY));
        let mut response = QUERY.to_vec();
        response[2] |= 0x80;
        for payload in [&response[..], &QUERY[..20], b"", b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
            assert!(!is_dns_query(payload));
        }
        let answer = [&[0, response.len() as u8], &response[..]].concat();
        assert!(!keeps(Promise::Dns, 6, &answer));
    }

    #[test]
    fn impossible_flags() {
        use tcp::{ACK, FIN, PSH, RST, SYN, URG};
        for flags in [0, FIN, FIN | PSH | URG, SYN | FIN, SYN | RST, FIN | RST, SYN | FIN | ACK] {
            assert!(is_impossible(flags), "{flags:#x}");
        }
        for flags in [SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, PSH | ACK, ACK | URG] {
            assert!(!is_impossible(flags), "{flags:#x}");
        }
    }
}
