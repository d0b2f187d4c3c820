//! Small changes to a stored answer, so that it fits the next query.
//!
//! Called by the cache for every answer it gives. Always holds: lengths stay, and a change either fits or nothing is
//! changed.

use zerocopy::FromBytes;

use super::header::Header;
use super::query::{Query, REPEATED};

/// Gives a message another id. False if it has no header.
pub fn set_id(message: &mut [u8], id: u16) -> bool {
    Header::mut_from_prefix(message).map(|(header, _)| header.id.set(id)).is_ok()
}

/// Makes a stored answer repeat what `query` says: id, RD and CD, and its spelling of the name, by which some resolvers
/// know their answers (draft-vixie-dnsext-dns0x20). False if it answers another question; nothing is changed then.
pub fn repeat(message: &mut [u8], query: &Query<'_>) -> bool {
    let head = query.head();
    let (Some((_, asked)), Some((header, stored))) =
        (head.split_at_checked(size_of::<Header>()), message.split_at_mut_checked(size_of::<Header>()))
    else {
        return false;
    };
    let (Some(stored), Ok(header)) = (stored.get_mut(..asked.len()), Header::mut_from_bytes(header)) else {
        return false;
    };
    // Length bytes are below 64 and so no letters; type and class are compared on their own.
    let (Some((name, fixed)), Some((old_name, old_fixed))) =
        (asked.split_last_chunk::<4>(), stored.split_last_chunk::<4>())
    else {
        return false;
    };
    let same = header.questions.get() == 1 && fixed == old_fixed && name.eq_ignore_ascii_case(old_name);
    if same {
        stored.copy_from_slice(asked);
        header.id = query.message.header().id;
        header.flags.set(header.flags.get() & !REPEATED | query.repeated_flags());
    }
    same
}

/// Takes `elapsed` seconds off the TTLs at `positions`, as [`Answer::ttl_positions`](super::Answer::ttl_positions)
/// gave them; none falls below 0. Values above 2^31 − 1 count as 0 (RFC 2181, 8). Positions outside are passed over.
///
/// A name may lead into a TTL, though no honest server writes one that does: such a name changes with it, so that a
/// stored answer that is looked into again is read anew, never by what was once found in it.
pub fn count_down(message: &mut [u8], positions: impl IntoIterator<Item = u16>, elapsed: u32) {
    change_ttls(
        message,
        positions,
        |ttl| {
            if ttl > i32::MAX as u32 { 0 } else { ttl.saturating_sub(elapsed) }
        },
    );
}

/// Puts `ttl` seconds in the place of the TTLs at `positions`: of answers that are given though their time is over (RFC
/// 8767, 4). Otherwise as [`count_down`].
pub fn set_ttls(message: &mut [u8], positions: impl IntoIterator<Item = u16>, ttl: u32) {
    change_ttls(message, positions, |_| ttl);
}

fn change_ttls(message: &mut [u8], positions: impl IntoIterator<Item = u16>, change: impl Fn(u32) -> u32) {
    for at in positions {
        let Some(place) = message.get_mut(at.into()..).and_then(|rest| rest.first_chunk_mut::<4>()) else {
            continue;
        };
        *place = change(u32::from_be_bytes(*place)).to_be_bytes();
    }
}
