//! What the name model sees of a label: its character n-grams, and a few counts.
//!
//! Called by the scorer for every label of a name that is asked for, and by the trainer, so that both see the same.
//! Always holds: case is nothing; a label of any length costs one pass over its first [`LABEL_MAX`] bytes; an index
//! that is given out is below [`GRAMS`].

/// Letters, digits, the hyphen, anything else, and the edge of a label.
const SYMBOLS: usize = 39;
const EDGE: usize = 0;
const HYPHEN: u8 = 37;
const OTHER: u8 = 38;

const BIGRAMS: usize = SYMBOLS * SYMBOLS;
const TRIGRAMS: usize = SYMBOLS * SYMBOLS * SYMBOLS;
/// 4-grams share so many weights, by a hash.
const FOURGRAMS: usize = 1 << 16;

/// How many weights n-grams have: every bigram and trigram its own, 4-grams shared ones.
pub const GRAMS: usize = BIGRAMS + TRIGRAMS + FOURGRAMS;

/// Bytes of a label that are looked at: all that a label can have (RFC 1035, 2.3.4).
pub const LABEL_MAX: usize = 63;

/// How many counts there are.
pub const COUNTS: usize = 6;

/// Bytes to symbols.
const SYMBOL: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut i = 0;
    while i < 26 {
        table[b'a' as usize + i] = 1 + i as u8;
        table[b'A' as usize + i] = 1 + i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < 10 {
        table[b'0' as usize + i] = 27 + i as u8;
        i += 1;
    }
    table[b'-' as usize] = HYPHEN;
    table
};

/// Calls `each` with the index of every n-gram of a label, its edges included: two to four symbols.
#[inline]
pub fn grams(label: &[u8], mut each: impl FnMut(usize)) {
    let (mut a, mut b, mut c) = (EDGE, EDGE, EDGE);
    let symbols = label.iter().take(LABEL_MAX).map(|&byte| usize::from(SYMBOL[usize::from(byte)]));
    for (i, symbol) in symbols.chain([EDGE]).enumerate() {
        each(c * SYMBOLS + symbol);
        let trigram = (b * SYMBOLS + c) * SYMBOLS + symbol;
        if i > 0 {
            each(BIGRAMS + trigram);
        }
        if i > 1 {
            let hash = ((a * TRIGRAMS + trigram) as u32).wrapping_mul(0x9e37_79b1);
            each(BIGRAMS + TRIGRAMS + (hash >> 16) as usize);
        }
        (a, b, c) = (b, c, symbol);
    }
}

/// What the sum over the n-grams of a label is divided by: between a sum, which long labels would win, and a mean,
/// which a single odd spot would lose.
#[inline]
pub fn weight_of_grams(label: &[u8]) -> f32 {
    1.0 / (label.len().min(LABEL_MAX) as f32 + 1.0).sqrt()
}

/// One, the length, its square, whether it is at most 5, the share of digits, and how often letters and digits change
/// places; each about 0..=1.
#[inline]
pub fn counts(label: &[u8]) -> [f32; COUNTS] {
    let (mut digits, mut changes, mut was_digit) = (0_u32, 0_u32, None);
    for &byte in label.iter().take(LABEL_MAX) {
        let is_digit = byte.is_ascii_digit();
        digits += u32::from(is_digit);
        changes += u32::from(was_digit.is_some_and(|was| was != is_digit));
        was_digit = Some(is_digit);
    }
    let len = label.len().clamp(1, LABEL_MAX) as f32;
    let long = len / 25.0;
    let short = f32::from(u8::from(len <= 5.0));
    [1.0, long, long * long, short, digits as f32 / len, changes as f32 / 8.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(label: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        grams(label, |index| found.push(index));
        found
    }

    #[test]
    fn every_gram_once_and_in_bounds() {
        assert_eq!(indices(b"").len(), 1);
        assert_eq!(indices(b"a").len(), 2 + 1);
        assert_eq!(indices(b"abc").len(), 4 + 3 + 2);
        for byte in 0..=u8::MAX {
            assert!(indices(&[byte; 9]).iter().all(|&index| index < GRAMS));
        }
        assert_eq!(indices(&[b'x'; 63]), indices(&[b'x'; 300]), "a bound");
    }

    #[test]
    fn case_is_nothing_and_order_is() {
        assert_eq!(indices(b"WwW-7"), indices(b"www-7"));
        assert_ne!(indices(b"ab"), indices(b"ba"));
        assert_eq!(counts(b"AbA"), counts(b"aba"));
    }

    #[test]
    fn counts_by_example() {
        let [one, long, _, short, digits, changes] = counts(b"a1b22");
        assert_eq!((one, long, short), (1.0, 0.2, 1.0));
        assert_eq!((digits, changes), (0.6, 3.0 / 8.0));
        assert!(counts(b"").iter().all(|count| count.is_finite()));
    }
}
