//! Events out to SIEM systems and people, alerts of intrusion detection systems in.
#![forbid(unsafe_code)]

mod alert;
mod bus;
mod event;
mod format;
mod incident;
mod intake;
mod rules;
mod sink;

pub use alert::*;
pub use bus::*;
pub use event::*;
pub use format::Format;
pub use incident::*;
pub use intake::*;
pub use rules::*;
pub use sink::*;
