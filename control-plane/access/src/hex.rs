//! Bytes as lower-case hexadecimal text and back: key ids, secrets, hashes, the walled garden's tasks.

/// Two digits a byte.
pub fn encode(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// Exactly `N` bytes in lower case; `None` for anything else.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(decode::<256>(&encode(&bytes)).unwrap().as_slice(), bytes);
        assert_eq!(encode(&[0x0f, 0xa0]), "0fa0");
        for wrong in ["", "0", "0g", "0A", "0f0", "0f00", "+1", "é"] {
            assert_eq!(decode::<1>(wrong), None, "{wrong}");
        }
    }
}
