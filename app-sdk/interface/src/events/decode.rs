//! Decodes executed instructions into their events.

use super::event::{Contributed, Event, Parsed, parse};
use crate::program::Program;
use anchor_lang::{AnchorDeserialize, Discriminator, event::EVENT_IX_TAG_LE};
use solana_pubkey::Pubkey;

/// An instruction that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The program that executed it.
    pub program: Pubkey,
    /// Its accounts.
    pub accounts: Vec<Pubkey>,
    /// Its data.
    pub data: Vec<u8>,
}

/// Why instructions could not be decoded. Every case means a fault of the node or a program newer than this crate.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// One of our programs emitted an event that this crate does not know.
    #[error("program {program} emitted an unknown event with discriminator {discriminator}: upgrade this software")]
    Unknown {
        /// The program.
        program: &'static str,
        /// The event's first eight bytes in hex.
        discriminator: String,
    },
    /// An event's bytes do not match its layout.
    #[error("event {event} of program {program} does not decode: {source}; upgrade this software")]
    Layout {
        /// The program.
        program: &'static str,
        /// The event.
        event: &'static str,
        /// Borsh's error.
        source: std::io::Error,
    },
    /// A `Contributed` event does not match the instruction before it.
    #[error("batch {batch}: the event counts {event} leaves, the instruction carries {instruction}")]
    Leaves {
        /// The batch.
        batch: String,
        /// Number of leaves according to the event.
        event: u32,
        /// Number of leaves in the instruction.
        instruction: usize,
    },
}

/// Decodes the events among `instructions`, which must be in the order of execution. Joins each `Contributed` event to
/// the leaves of its instruction. Fails if one of the events does not decode.
pub fn decode_instructions(instructions: &[Executed]) -> Result<Vec<Event>, DecodeError> {
    decode_each(instructions).into_iter().collect()
}

/// Like [`decode_instructions`], for whoever goes on without an event that does not decode. The results are in the order
/// of emission, one for each event.
pub fn decode_each(instructions: &[Executed]) -> Vec<Result<Event, DecodeError>> {
    let mut out = Vec::new();
    let mut leaves: Leaves = None;
    for ix in instructions {
        let Some(program) = Program::from_id(&ix.program) else { continue };
        if let Some(data) = ix.data.strip_prefix(EVENT_IX_TAG_LE) {
            // Only the program itself can sign for its event authority, so the event of a successful transaction is
            // genuine.
            out.push(read(program, data, &mut leaves));
        } else if program == Program::Datanet
            && let Some(mut args) = ix.data.strip_prefix(datanet::instruction::Contribute::DISCRIMINATOR)
        {
            // A `contribute` emits its event before another one can begin, so one variable is enough.
            leaves = Some(Vec::<[u8; 32]>::deserialize(&mut args));
        }
    }
    out
}

/// The leaves of the last `contribute`, if its event has not come yet and they could be read.
type Leaves = Option<std::io::Result<Vec<[u8; 32]>>>;

fn read(program: Program, data: &[u8], leaves: &mut Leaves) -> Result<Event, DecodeError> {
    let layout = |event, source| DecodeError::Layout { program: program.name(), event, source };
    match parse(program, data).map_err(|(event, source)| layout(event, source))? {
        Some(Parsed::Event(event)) => Ok(event),
        Some(Parsed::Contributed(event)) => {
            let leaves = leaves.take().transpose().map_err(|source| layout("contribute", source))?;
            Ok(Event::Contributed(join(event, leaves.unwrap_or_default())?))
        }
        None => {
            let discriminator = hex::encode(&data[..data.len().min(8)]);
            Err(DecodeError::Unknown { program: program.name(), discriminator })
        }
    }
}

