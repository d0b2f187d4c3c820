//! What a worker knows of an autonomous system whose requesters it judges: part of an explanation.

/// One autonomous system, as one worker has seen it in the last two minutes. Networks (/24, IPv6 /48) and countries are
/// counted in 64 classes each, so that few are counted exactly and many as 64.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SystemLook {
    /// Its number (RFC 6793).
    pub number: u32,
    /// Networks that asked.
    pub networks: u8,
    /// Of those: networks whose latest query was for a random name.
    pub random: u8,
    /// Of those: networks whose latest answer was that there is no such name.
    pub failed: u8,
    /// From how many networks random or non-existent names below one domain are asked for, of the domain where they are
    /// most.
    pub spread: Spreading,
    /// The same by countries, of the domain where they are most.
    pub countries: Spreading,
    /// Whether what is usual has been learnt: until then spread says nothing.
    pub is_learnt: bool,
}

/// How far one domain's failing names are spread.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Spreading {
    /// From how many they are asked for.
    pub asking: u8,
    /// Of how many that ask for anything.
    pub of: u8,
    /// What share is usual, 0..=1.
    pub usual: f32,
}
