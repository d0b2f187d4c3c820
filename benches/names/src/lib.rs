//! Trains the name model of `repute_reputation::names` offline, and says how good it is.
//!
//! [`Corpus`] reads the names, [`train()`] makes weights of them, [`card()`] writes what they are worth. The program
//! `repute-names` is in front of it; the result is `dataplane/reputation/data/names.model` and its card beside it.
//!
//! **Invariants:** a name whose SHA-256 begins with a byte that five divides is never trained on; the same names
//! give the same bytes (on one machine: `exp` and `ln` are the C library's); nothing here runs in the product.
#![forbid(unsafe_code)]

mod card;
mod corpus;
mod fit;
mod lbfgs;
mod measure;
mod synthetic;
mod train;

pub use card::card;
pub use corpus::{Corpus, Name};
pub use measure::{Measured, area, measure};
pub use train::{Choice, score, train};