fn join(event: datanet::events::Contributed, leaves: Vec<[u8; 32]>) -> Result<Contributed, DecodeError> {
    if leaves.len() != event.count as usize {
        let batch = event.batch.to_string();
        return Err(DecodeError::Leaves { batch, event: event.count, instruction: leaves.len() });
    }
    let datanet::events::Contributed { batch, sequence, first, count } = event;
    Ok(Contributed { batch, sequence, first, count, leaves })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pda;
    use anchor_lang::Event as _;

    /// Makes the inner instruction that `emit_cpi!` makes.
    fn emitted(program: Program, event: Vec<u8>) -> Executed {
        let accounts = vec![pda::event_authority(&program.id())];
        Executed { program: program.id(), accounts, data: [EVENT_IX_TAG_LE.to_vec(), event].concat() }
    }

    fn contribute(batch: Pubkey, leaves: &[[u8; 32]]) -> Executed {
        let mut data = datanet::instruction::Contribute::DISCRIMINATOR.to_vec();
        data.extend(borsh::to_vec(leaves).unwrap());
        Executed { program: datanet::ID, accounts: vec![Pubkey::new_unique(), batch], data }
    }

    fn contributed(batch: Pubkey, first: u64, count: u32) -> Executed {
        emitted(Program::Datanet, datanet::events::Contributed { batch, sequence: 4, first, count }.data())
    }

    #[test]
    fn decodes_an_event_as_emit_cpi_writes_it_and_skips_everything_else() {
        let paid = payout::events::Claimed {
            claim: Pubkey::new_unique(),
            sequence: 3,
            wallet: Pubkey::new_unique(),
            pool: payout::state::Pool::Validators,
            paid: u64::MAX,
            lifetime: u64::MAX,
            shard: Pubkey::new_unique(),
        };
        let foreign = Executed { program: Pubkey::new_unique(), accounts: vec![], data: EVENT_IX_TAG_LE.to_vec() };
        let call = Executed { program: payout::ID, accounts: vec![], data: vec![1; 20] };
        let events = decode_instructions(&[foreign, call, emitted(Program::Payout, paid.data())]).unwrap();
        assert_eq!(events, [Event::Claimed(paid.clone())]);
        let e = &events[0];
        assert_eq!((e.name(), e.program(), e.subject(), e.sequence()), ("Claimed", Program::Payout, paid.claim, 3));
        let json = e.to_json();
        assert_eq!(json["paid"], "18446744073709551615");
        assert_eq!(json["pool"], "validators");
        assert_eq!(json["wallet"], paid.wallet.to_string());
    }

    #[test]
    fn same_named_events_of_two_programs_stay_apart() {
        let (config, authority) = (Pubkey::new_unique(), Pubkey::new_unique());
        let a = stake::events::ConfigChanged { config, sequence: 0, authority, pending_authority: None };
        let b = model::events::ConfigChanged {
            config,
            sequence: 0,
            authority,
            pending_authority: Some(config),
            job_slots: 1,
            assign_slots: 2,
            heartbeat_slots: 3,
            data_share_bps: 4,
        };
        let events =
            decode_instructions(&[emitted(Program::Stake, a.data()), emitted(Program::Model, b.data())]).unwrap();
        assert_eq!(events, [Event::StakeConfigChanged(a), Event::ModelConfigChanged(b)]);
    }

    #[test]
    fn a_pause_is_told_alike_by_each_program_that_has_one() {
        let (config, sequence, paused_until) = (Pubkey::new_unique(), 7, 9);
        let stake = stake::events::Paused { config, sequence, paused_until };
        let datanet = datanet::events::Paused { config, sequence, paused_until };
        let model = model::events::Paused { config, sequence, paused_until };
        let payout = payout::events::Paused { config, sequence, paused_until };
        let bytes = stake.data();
        let told = [
            (Program::Stake, stake.data(), Event::StakePaused(stake)),
            (Program::Datanet, datanet.data(), Event::DatanetPaused(datanet)),
            (Program::Model, model.data(), Event::ModelPaused(model)),
            (Program::Payout, payout.data(), Event::PayoutPaused(payout)),
        ];
        for (program, data, event) in told {
            assert_eq!(data, bytes, "{program:?}");
            assert_eq!(decode_instructions(&[emitted(program, data)]).unwrap(), std::slice::from_ref(&event));
            assert_eq!((event.subject(), event.sequence()), (config, sequence));
            assert_eq!(event.to_json()["paused_until"], "9");
        }
    }

    #[test]
    fn leaves_of_each_contribute_join_their_own_event() {
        let batch = Pubkey::new_unique();
        let events = decode_instructions(&[
            contribute(batch, &[[1; 32], [2; 32]]),
            contributed(batch, 0, 2),
            contribute(batch, &[[3; 32]]),
            contributed(batch, 2, 1),
        ])
        .unwrap();
        let leaves: Vec<_> = events
            .iter()
            .map(|e| match e {
                Event::Contributed(c) => (c.first, c.leaves.clone()),
                other => panic!("{}", other.name()),
            })
            .collect();
        assert_eq!(leaves, [(0, vec![[1; 32], [2; 32]]), (2, vec![[3; 32]])]);
    }

    #[test]
    fn an_event_that_does_not_fit_its_instruction_is_an_error_not_a_gap() {
        let batch = Pubkey::new_unique();
        let short = decode_instructions(&[contribute(batch, &[[1; 32]]), contributed(batch, 0, 2)]);
        assert!(matches!(short, Err(DecodeError::Leaves { event: 2, instruction: 1, .. })));
        let none = decode_instructions(&[contributed(batch, 0, 1)]);
        assert!(matches!(none, Err(DecodeError::Leaves { event: 1, instruction: 0, .. })));
    }

    #[test]
    fn an_event_that_does_not_decode_hides_no_other() {
        let (batch, withdrawn) =
            (Pubkey::new_unique(), stake::events::Withdrawn { position: Pubkey::new_unique(), sequence: 0, paid: 1 });
        let each = decode_each(&[
            emitted(Program::Stake, vec![9; 12]),
            emitted(Program::Stake, withdrawn.data()),
            contributed(batch, 0, 1),
            contribute(batch, &[[1; 32]]),
            contributed(batch, 0, 1),
        ]);
        let kinds: Vec<_> = each.iter().map(|e| e.as_ref().map(Event::name).map_err(ToString::to_string)).collect();
        assert!(
            matches!(&kinds[..], [Err(unknown), Ok("Withdrawn"), Err(leaves), Ok("Contributed")]
            if unknown.contains("unknown event") && leaves.contains("carries 0")),
            "{kinds:?}"
        );
    }

    #[test]
    fn an_unknown_or_truncated_event_is_an_error() {
        let unknown = decode_instructions(&[emitted(Program::Stake, vec![9; 12])]);
        assert!(matches!(unknown, Err(DecodeError::Unknown { .. })), "{unknown:?}");
        let mut data = stake::events::Withdrawn { position: Pubkey::new_unique(), sequence: 0, paid: 1 }.data();
        data.pop();
        let truncated = decode_instructions(&[emitted(Program::Stake, data)]);
        assert!(matches!(truncated, Err(DecodeError::Layout { event: "Withdrawn", .. })), "{truncated:?}");
    }
}
