//! `mode`: whether what is judged is done.

use crate::value::keywords;

keywords! {
    /// Whether what is judged is done.
    Mode {
        /// It is.
        On = "on",
        /// Everything is computed, counted and told, and every packet is forwarded.
        Shadow = "shadow",
    }
}
