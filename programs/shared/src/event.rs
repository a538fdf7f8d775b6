//! Emits events as calls of a program to itself. Nodes truncate logs, but not the data of such calls.
//!
//! The bytes and accounts are those of Anchor's `emit_cpi!`. This costs fewer compute units, because it copies slices
//! where the macro chains iterators byte by byte.

use anchor_lang::{
    Event,
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed},
};

/// The emitter of one program's events.
pub struct Emitter {
    /// The program.
    program: Pubkey,
    /// Bump of its event authority.
    bump: u8,
}

impl Emitter {
    /// The emitter of `program`, whose event authority has this `bump`.
    pub const fn new(program: Pubkey, bump: u8) -> Self {
        Self { program, bump }
    }

    /// Emits `event`. The instruction's `#[event_cpi]` accounts must have checked `authority`.
    pub fn emit(&self, authority: &AccountInfo, event: &impl Event) -> Result<()> {
        let body = event.data();
        let mut data = Vec::with_capacity(EVENT_IX_TAG_LE.len() + body.len());
        data.extend_from_slice(EVENT_IX_TAG_LE);
        data.extend_from_slice(&body);
        let accounts = vec![AccountMeta::new_readonly(*authority.key, true)];
        let call = Instruction { program_id: self.program, accounts, data };
        let seeds: &[&[u8]] = &[b"__event_authority", &[self.bump]];
        invoke_signed(&call, std::slice::from_ref(authority), &[seeds]).map_err(Into::into)
    }

    /// Emits `first`, if there is one, and `then`.
    pub fn emit_all(&self, authority: &AccountInfo, first: Option<impl Event>, then: &impl Event) -> Result<()> {
        if let Some(first) = first {
            self.emit(authority, &first)?;
        }
        self.emit(authority, then)
    }
}
