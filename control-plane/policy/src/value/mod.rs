//! The values a config is made of: each knows its spelling, its range and its JSON Schema.
//!
//! Used by the config structs; every value reads itself from TOML, serialises to its one canonical
//! spelling (what the digest and the diff see) and clamps nothing silently.

mod cidr;
mod country;
mod domain;
mod interface;
mod ip;
mod keyword;
mod listen;
mod mac;
mod name;
mod number;
mod port_rule;
mod quantity;
mod queried;
mod text;
mod upstream;
mod written;

pub use cidr::Cidr;
pub use country::Country;
pub use domain::Domain;
pub use interface::Interface;
pub use ip::Ip;
pub(crate) use keyword::keywords;
pub use listen::Listen;
pub use mac::Mac;
pub use name::Named;
pub use number::{Int, Number, Share};
pub use port_rule::{PortSpec, Transport};
pub use quantity::{BitRate, Duration, Kind, PacketRate, Quantity, Size, kind};
pub use queried::Queried;
pub use text::Text;
pub use upstream::UpstreamServer;
