//! Small changes to a stored answer: its TTLs.
//!
//! Called by the cache for every answer it gives. Always holds: lengths stay, and a change either fits or nothing is
//! changed.

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
