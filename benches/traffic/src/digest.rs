//! The digest that ties a frame in a capture to its label: SipHash-1-3 over the whole frame under a fixed key.
//!
//! The key is fixed because labels made today must match captures made tomorrow; nothing secret hangs on it.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Fixed for ever: a change would orphan every stored label file.
const KEY: (u64, u64) = (0x7265_7075_7465_2d74, 0x7261_6666_6963_2d31);

/// The digest of an Ethernet frame as it stands in a capture, padding included.
pub fn digest(frame: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(KEY.0, KEY.1);
    hasher.write(frame);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by an independent implementation of SipHash-1-3.
    #[test]
    fn stays_what_stored_labels_say() {
        assert_eq!(digest(b""), 0xbe4a_9d03_7522_fbd3);
        assert_eq!(digest(b"an Ethernet frame"), 0x611f_45fd_0226_a872);
    }
}
