//! `repute-names`: trains the name model, prints its card.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use repute_names::{Choice, Corpus, card, train};
use repute_reputation::names::{NameModel, Weights};

/// Train and judge the name model, offline
#[derive(Parser)]
#[command(name = "repute-names", version)]
struct Cli {
    /// The folder with `dga` and `feeds/misp_warninglists`
    #[arg(long, env = "REPUTE_CORPUS", default_value = "../shared/corpus", global = true)]
    corpus: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train and write the model
    Train {
        /// The file to write
        #[arg(default_value = "dataplane/reputation/data/names.model")]
        out: PathBuf,
    },
    /// Print the tables of the card of a model
    Card {
        /// The file to judge
        #[arg(default_value = "dataplane/reputation/data/names.model")]
        model: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let corpus = Corpus::read(&cli.corpus)?;
    match cli.command {
        Command::Train { out } => {
            let bytes = train(&corpus, Choice::default()).to_bytes();
            std::fs::write(&out, bytes).with_context(|| format!("{}: cannot write", out.display()))
        }
        Command::Card { model } => {
            let bytes = std::fs::read(&model).with_context(|| format!("{}: cannot read", model.display()))?;
            print!("{}", card(&corpus, &NameModel::new(Weights::from_bytes(&bytes)?)));
            Ok(())
        }
    }
}
