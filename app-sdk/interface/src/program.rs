//! The five programs by name and address.

use solana_pubkey::Pubkey;

/// One of OpenLedger's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Program {
    /// Stake positions, vote locks, operators and committees.
    Stake,
    /// Datanets, batches and grants.
    Datanet,
    /// Models and training jobs.
    Model,
    /// Payments, settlements and claims.
    Payout,
    /// Proposals and votes. It is the authority of the other programs.
    Governance,
}

impl Program {
    /// All programs, in the order in which they depend on one another.
    pub const ALL: [Self; 5] = [Self::Stake, Self::Datanet, Self::Model, Self::Payout, Self::Governance];

    /// Address of the program.
    pub const fn id(self) -> Pubkey {
        match self {
            Self::Stake => stake::ID,
            Self::Datanet => datanet::ID,
            Self::Model => model::ID,
            Self::Payout => payout::ID,
            Self::Governance => governance::ID,
        }
    }

    /// Name of the program, which is also that of its crate and of its `.so` file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Datanet => "datanet",
            Self::Model => "model",
            Self::Payout => "payout",
            Self::Governance => "governance",
        }
    }

    /// Returns the program with this address, or `None` if it is not one of ours.
    pub fn from_id(id: &Pubkey) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.id() == *id)
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
