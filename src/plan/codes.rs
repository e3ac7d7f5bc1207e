//! Codes that documents and screens know something by: each is listed once, with its text and what it says. Pure.

/// Declares an enum of codes, in the order in which they are shown.
macro_rules! codes {
    (
        $(#[$of_all:meta])*
        pub enum $name:ident {
            $($(#[$of_one:meta])* $code:ident = $text:literal,)+
        }
    ) => {
        $(#[$of_all])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$of_one])* #[serde(rename = $text)] $code,)+
        }

        impl $name {
            /// Every one, in the order in which they are shown.
            pub const ALL: [$name; [$($text),+].len()] = [$($name::$code),+];

            /// As it is written in documents and on screen.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$code => $text,)+
                }
            }
        }
    };
}

pub(super) use codes;
