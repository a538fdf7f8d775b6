//! The version byte of every account's layout, checked wherever an account is read.

use anchor_lang::prelude::{
    borsh::io::{Error, ErrorKind, Read, Result},
    *,
};

/// Layout version of an account. It is the first field of every account.
///
/// An unknown version makes the reading of the whole account fail (Anchor's `AccountDidNotDeserialize`). So every
/// instruction refuses it, without a separate check that could be forgotten.
#[derive(AnchorSerialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(u8);

impl Version {
    /// An account that the present instruction is making.
    pub const UNMADE: Self = Self(0);
    /// The only layout today.
    pub const CURRENT: Self = Self(1);
}

impl AnchorDeserialize for Version {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        match Self(byte[0]) {
            known @ (Self::UNMADE | Self::CURRENT) => Ok(known),
            _ => Err(Error::from(ErrorKind::InvalidData)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_versions_are_read_and_others_refused() {
        assert_eq!(Version::try_from_slice(&[0]).unwrap(), Version::UNMADE);
        assert_eq!(Version::try_from_slice(&[1]).unwrap(), Version::CURRENT);
        for unknown in 2..=u8::MAX {
            assert!(Version::try_from_slice(&[unknown]).is_err());
        }
        assert!(Version::try_from_slice(&[]).is_err());
    }
}
