//! From a copied message to a record of dnstap.

use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message as _;
use repute_model::{Address, Leg, Tapped};
use repute_proto::dnstap::{Dnstap, Message, SocketFamily, SocketProtocol, dnstap, message};

/// What the server behind the box is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// A resolver: messages are CLIENT_QUERY and CLIENT_RESPONSE.
    Resolver,
    /// An authoritative server: AUTH_QUERY and AUTH_RESPONSE.
    Authoritative,
}

/// Who says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// The name of the box.
    pub identity: Vec<u8>,
    /// Program and version.
    pub version: Vec<u8>,
    /// What the server is.
    pub role: Role,
}

impl Sender {
    /// A message that was seen at `time`, as bytes of protobuf.
    pub fn record(&self, tapped: &Tapped, time: SystemTime) -> Vec<u8> {
        let record = Dnstap {
            identity: Some(self.identity.clone()),
            version: Some(self.version.clone()),
            r#type: dnstap::Type::Message.into(),
            message: Some(self.message(tapped, time)),
        };
        record.encode_to_vec()
    }

    fn message(&self, tapped: &Tapped, time: SystemTime) -> Message {
        let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = (Some(time.as_secs()), Some(time.subsec_nanos()));
        let Leg { requester, server, answers, by_tcp } = tapped.leg;
        let [(requester, query_port), (server, response_port)] = [requester, server];
        let family = if requester.is_v4() { SocketFamily::Inet } else { SocketFamily::Inet6 };
        let protocol = if by_tcp { SocketProtocol::Tcp } else { SocketProtocol::Udp };
        let mut message = Message {
            r#type: self.kind(answers).into(),
            socket_family: Some(family.into()),
            socket_protocol: Some(protocol.into()),
            query_address: Some(bytes(requester)),
            response_address: Some(bytes(server)),
            query_port: Some(query_port.into()),
            response_port: Some(response_port.into()),
            ..Message::default()
        };
        let copy = Some(tapped.message().to_vec());
        if answers {
            (message.response_time_sec, message.response_time_nsec) = (seconds, nanoseconds);
            message.response_message = copy;
        } else {
            (message.query_time_sec, message.query_time_nsec) = (seconds, nanoseconds);
            message.query_message = copy;
        }
        message
    }

    const fn kind(&self, answers: bool) -> message::Type {
        match (self.role, answers) {
            (Role::Resolver, false) => message::Type::ClientQuery,
            (Role::Resolver, true) => message::Type::ClientResponse,
            (Role::Authoritative, false) => message::Type::AuthQuery,
            (Role::Authoritative, true) => message::Type::AuthResponse,
        }
    }
}

/// 4 or 16 bytes, in network order.
fn bytes(address: Address) -> Vec<u8> {
    match address.to_ip() {
        std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
        std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use repute_model::Tick;

    use super::*;

    /// A field as it stands on the wire.
    #[derive(Clone, PartialEq, Eq, Debug)]
    enum Field {
        Varint(u64),
        Fixed32(u32),
        Bytes(Vec<u8>),
    }

    /// A decoder of its own: every field once, by number (protobuf, encoding).
    fn decode(mut bytes: &[u8]) -> BTreeMap<u64, Field> {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let (mut value, mut shift) = (0, 0);
            loop {
                let (&byte, rest) = bytes.split_first().unwrap();
                *bytes = rest;
                value |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        }
        let mut fields = BTreeMap::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let field = match tag & 7 {
                0 => Field::Varint(varint(&mut bytes)),
                2 => {
                    let len = varint(&mut bytes) as usize;
                    let (value, rest) = bytes.split_at(len);
                    bytes = rest;
                    Field::Bytes(value.to_vec())
                }
                5 => {
                    let (value, rest) = bytes.split_first_chunk::<4>().unwrap();
                    bytes = rest;
                    Field::Fixed32(u32::from_le_bytes(*value))
                }
                other => panic!("wire type {other}"),
            };
            assert_eq!(fields.insert(tag >> 3, field), None, "field {} comes twice", tag >> 3);
        }
        fields
    }

    fn address(text: &str) -> Address {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    fn sender(role: Role) -> Sender {
        Sender { identity: b"edge-1".to_vec(), version: b"repute 0.1.0".to_vec(), role }
    }

    fn message(record: &[u8]) -> BTreeMap<u64, Field> {
        let record = decode(record);
        assert_eq!(record[&15], Field::Varint(1), "MESSAGE");
        assert_eq!(record[&1], Field::Bytes(b"edge-1".to_vec()));
        assert_eq!(record[&2], Field::Bytes(b"repute 0.1.0".to_vec()));
        let Field::Bytes(message) = &record[&14] else { panic!("{record:?}") };
        decode(message)
    }

    #[test]
    fn a_query_by_udp_and_ipv4() {
        let (requester, server) = ((address("198.51.100.7"), 40_000), (address("192.0.2.53"), 53));
        let leg = Leg { requester, server, answers: false, by_tcp: false };
        let tapped = Tapped::new(b"a query", leg, Tick(9)).unwrap();
        let time = UNIX_EPOCH + Duration::new(1_790_000_000, 123_456_789);
        let fields = message(&sender(Role::Resolver).record(&tapped, time));
        let expected = [
            (1, Field::Varint(5)),
            (2, Field::Varint(1)),
            (3, Field::Varint(1)),
            (4, Field::Bytes(vec![198, 51, 100, 7])),
            (5, Field::Bytes(vec![192, 0, 2, 53])),
            (6, Field::Varint(40_000)),
            (7, Field::Varint(53)),
            (8, Field::Varint(1_790_000_000)),
            (9, Field::Fixed32(123_456_789)),
            (10, Field::Bytes(b"a query".to_vec())),
        ];
        assert_eq!(fields, BTreeMap::from(expected));
    }

    #[test]
    fn an_answer_by_tcp_and_ipv6_of_an_authoritative_server() {
        let (requester, server) = ((address("2001:db8::7"), 40_000), (address("2001:db8::53"), 53));
        let leg = Leg { requester, server, answers: true, by_tcp: true };
        let tapped = Tapped::new(b"an answer", leg, Tick(9)).unwrap();
        let fields =
            message(&sender(Role::Authoritative).record(&tapped, UNIX_EPOCH + Duration::from_secs(7)));
        assert_eq!(
            (&fields[&1], &fields[&2], &fields[&3]),
            (&Field::Varint(2), &Field::Varint(2), &Field::Varint(2))
        );
        assert_eq!((&fields[&12], &fields[&13]), (&Field::Varint(7), &Field::Fixed32(0)));
        assert_eq!(fields[&14], Field::Bytes(b"an answer".to_vec()));
        assert!(matches!(&fields[&4], Field::Bytes(bytes) if bytes.len() == 16));
        assert!(!fields.contains_key(&8) && !fields.contains_key(&10), "nothing of a query");
        let query = Tapped::new(b"a query", Leg { answers: false, ..leg }, Tick(9)).unwrap();
        let as_query = message(&sender(Role::Authoritative).record(&query, UNIX_EPOCH));
        assert_eq!(as_query[&1], Field::Varint(1));
    }
}
