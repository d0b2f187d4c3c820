//! What can be wrong with a DNS message: one list for who reads messages and for who counts reasons.
//!
//! `repute-wire` makes its `Malformed` of it, `reason` the last part of [`crate::Reason`]. Always holds: both have the same
//! names in the same order, because both are this list.

/// Calls `$then!` with what is in braces and the list behind it, for [`crate::named`].
#[macro_export]
macro_rules! malformed_dns {
    ($then:ident { $($before:tt)* }) => {
        $crate::$then! {
            $($before)*

            /// More than 65 535 bytes.
            TooLong = "dns-too-long",
            /// The message ends inside its header.
            ShortHeader = "dns-short-header",
            /// The message ends inside a question that it counts.
            ShortQuestion = "dns-short-question",
            /// The message ends inside a record that it counts, or the record's data is longer than it.
            ShortRecord = "dns-short-record",
            /// The message ends inside a name.
            NameCut = "dns-name-cut",
            /// A label of a type that does not exist (RFC 6891 gave up 01; 10 never was).
            NameLabel = "dns-name-label",
            /// A name longer than 255 bytes.
            NameLong = "dns-name-long",
            /// A name that leads back into itself.
            NameLoop = "dns-name-loop",
            /// A compression pointer that does not lead back.
            NamePointer = "dns-name-pointer",
            /// A name spread over more compression pointers than it can have labels.
            NamePointers = "dns-name-pointers",
            /// Bytes behind the last record that the header counts.
            TrailingBytes = "dns-trailing-bytes",
            /// The data of a record is not as long as its type demands.
            RecordData = "dns-record-data",
            /// An OPT record with an owner other than the root.
            OptOwner = "dns-opt-owner",
            /// An OPT record outside the additional section.
            OptSection = "dns-opt-section",
            /// More than one OPT record.
            OptTwice = "dns-opt-twice",
            /// An EDNS option that ends beyond its OPT record.
            OptOption = "dns-opt-option",
            /// A cookie whose length is neither 8 nor 16 to 40 (RFC 7873, 5.2.2).
            CookieLength = "dns-cookie-length",
            /// A client subnet whose family, lengths or padding are wrong (RFC 7871, 6).
            ClientSubnet = "dns-client-subnet",
            /// An extended error without its code (RFC 8914, 2).
            ExtendedError = "dns-extended-error",
            /// An opcode that nobody assigned, or the withdrawn inverse query.
            Opcode = "dns-opcode",
            /// A response where a query should be.
            NotAQuery = "dns-not-a-query",
            /// A query where a response should be.
            NotAnAnswer = "dns-not-an-answer",
            /// A query that asks nothing.
            NoQuestion = "dns-no-question",
            /// More than one question (RFC 9619).
            ManyQuestions = "dns-many-questions",
            /// A question whose name is compressed, though nothing is there to refer to.
            QuestionPointer = "dns-question-pointer",
            /// A query that carries answers.
            QueryAnswers = "dns-query-answers",
            /// An answer with another id than the query.
            WrongId = "dns-wrong-id",
            /// An answer to another question than the query's.
            WrongQuestion = "dns-wrong-question",
            /// A DNS message over TCP that announces less than a header.
            TcpLength = "dns-tcp-length",
            /// A DNS message over TCP that does not end within its segment.
            TcpPartial = "dns-tcp-partial",
        }
    };
}
