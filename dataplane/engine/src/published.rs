//! A worker's account, and what it counts by service, where others can read it.

use std::sync::Arc;

use crate::account::{WORDS, words, words_mut};
use crate::services::SERVICE_WORDS;
use crate::{Account, SeqLock, ServiceBoard};

/// What a worker published last: written by the worker, read by the control plane.
#[derive(Debug, Default)]
pub struct Published {
    account: SeqLock<WORDS>,
    services: SeqLock<SERVICE_WORDS>,
}

impl Published {
    /// An account of zeros, to be shared between the worker and its readers.
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }

    /// Replaces the account. Only the worker calls this.
    pub fn publish(&self, account: &Account) {
        self.account.write(words(account));
    }

    /// A copy that was published as a whole; tries again while the worker is writing.
    pub fn read(&self) -> Account {
        let mut account = Account::zero();
        self.account.read(words_mut(&mut account));
        account
    }

    /// Replaces what is known of services. Only the worker calls this.
    pub fn publish_services(&self, board: &ServiceBoard) {
        self.services.write(board.words());
    }

    /// A copy of that, likewise.
    pub fn read_services(&self) -> Box<ServiceBoard> {
        let mut board = ServiceBoard::zero();
        self.services.read(board.words_mut());
        board
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_never_see_half_an_account() {
        let published = Published::shared();
        let reader = Arc::clone(&published);
        let writer = std::thread::spawn(move || {
            for n in 0..20_000 {
                let mut account = Account::zero();
                words_mut(&mut account).fill(n);
                published.publish(&account);
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let account = reader.read();
            let all = words(&account);
            assert!(all.iter().all(|&word| word == all[0]));
            assert!(all[0] >= last);
            last = all[0];
        }
        writer.join().unwrap();
        assert_eq!(reader.read().batches, 19_999);
    }
}
