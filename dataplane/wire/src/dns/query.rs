//! A query as an interceptor meets it.
//!
//! Called by the DNS stages for whatever goes to a server. Always holds: one question, everything behind it well
//! formed to the last byte.

use super::header::flag;
use super::{CLASS_IN, Edns, Malformed, Message, Question};

/// A query: a standard one, or another opcode that is in use (status, NOTIFY, UPDATE).
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The whole message.
    pub message: Message<'a>,
    /// What is asked.
    pub question: Question<'a>,
    /// What its OPT record says, if it has one.
    pub edns: Option<Edns<'a>>,
    pub(crate) questions_end: u16,
}

/// What an answer repeats of its query: plain numbers, so that the answer can be written over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Bytes of header and question.
    pub(crate) questions_end: u16,
    /// The type that was asked for.
    pub(crate) kind: u16,
    /// Whether the class is that of the Internet.
    pub(crate) in_class: bool,
    /// Whether there was an OPT record, and so may be one in the answer (RFC 6891, 7).
    pub(crate) edns: bool,
    /// Whether DNSSEC records were wanted, which the answer repeats (RFC 3225).
    pub(crate) dnssec_ok: bool,
    /// The client's cookie.
    pub(crate) client: Option<[u8; 8]>,
}

impl Asked {
    /// Bytes of header and question.
    pub fn head_len(&self) -> usize {
        self.questions_end.into()
    }

    /// Whether its answer may have an OPT record.
    pub fn has_edns(&self) -> bool {
        self.edns
    }

    /// The client's cookie.
    pub fn client(&self) -> Option<[u8; 8]> {
        self.client
    }
}

const QUERY: u8 = 0;
const STATUS: u8 = 2;
const NOTIFY: u8 = 4;
const UPDATE: u8 = 5;

impl<'a> Query<'a> {
    /// Reads a query that takes up all of `bytes`.
    ///
    /// # Errors
    /// A response; an opcode that nobody uses; none or several questions, or one that is compressed; answers in a
    /// standard query; whatever else is malformed in any section.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let message = Message::new(bytes)?;
        let header = message.header();
        if header.is_response() {
            return Err(Malformed::NotAQuery);
        }
        match header.opcode() {
            QUERY if header.answers.get() != 0 => return Err(Malformed::QueryAnswers),
            QUERY | STATUS | NOTIFY | UPDATE => {}
            _ => return Err(Malformed::Opcode),
        }
        let walked = message.walk()?;
        let question = walked.question.ok_or(Malformed::NoQuestion)?;
        // It could only lead into the header, which an answer changes.
        if question.name.is_compressed() {
            return Err(Malformed::QuestionPointer);
        }
        Ok(Self { message, question, edns: walked.edns, questions_end: walked.questions_end })
    }

    /// Whether it is a standard query, not a notification, an update or a question about the server's status.
    pub fn is_standard(&self) -> bool {
        self.message.header().opcode() == QUERY
    }

    /// Bytes of UDP payload that the client takes: at least 512 (RFC 6891, 6.2.3).
    pub fn udp_size(&self) -> usize {
        self.edns.map_or(0, |edns| usize::from(edns.udp_size)).max(512)
    }

    /// What an answer repeats of it.
    pub fn asked(&self) -> Asked {
        Asked {
            questions_end: self.questions_end,
            kind: self.question.kind,
            in_class: self.question.class == CLASS_IN,
            edns: self.edns.is_some(),
            dnssec_ok: self.edns.is_some_and(|edns| edns.dnssec_ok),
            client: self.edns.and_then(|edns| edns.cookie).map(|cookie| cookie.client),
        }
    }

    /// Its header and question as they came.
    pub fn head(&self) -> &'a [u8] {
        let bytes = self.message.bytes();
        bytes.get(..self.questions_end.into()).unwrap_or(bytes)
    }
}

/// The flags of a query that its answers repeat.
pub(crate) const REPEATED: u16 = flag::OPCODE | flag::RECURSION_DESIRED | flag::CHECKING_DISABLED;
