//! What the authority of a program does with the program's config alone: the same three instructions in four programs.

/// Writes the builders of `pause`, `propose_authority` and `accept_authority` for the program whose `ID`, `accounts` and
/// `instruction` are in scope. `$config` is the address of its config.
macro_rules! authority {
    ($config:expr) => {
        /// Pauses the program until `until_slot`, at most about a week ahead. A slot that is past ends a pause.
        pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
            let accounts = accounts::Pause {
                authority: *authority,
                config: $config,
                event_authority: pda::event_authority(&ID),
                program: ID,
            };
            build(ID, accounts, instruction::Pause { until_slot })
        }

        /// Names who may take the authority over.
        pub fn propose_authority(authority: &Pubkey, new: &Pubkey) -> Instruction {
            let accounts = accounts::ProposeAuthority {
                authority: *authority,
                config: $config,
                event_authority: pda::event_authority(&ID),
                program: ID,
            };
            build(ID, accounts, instruction::ProposeAuthority { new: *new })
        }

        /// Takes the authority over.
        pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
            let accounts = accounts::AcceptAuthority {
                new_authority: *new_authority,
                config: $config,
                event_authority: pda::event_authority(&ID),
                program: ID,
            };
            build(ID, accounts, instruction::AcceptAuthority {})
        }
    };
}
pub(super) use authority;
