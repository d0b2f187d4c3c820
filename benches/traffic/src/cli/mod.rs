//! The program's subcommands: flags in, library calls, text out.

pub mod generate;
mod report;
pub mod score;
