//! Labels of pure chance.
//!
//! Added to the names of algorithms that are trained on, never to those that judge. The families at hand favour a few
//! lengths and alphabets; the next one, and tunnels, will use others. Always holds: the same labels every time.

use repute_traffic::rng::Rng;

/// How many labels there are of each kind.
const OF_EACH: usize = 700;
const SEED: u64 = 0x6e61_6d65;

/// An alphabet and the lengths of labels made of it.
type Kind = (&'static [u8], u64, u64);

/// Letters, letters and digits, and what tunnels are made of: hexadecimal, base32, base64 for URLs, and base128.
const KINDS: [Kind; 6] = [
    (b"abcdefghijklmnopqrstuvwxyz", 7, 24),
    (b"abcdefghijklmnopqrstuvwxyz0123456789", 7, 24),
    (b"0123456789abcdef", 16, 63),
    (b"abcdefghijklmnopqrstuvwxyz234567", 20, 63),
    (b"abcdefghijklmnopqrstuvwxyz0123456789-_", 20, 63),
    (b"abcdefghijklmnopqrstuvwxyz0123456789\xbc\xbd\xbe\xbf\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9", 20, 63),
];

/// All of the labels.
pub(crate) fn labels() -> Vec<Vec<u8>> {
    let kinds = KINDS.iter().enumerate();
    kinds.flat_map(|(stream, kind)| of_kind(kind, &mut Rng::new(SEED, stream as u64))).collect()
}

fn of_kind(&(alphabet, shortest, longest): &Kind, rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut label = || {
        let len = rng.between(shortest, longest);
        (0..len).map(|_| alphabet[rng.between(0, alphabet.len() as u64 - 1) as usize]).collect()
    };
    (0..OF_EACH).map(|_| label()).collect()
}
