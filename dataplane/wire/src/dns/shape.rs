//! What a whole query was found to be, in plain numbers.
//!
//! Kept by the DNS stages, so that whoever meets the same bytes again need not walk them again. Always holds: the query
//! that comes of the same bytes and their shape is the one that they were read as.

use super::edns::BareEdns;
use super::query::Asked;
use super::{CLASS_IN, Edns, Message, Name, Query, Question, header};

/// The shape of a query whose OPT record, if it has one, has no options: those are somebody's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    questions_end: u16,
    kind: u16,
    class: u16,
    name_len: u8,
    labels: u8,
    edns: Option<BareEdns>,
}

impl Shape {
    /// Bytes of UDP payload that the client takes, as [`Query::udp_size`] says.
    #[inline]
    pub fn udp_size(&self) -> usize {
        self.edns.map_or(0, |edns| usize::from(edns.udp_size)).max(512)
    }

    /// The type that is asked for.
    #[inline]
    pub const fn kind(&self) -> u16 {
        self.kind
    }

    /// What an answer repeats of the query.
    #[inline]
    pub fn asked(&self) -> Asked {
        Asked {
            questions_end: self.questions_end,
            kind: self.kind,
            in_class: self.class == CLASS_IN,
            edns: self.edns.is_some(),
            dnssec_ok: self.edns.is_some_and(|edns| edns.dnssec_ok),
            client: None,
        }
    }
}

impl<'a> Query<'a> {
    /// Its shape.
    pub fn shape(&self) -> Option<Shape> {
        let Question { name, kind, class } = self.question;
        let edns = match &self.edns {
            None => None,
            Some(edns) => Some(edns.bare()?),
        };
        let (name_len, labels) = (name.len(), name.label_count());
        Some(Shape { questions_end: self.questions_end, kind, class, name_len, labels, edns })
    }

    /// The query that `bytes` are, where nothing but the id differs from those that had this shape. Of other bytes it may
    /// say anything, or `None` where they are too few.
    pub fn of_shape(bytes: &'a [u8], shape: &Shape) -> Option<Self> {
        let Shape { questions_end, kind, class, name_len, labels, edns } = *shape;
        let message = Message::new(bytes).ok().filter(|_| usize::from(questions_end) <= bytes.len())?;
        let name = Name::plain(bytes, header::LEN, name_len, labels);
        let question = Question { name, kind, class };
        Some(Self { message, question, edns: edns.map(Edns::from), questions_end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A query for `www.example.org`, with what is added to it.
    fn message(additionals: u8, rest: &[u8]) -> Vec<u8> {
        let head = [7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, additionals];
        [&head, &b"\x03wWw\x07example\x03org\0\0\x1c\0\x01"[..], rest].concat()
    }

    fn same(bytes: &[u8]) {
        let query = Query::read(bytes).unwrap();
        let again = Query::of_shape(bytes, &query.shape().unwrap()).unwrap();
        assert_eq!((again.question, again.edns, again.asked()), (query.question, query.edns, query.asked()));
        let shape = query.shape().unwrap();
        assert_eq!((shape.asked(), shape.udp_size()), (query.asked(), query.udp_size()));
        assert_eq!(again.question.name.to_string(), "wWw.example.org");
        assert_eq!(again.head(), query.head());
        assert!(Query::of_shape(&bytes[..20], &query.shape().unwrap()).is_none());
    }

    #[test]
    fn the_same_bytes_are_the_same_query() {
        same(&message(0, &[]));
        same(&message(1, &[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]));
    }

    #[test]
    fn what_is_somebodys_own_has_no_shape() {
        let cookie = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(Query::read(&message(1, &cookie)).unwrap().shape(), None);
    }
}
