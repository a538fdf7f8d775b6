//! The enum over the events of all programs.

use super::json::Field;
use crate::{generated::events::every_event, program::Program};
use anchor_lang::{AnchorDeserialize, Discriminator};
use serde_json::{Map, Value};
use solana_pubkey::Pubkey;
use std::io;

/// [`datanet::events::Contributed`] together with the leaf hashes of its instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributed {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// Place of the first leaf of this instruction in the batch.
    pub first: u64,
    /// Number of leaves of this instruction.
    pub count: u32,
    /// The leaf hashes, `count` of them, in order.
    pub leaves: Vec<[u8; 32]>,
}

/// Declares [`Event`] from the table of all events except [`Contributed`], which is written by hand. The struct
/// patterns are exhaustive. A new field in a program therefore fails the build here until the table is generated again.
macro_rules! declare {
    ($($program:ident $krate:ident {
        $($variant:ident: $name:ident { $subject:ident, $sequence:ident $(, $field:ident)* })*
    })*) => {
        /// An event of one of the programs. The structs are the programs' own, except [`Contributed`].
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Event {
            $($($variant($krate::events::$name),)*)*
            Contributed(Contributed),
        }

        impl Event {
            /// The event's name, unique over all programs.
            pub fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => stringify!($variant),)*)*
                    Self::Contributed(_) => CONTRIBUTED,
                }
            }

            /// The names of all events.
            pub const NAMES: &'static [&'static str] = &[$($(stringify!($variant),)*)* CONTRIBUTED];

            /// The program whose events have this name. `None` if no program's have it.
            pub fn program_of(name: &str) -> Option<Program> {
                match name {
                    $($(stringify!($variant) => Some(Program::$program),)*)*
                    _ if name == CONTRIBUTED => Some(Program::Datanet),
                    _ => None,
                }
            }

            /// The program that emitted it.
            pub fn program(&self) -> Program {
                match self {
                    $($(Self::$variant(_) => Program::$program,)*)*
                    Self::Contributed(_) => Program::Datanet,
                }
            }

            /// The event's subject: the account that numbers it.
            pub fn subject(&self) -> Pubkey {
                match self {
                    $($(Self::$variant(e) => e.$subject,)*)*
                    Self::Contributed(e) => e.batch,
                }
            }

            /// The event's number among its subject's events, from 0 without gaps.
            pub fn sequence(&self) -> u64 {
                match self {
                    $($(Self::$variant(e) => e.$sequence,)*)*
                    Self::Contributed(e) => e.sequence,
                }
            }

            /// The event's fields as JSON. Keys are in Base58, hashes in hex, and every u64 is a decimal string.
            pub fn to_json(&self) -> Value {
                match self {
                    $($(Self::$variant(e) => {
                        #[allow(clippy::items_after_statements)]
                        let $krate::events::$name { $subject, $sequence $(, $field)* } = e;
                        object([
                            (stringify!($subject), $subject.json()),
                            (stringify!($sequence), $sequence.json()),
                            $((stringify!($field), $field.json()),)*
                        ])
                    })*)*
                    Self::Contributed(Contributed { batch, sequence, first, count, leaves }) => object([
                        ("batch", batch.json()),
                        ("sequence", sequence.json()),
                        ("first", first.json()),
                        ("count", count.json()),
                        ("leaves", leaves.json()),
                    ]),
                }
            }
        }

        /// Decodes an event of the table. Returns `None` for an unknown discriminator.
        fn parse_listed(program: Program, data: &[u8]) -> Result<Option<Event>, Malformed> {
            match program {
                $(Program::$program => {
                    $(if let Some(event) = read::<$krate::events::$name>(stringify!($variant), data)? {
                        return Ok(Some(Event::$variant(event)));
                    })*
                })*
            }
            Ok(None)
        }
    };
}

every_event!(declare);

const CONTRIBUTED: &str = "Contributed";

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value))))
}

/// A decoded event. A `Contributed` event still lacks its leaves.
pub(super) enum Parsed {
    /// A complete event.
    Event(Event),
    /// A `Contributed` event that still needs the leaves of its instruction.
    Contributed(datanet::events::Contributed),
}

/// The name of an event whose bytes do not match its layout, and Borsh's error.
pub(super) type Malformed = (&'static str, io::Error);

/// Decodes the bytes of an event of `program`: discriminator and Borsh. Returns `None` for an unknown discriminator. It
/// tolerates bytes behind the known fields, because a later version of the program may append fields.
pub(super) fn parse(program: Program, data: &[u8]) -> Result<Option<Parsed>, Malformed> {
    if program == Program::Datanet
        && let Some(event) = read(CONTRIBUTED, data)?
    {
        return Ok(Some(Parsed::Contributed(event)));
    }
    Ok(parse_listed(program, data)?.map(Parsed::Event))
}

/// Decodes the event of type `T`, named `name`. Returns `None` if the bytes have another discriminator.
fn read<T: Discriminator + AnchorDeserialize>(name: &'static str, data: &[u8]) -> Result<Option<T>, Malformed> {
    let Some(mut body) = data.strip_prefix(T::DISCRIMINATOR) else { return Ok(None) };
    T::deserialize(&mut body).map(Some).map_err(|source| (name, source))
}
