//! `[profiles.ingress.crowds]`: how floods of strangers are noticed and answered.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Number, keywords};

keywords! {
    /// What is done about floods.
    CrowdMode {
        /// They are noticed, said, and answered.
        On = "on",
        /// They are noticed and said; nobody is held up.
        Shadow = "shadow",
        /// Nobody looks for them.
        Off = "off",
    }
}

keywords! {
    /// Whether both directions of the traffic pass this box.
    SymmetryName {
        /// Found out for every destination.
        Auto = "auto",
        /// Both.
        Symmetric = "symmetric",
        /// One: what needs both is not judged.
        Asymmetric = "asymmetric",
    }
}

keywords! {
    /// What becomes of the SYN of a stranger to a destination that is flooded with them.
    SynAnswerName {
        /// It is withheld; its retransmission passes.
        Retry = "retry",
        /// The box answers with a SYN cookie; who returns it is reset, and passes when he connects again.
        Cookie = "cookie",
    }
}

/// How floods are noticed and answered that no single source reveals.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Crowds {
    /// What is done about them.
    pub mode: CrowdMode,
    /// Whether both directions are seen.
    pub symmetry: SymmetryName,
    /// How easily something is a flood, 0.1 to 10: with 2 half of what it takes with 1.
    pub sensitivity: Number<0, 10>,
    /// What strangers' SYNs get in a flood of them.
    pub syn: SynAnswerName,
}

table!(Crowds { mode, symmetry, sensitivity, syn });
