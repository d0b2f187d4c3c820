//! What of an answer may be kept, and given to others who ask the same.
//!
//! Called by the cache for every answer that it learns. Always holds: the copy is a whole message with the question, the
//! answers and the authorities of the original, in the same places; of its additional records there are only addresses of
//! names at or below the zone that the answer is about, so that nobody plants others there. OPT is one client's own.

use zerocopy::FromBytes;

use super::header::{self, Header};
use super::{Answer, CLASS_IN, Name, Record, Section, kind};

/// Writes the copy. Gives the bytes that it takes, or `None`: the answer repeats no question, or there is no room.
pub fn keep(answer: &Answer<'_>, into: &mut [u8]) -> Option<usize> {
    let question = answer.question.filter(|question| !question.name.is_compressed())?;
    let records = || answer.message.records().into_iter().flatten().flatten();
    let (mut end, mut zone) = (header::LEN + usize::from(question.name.len()) + 4, None);
    for record in records().take_while(|record| record.section != Section::Additional) {
        end = record.end();
        let tells = record.section == Section::Authority && matches!(record.kind, kind::NS | kind::SOA);
        zone = zone.or(tells.then_some(record.name));
    }
    let zone = zone.filter(|zone| question.name.is_at_or_below(zone)).unwrap_or(question.name);
    into.get_mut(..end)?.copy_from_slice(answer.message.bytes().get(..end)?);
    let mut count = 0;
    for record in records().filter(|record| helps(record, &zone)) {
        end = copy(&record, into, end)?;
        count += 1;
    }
    let (header, _) = Header::mut_from_prefix(into).ok()?;
    header.additionals.set(count);
    Some(end)
}

/// Whether it is an additional address in the zone.
fn helps(record: &Record<'_>, zone: &Name<'_>) -> bool {
    record.section == Section::Additional
        && record.class == CLASS_IN
        && matches!(record.kind, kind::A | kind::AAAA)
        && record.name.is_at_or_below(zone)
}

/// Writes a record whose data has no names at `at`, its own name in full: it may have led to what is left out.
fn copy(record: &Record<'_>, into: &mut [u8], at: usize) -> Option<usize> {
    let mut rest = into.get_mut(at..)?;
    let before = rest.len();
    for label in record.name.labels() {
        rest = put(rest, &[label.len() as u8])?;
        rest = put(rest, label)?;
    }
    rest = put(rest, &[0])?;
    for word in [record.kind, record.class] {
        rest = put(rest, &word.to_be_bytes())?;
    }
    rest = put(rest, &record.ttl.to_be_bytes())?;
    rest = put(rest, &(record.data.len() as u16).to_be_bytes())?;
    rest = put(rest, record.data)?;
    Some(at + before - rest.len())
}

fn put<'b>(into: &'b mut [u8], bytes: &[u8]) -> Option<&'b mut [u8]> {
    let (place, rest) = into.split_at_mut_checked(bytes.len())?;
    place.copy_from_slice(bytes);
    Some(rest)
}
