//! Application data that looks like what it claims to be: HTTP, TLS records, DNS messages, QUIC, NTP.
//!
//! First octets are those of the protocol so that signatures and parsers have something true to look at; the
//! rest is noise so that no two packets are equal.

use crate::rng::Rng;

const WORDS: [&str; 16] = [
    "index", "login", "cart", "search", "news", "style", "app", "logo", "api", "user", "video", "photo",
    "item", "blog", "help", "feed",
];

/// Which side of an exchange speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The client asks.
    Request,
    /// The server answers.
    Response,
}

/// One message of about `size` octets of HTTP/1.1 in the clear.
pub fn http(turn: Turn, size: usize, rng: &mut Rng) -> Vec<u8> {
    let head = match turn {
        Turn::Request => format!(
            "GET /{}/{}?id={:x} HTTP/1.1\r\nHost: www.example.net\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nCookie: s=",
            rng.pick(&WORDS),
            rng.pick(&WORDS),
            rng.word()
        ),
        Turn::Response => {
            format!(
                "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: {size}\r\n\r\n"
            )
        }
    };
    let mut message = head.into_bytes();
    let tail: &[u8] = if turn == Turn::Request { b"\r\n\r\n" } else { b"" };
    let filler = size.saturating_sub(message.len() + tail.len());
    message.extend(rng.bytes(filler).iter().map(|byte| b'a' + byte % 26));
    message.extend_from_slice(tail);
    message
}

/// A TLS 1.2/1.3 record (RFC 8446 §5.1) of this content type around random octets.
pub fn tls(content_type: u8, size: usize, rng: &mut Rng) -> Vec<u8> {
    const RECORD_MAX: usize = 16_384;
    let mut bytes = Vec::with_capacity(size + 16);
    while bytes.len() < size {
        let body = (size - bytes.len()).clamp(1, RECORD_MAX);
        bytes.extend_from_slice(&[content_type, 3, 3]);
        bytes.extend_from_slice(&(body as u16).to_be_bytes());
        bytes.extend_from_slice(&rng.bytes(body));
    }
    bytes
}

/// A TLS handshake flight: the record's first octet says handshake, its body starts as ClientHello or ServerHello.
pub fn tls_hello(turn: Turn, size: usize, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = tls(0x16, size, rng);
    bytes[5] = if turn == Turn::Request { 1 } else { 2 };
    bytes
}

/// A query name below example.net.
pub fn dns_name(rng: &mut Rng) -> String {
    format!("{}{}.{}.example.net", rng.pick(&WORDS), rng.between(0, 999), rng.pick(&WORDS))
}

/// A DNS query (RFC 1035 §4) with EDNS0 (RFC 6891).
pub fn dns_query(id: u16, name: &str, qtype: u16) -> Vec<u8> {
    let mut bytes = dns_head(id, 0x0100, [1, 0, 1], name, qtype);
    bytes.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A DNS answer with this response code and, when it is 0, so many A records.
pub fn dns_answer(id: u16, name: &str, qtype: u16, rcode: u8, records: u16, rng: &mut Rng) -> Vec<u8> {
    let records = if rcode == 0 { records } else { 0 };
    let mut bytes = dns_head(id, 0x8580 | u16::from(rcode), [1, records, 0], name, qtype);
    for _ in 0..records {
        bytes.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        bytes.extend_from_slice(&rng.bytes(4));
    }
    bytes
}

fn dns_head(id: u16, flags: u16, counts: [u16; 3], name: &str, qtype: u16) -> Vec<u8> {
    let [questions, answers, additional] = counts;
    let mut bytes: Vec<u8> =
        [id, flags, questions, answers, 0, additional].iter().flat_map(|field| field.to_be_bytes()).collect();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend_from_slice(&qtype.to_be_bytes());
    bytes.extend_from_slice(&[0, 1]);
    bytes
}

/// An NTP packet (RFC 5905 §7.3): mode 3 asks, mode 4 answers.
pub fn ntp(mode: u8, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0x20 | mode, 2, 6, 0xec];
    bytes.extend_from_slice(&rng.bytes(44));
    bytes
}

/// A QUIC packet (RFC 9000 §17): an Initial with its long header, short headers afterwards. `size` is at least 32.
pub fn quic(initial: bool, connection: u64, size: usize, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = if initial { vec![0xc3, 0, 0, 0, 1, 8] } else { vec![0x43] };
    bytes.extend_from_slice(&connection.to_be_bytes());
    if initial {
        // No source connection ID, no token; the length covers the rest as a two-octet variable integer.
        let length = 0x4000 | size.saturating_sub(bytes.len() + 4) as u16;
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&length.to_be_bytes());
    }
    let rest = size.saturating_sub(bytes.len());
    bytes.extend_from_slice(&rng.bytes(rest));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_size_asked_for() {
        let mut rng = Rng::new(1, 1);
        assert_eq!(http(Turn::Request, 400, &mut rng).len(), 400);
        assert_eq!(http(Turn::Response, 3000, &mut rng).len(), 3000);
        assert_eq!(quic(true, 9, 1200, &mut rng).len(), 1200);
        assert_eq!(ntp(3, &mut rng).len(), 48);
    }

    #[test]
    fn tls_records_add_up() {
        let mut rng = Rng::new(1, 2);
        let bytes = tls(0x17, 40_000, &mut rng);
        let mut at = 0;
        while at < bytes.len() {
            assert_eq!(bytes[at..at + 3], [0x17, 3, 3]);
            at += 5 + usize::from(u16::from_be_bytes([bytes[at + 3], bytes[at + 4]]));
        }
        assert_eq!(at, bytes.len());
    }

    #[test]
    fn dns_names_are_labels() {
        let query = dns_query(0x1234, "a.bc", 1);
        assert_eq!(query[..2], [0x12, 0x34]);
        assert_eq!(query[12..22], [1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
    }
}
