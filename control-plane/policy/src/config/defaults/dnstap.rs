//! Defaults of `[dnstap]`.

use crate::config::{Dnstap, DnstapRole};
use crate::value::Int;

impl Default for Dnstap {
    fn default() -> Self {
        Self { unix: None, tcp: None, one_in: Int::new(1), role: DnstapRole::Resolver, identity: None }
    }
}
