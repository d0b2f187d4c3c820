//! Closed lists of named things: an enum whose variants have a number, a name and a sentence.
//!
//! Used by `reason`, by `crowd` and by `repute-wire` for what is wrong with a DNS message. Always holds: the number is the
//! position in `ALL`, so that counters are arrays; names are for people and programs and stay as they are.

/// Makes a public enum of unit variants, each with a doc comment that is its help and with its name.
///
/// It gets `ALL`, `COUNT`, `name`, `help`, `index` and [`Display`](std::fmt::Display), which writes the name.
#[macro_export]
macro_rules! named {
    ($(#[$meta:meta])* $kind:ident; $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum $kind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $kind {
            /// Every one, in counter order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// How many there are: the length of a counter array.
            pub const COUNT: usize = Self::ALL.len();

            /// The name used in counters, captures' accounts, API and CLI.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence for people.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// The position in counter arrays.
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
