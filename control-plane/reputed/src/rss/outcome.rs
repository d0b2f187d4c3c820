//! What the self-test found, and the sentence that says it.

use std::fmt;

use repute_model::toeplitz::Input;

/// What a port's RSS is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// Packets arrive at the owner of their source.
    Right,
    /// There is a hash, and packets arrive elsewhere.
    Wrong(Fault),
    /// There is no hash to go by.
    Absent(Absence),
}

/// What is wrong with a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is over something else than the owner's address.
    Over(Input),
    /// It is none of the hashes that NICs are known for, or has another key.
    Unknown,
    /// It is right, and the port's redirection table is another one.
    Table,
    /// It is right, and so is the table, but sources are owned otherwise: the port kept a key that tells the
    /// addresses of one source apart, or owners do not follow RSS.
    Owners,
    /// No hash of one address suits a port that carries both sides.
    BothSides,
}

/// Why there is no hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absence {
    /// One queue: everything arrives at worker 0.
    OneQueue,
    /// The driver offers no RSS, as virtual devices do.
    NotOffered,
    /// The driver offers it, and packets come without a hash.
    NotFilled,
}

/// What the self-test found on one port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What the hint is worth.
    pub hint: Hint,
    /// Packets looked at.
    pub samples: u32,
    /// Of those: arrived at another worker than the owner of their source.
    pub elsewhere: u32,
}

impl Hint {
    /// The name used in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong(_) => "wrong",
            Self::Absent(_) => "absent",
        }
    }
}

impl Outcome {
    /// Of a port that carries both sides; nothing need be looked at.
    pub const BOTH_SIDES: Self = Self { hint: Hint::Wrong(Fault::BothSides), samples: 0, elsewhere: 0 };

    /// Packets in a hundred that are handed over, as far as the samples tell.
    pub fn handed_over_percent(&self) -> u32 {
        (self.elsewhere * 100).checked_div(self.samples).unwrap_or(0)
    }
}

impl fmt::Display for Outcome {
    /// One sentence: what is so, and what it costs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hint {
            Hint::Right => f.write_str("RSS hashes the owner's address: packets arrive at their owner")?,
            Hint::Wrong(Fault::Over(input)) => {
                write!(f, "RSS hashes {input} instead of the owner's address alone")?
            }
            Hint::Wrong(Fault::Unknown) => {
                f.write_str("RSS hashes something unknown, or with another key")?
            }
            Hint::Wrong(Fault::Table) => {
                f.write_str(
                    "RSS hashes the owner's address, but the port's redirection table is another one",
                )?;
            }
            Hint::Wrong(Fault::Owners) => {
                f.write_str("RSS hashes the owner's address, but sources are dealt to workers otherwise")?;
            }
            Hint::Wrong(Fault::BothSides) => {
                f.write_str(
                    "the port carries both sides, so RSS finds the owner of half of its packets at best",
                )?;
            }
            Hint::Absent(Absence::OneQueue) => {
                f.write_str("the port has one queue: worker 0 hands over what others own")?;
            }
            Hint::Absent(Absence::NotOffered) => f.write_str("the driver offers no RSS")?,
            Hint::Absent(Absence::NotFilled) => {
                f.write_str("the driver offers RSS, but packets carry no hash")?
            }
        }
        if self.elsewhere > 0 {
            let (share, samples) = (self.handed_over_percent(), self.samples);
            write!(
                f,
                "; about {share} of 100 packets are handed over to another worker ({samples} looked at)"
            )?;
        }
        Ok(())
    }
}
