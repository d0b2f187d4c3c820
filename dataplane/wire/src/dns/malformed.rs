//! What can be wrong with a DNS message.
//!
//! Given back by everything in `dns` that reads; the engine counts it and lets it weigh on the requester. Always
//! holds: closed, and a message has one of them or is a value.

use repute_model::{Reason, malformed_dns};

malformed_dns! { named {
    /// Why bytes are not the DNS message that they should be.
    Malformed;
} }

impl From<Malformed> for Reason {
    fn from(malformed: Malformed) -> Self {
        Self::ALL[Self::COUNT - Malformed::COUNT + malformed.index()]
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_what_they_belong_to() {
        for (i, kind) in Malformed::ALL.iter().enumerate() {
            assert_eq!(kind.index(), i);
            assert!(kind.name().starts_with("dns-"), "{kind}");
            let reason = Reason::from(*kind);
            assert!(reason.is_malformed_dns() && reason.name() == kind.name(), "{reason}");
            assert!(kind.help().ends_with('.'), "{}", kind.help());
            assert!(Malformed::ALL[..i].iter().all(|other| other.name() != kind.name()), "{kind}");
        }
    }
}
