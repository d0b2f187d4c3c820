//! A DNS message section by section (RFC 1035, 4.1), as lazily as it gets.
//!
//! The lowest tier: `query` and `answer` walk it once and judge. Always holds: at most 65 535 bytes; an iterator
//! here ends with the counts of the header or with its first error, whichever comes first.

use zerocopy::FromBytes;

use super::header::{self, Header};
use super::{Edns, Malformed, Question, Record, Section, kind};

/// The bytes of a message, of which the header is there.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: &'a Header,
}

impl<'a> Message<'a> {
    /// The message in `bytes`, which is the whole of it.
    ///
    /// # Errors
    /// Bytes too few for a header or too many for a message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > usize::from(u16::MAX) {
            return Err(Malformed::TooLong);
        }
        let (header, _) = Header::ref_from_prefix(bytes).map_err(|_| Malformed::ShortHeader)?;
        Ok(Self { bytes, header })
    }

    /// Its header.
    pub fn header(&self) -> &'a Header {
        self.header
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its questions.
    pub fn questions(&self) -> Questions<'a> {
        Questions { message: self.bytes, at: header::LEN, left: self.header.questions.get() }
    }

    /// Its records, all sections one after the other; the questions are passed first.
    ///
    /// # Errors
    /// A question that cannot be passed.
    pub fn records(&self) -> Result<Records<'a>, Malformed> {
        let mut questions = self.questions();
        questions.by_ref().try_for_each(|question| question.map(drop))?;
        Ok(self.records_from(questions.at))
    }

    fn records_from(&self, at: usize) -> Records<'a> {
        let header = self.header;
        let left = [header.answers.get(), header.authorities.get(), header.additionals.get()];
        Records { message: self.bytes, at, left }
    }

    /// Walks all of it.
    ///
    /// # Errors
    /// What any question, record or OPT record has; more than one question; bytes left over.
    pub(crate) fn walk(&self) -> Result<Walked<'a>, Malformed> {
        if self.header.questions.get() > 1 {
            return Err(Malformed::ManyQuestions);
        }
        let mut questions = self.questions();
        let question = questions.next().transpose()?;
        let questions_end = questions.at;
        let (mut records, mut edns) = (self.records_from(questions_end), None);
        while let Some(record) = records.next().transpose()? {
            if record.kind == kind::OPT && edns.replace(Edns::read(&record)?).is_some() {
                return Err(Malformed::OptTwice);
            }
        }
        if records.at < self.bytes.len() {
            return Err(Malformed::TrailingBytes);
        }
        // Within the message, which is at most 65 535 bytes.
        Ok(Walked { question, questions_end: questions_end as u16, edns })
    }
}

/// What a walk over a whole message found.
pub(crate) struct Walked<'a> {
    pub(crate) question: Option<Question<'a>>,
    pub(crate) questions_end: u16,
    pub(crate) edns: Option<Edns<'a>>,
}

/// Iterates over the questions of a message.
#[derive(Clone, Debug)]
pub struct Questions<'a> {
    message: &'a [u8],
    at: usize,
    left: u16,
}

impl<'a> Iterator for Questions<'a> {
    type Item = Result<Question<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let read = Question::read(self.message, self.at);
        Some(advance(read, &mut self.at, || self.left = 0))
    }
}

/// Iterates over the records of a message.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    message: &'a [u8],
    at: usize,
    /// How many are still to come in each section.
    left: [u16; 3],
}

const SECTIONS: [Section; 3] = [Section::Answer, Section::Authority, Section::Additional];

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (section, left) = SECTIONS.into_iter().zip(&mut self.left).find(|(_, left)| **left > 0)?;
        *left -= 1;
        let read = Record::read(self.message, self.at, section);
        Some(advance(read, &mut self.at, || self.left = [0; 3]))
    }
}

/// Moves behind what was read, or ends the iteration.
fn advance<T>(
    read: Result<(T, usize), Malformed>,
    at: &mut usize,
    end: impl FnOnce(),
) -> Result<T, Malformed> {
    match read {
        Ok((value, next)) => {
            *at = next;
            Ok(value)
        }
        Err(error) => {
            end();
            Err(error)
        }
    }
}

/// `N` big-endian words from `at`.
pub(crate) fn words<const N: usize>(message: &[u8], at: usize) -> Option<[u16; N]> {
    let (words, _) = message.get(at..)?.as_chunks::<2>();
    let words: &[[u8; 2]; N] = words.first_chunk()?;
    Some(words.map(u16::from_be_bytes))
}
