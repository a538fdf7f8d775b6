//! A self-CPI event at a lower price than `emit_cpi!`, for the instructions that have a compute budget: the same bytes
//! to the same account, copied as slices where the macro chains iterators byte by byte.

use anchor_lang::{
    Event,
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed},
};

/// Emits `event` of `program`, whose event authority (as its `#[event_cpi]` accounts have checked it) has this `bump`.
pub fn emit(program: Pubkey, authority: &AccountInfo, bump: u8, event: &impl Event) -> Result<()> {
    let body = event.data();
    let mut data = Vec::with_capacity(EVENT_IX_TAG_LE.len() + body.len());
    data.extend_from_slice(EVENT_IX_TAG_LE);
    data.extend_from_slice(&body);
    let accounts = vec![AccountMeta::new_readonly(*authority.key, true)];
    let call = Instruction { program_id: program, accounts, data };
    invoke_signed(&call, std::slice::from_ref(authority), &[&[b"__event_authority", &[bump]]]).map_err(Into::into)
}

/// Emits `first`, if there is one, and `then`.
pub fn emit_all(
    program: Pubkey,
    authority: &AccountInfo,
    bump: u8,
    first: Option<impl Event>,
    then: &impl Event,
) -> Result<()> {
    if let Some(first) = first {
        emit(program, authority, bump, &first)?;
    }
    emit(program, authority, bump, then)
}
