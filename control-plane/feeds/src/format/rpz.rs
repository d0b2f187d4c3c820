//! Response policy zones as files that may be packed.
//!
//! Called by `feed test`: a zone is no list of addresses and so no [`Format`](super::Format); [`repute_rpz`] reads it.

use std::io::{BufReader, Read};

use repute_model::DomainName;
use repute_rpz::{RpzError, RpzImport, RpzLimits, RpzWhy};

use super::detect::head;
use crate::limits::Limits;
use crate::read::Unpacked;
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Skipped;

/// The name of the format on the command line.
pub const NAME: &str = "rpz";

/// Whether a file is a zone file, packed or not, as its begin looks.
///
/// # Errors
/// It cannot be read.
pub fn is_zone(source: impl Read, feed: &str, limits: Limits) -> Result<bool, Refusal> {
    let refuse = |error: std::io::Error| refusal(feed, 0, error.into());
    let (head, _) = head(Unpacked::new(source, limits).map_err(refuse)?).map_err(refuse)?;
    Ok(repute_rpz::looks_like(&head))
}

/// Reads a zone file, packed or not. `origin` is the name of the zone, if it is known; else the owner of its start of
/// authority is.
///
/// # Errors
/// A refusal with the place: what is no zone file, was cut off, says nothing, or passes a limit.
pub fn read(
    source: impl Read,
    feed: &str,
    origin: Option<DomainName>,
    limits: Limits,
) -> Result<RpzImport, Refusal> {
    let source = Unpacked::new(source, limits).map_err(|error| refusal(feed, 0, error.into()))?;
    let of_zone = RpzLimits { records: limits.entries, line: limits.line };
    repute_rpz::read(BufReader::new(source), origin, of_zone)
        .map_err(|RpzError { line, why }| refusal(feed, line, why.into()))
}

fn refusal(feed: &str, line: u64, why: Why) -> Refusal {
    let place = if line == 0 { Place::Whole } else { Place::Line(line) };
    Refusal { feed: feed.to_owned(), place, why }
}

impl From<RpzWhy> for Why {
    fn from(why: RpzWhy) -> Self {
        match why {
            RpzWhy::Read(error) => error.into(),
            RpzWhy::Line(max) => Self::Line(max),
            RpzWhy::Records(max) => Self::Entries(max),
            RpzWhy::Malformed(what) => Self::Malformed(what),
            RpzWhy::Empty => Self::Empty(Skipped::default()),
            RpzWhy::Data => Self::Bytes(u32::MAX.into()),
        }
    }
}
