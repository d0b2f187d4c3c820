//! Values that are one word of a closed list.

/// Declares such a list: an enum with its spellings, which reads and writes itself.
macro_rules! keywords {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word_doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[doc = $word_doc])+ $variant,)+
        }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word.
            pub fn from_name(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl crate::read::Scalar for $name {
            fn read(node: &crate::read::Node<'_>, reader: &mut crate::read::Reader) -> Option<Self> {
                let words = [$($word),+];
                let expected = crate::read::listed(words);
                let word = reader.text(node, &format!("one of {expected}"))?;
                let value = Self::from_name(word);
                if value.is_none() {
                    let label = crate::nearest::nearest(word, words)
                        .map_or("not a word for this".to_owned(), |near| format!("did you mean \"{near}\"?"));
                    reader.reject(node, label, Some(format!("expected one of {expected}")));
                }
                value
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}
pub(crate) use keywords;
