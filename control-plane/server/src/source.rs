//! From what people write to the source that a worker knows.

use repute_model::{Limits, Source, Width};
use repute_policy::Checked;

use crate::HubError;

/// How wide a source is on the side that the policy judges.
pub fn width(checked: &Checked, limits: &Limits) -> Width {
    if checked.config().profiles.judges_inside() { limits.inside } else { limits.outside }
}

/// The source that an address or prefix stands for: an address belongs to one, a prefix has to be one.
///
/// # Errors
/// [`HubError::Width`] for prefixes of another length.
pub fn resolve(source: Source, width: Width) -> Result<Source, HubError> {
    let v4 = source.first().is_v4();
    let len = if v4 { width.v4 + 96 } else { width.v6 };
    let resolved = if source.len128() == 128 { Source::of(source.first(), width) } else { Some(source) };
    resolved.filter(|source| source.len128() == len).ok_or_else(|| HubError::Width {
        text: source.to_string(),
        v4: width.v4,
        v6: width.v6,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_for_its_source() {
        for (text, source) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("2001:db8::42", "2001:db8::/64"),
            ("2001:db8::/64", "2001:db8::/64"),
        ] {
            let resolved = resolve(text.parse().unwrap(), Width::OUTSIDE).unwrap();
            assert_eq!(resolved.to_string(), source);
        }
    }

    #[test]
    fn other_lengths_are_refused_with_the_right_ones() {
        let error = resolve("2001:db8::/48".parse().unwrap(), Width::OUTSIDE).unwrap_err();
        assert!(error.to_string().contains("/64"), "{error}");
        assert!(resolve("192.0.2.0/24".parse().unwrap(), Width::OUTSIDE).is_err());
    }
}
