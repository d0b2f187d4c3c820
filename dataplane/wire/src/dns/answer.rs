//! An answer on its way back.
//!
//! Called by the DNS stages for whatever comes from a server. Always holds: well formed to the last byte, with at
//! most one question.

use super::message::Walked;
use super::query::Asked;
use super::{CLASS_IN, Edns, Malformed, Message, Name, Question, Rcode, kind};

/// A response.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The whole message.
    pub message: Message<'a>,
    /// The question that it repeats; servers leave it out of some errors.
    pub question: Option<Question<'a>>,
    /// What its OPT record says, if it has one.
    pub edns: Option<Edns<'a>>,
    questions_end: u16,
}

impl<'a> Answer<'a> {
    /// Reads a response that takes up all of `bytes`.
    ///
    /// # Errors
    /// A query; several questions; whatever is malformed in any section.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let message = Message::new(bytes)?;
        if !message.header().is_response() {
            return Err(Malformed::NotAnAnswer);
        }
        let walked = message.walk()?;
        let Walked { question, edns, questions_end } = walked;
        Ok(Self { message, question, edns, questions_end })
    }

    /// What another answer in its place has to repeat; `None` where it repeats no question, or one that cannot stay where it
    /// is. That there was an OPT record in the query is told by its own (RFC 6891, 7); a cookie is not repeated.
    pub fn asked(&self) -> Option<Asked> {
        let question = self.question.filter(|question| !question.name.is_compressed())?;
        Some(Asked {
            questions_end: self.questions_end,
            kind: question.kind,
            in_class: question.class == CLASS_IN,
            edns: self.edns.is_some(),
            dnssec_ok: self.edns.is_some_and(|edns| edns.dnssec_ok),
            client: None,
        })
    }

    /// The whole response code.
    pub fn rcode(&self) -> Rcode {
        let high = self.edns.map_or(0, |edns| edns.rcode_high);
        Rcode::from_parts(self.message.header().rcode_low(), high)
    }

    /// Whether it answers a query with this id and question. Addresses and ports are the caller's to compare.
    ///
    /// # Errors
    /// Another id; another question, or none with a code that is not an error.
    pub fn answers(&self, id: u16, name: &Name<'_>, kind: u16, class: u16) -> Result<(), Malformed> {
        if self.message.header().id.get() != id {
            return Err(Malformed::WrongId);
        }
        let fits = match self.question {
            Some(asked) => (asked.kind, asked.class) == (kind, class) && asked.name == *name,
            None => !matches!(self.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN),
        };
        if fits { Ok(()) } else { Err(Malformed::WrongQuestion) }
    }

    /// Where the TTLs of its records stand, all sections, without OPT, which has flags in that place.
    pub fn ttl_positions(&self) -> impl Iterator<Item = u16> + use<'a> {
        let records = self.message.records().into_iter().flatten().flatten();
        records.filter(|record| record.kind != kind::OPT).map(|record| record.ttl_at())
    }
}
