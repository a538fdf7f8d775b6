//! Reading an attested message back from its bytes.

use openledger_protocol::attest::{DOMAIN, Kind, MESSAGE_LEN, Message};

/// The message with these bytes. `None` if they are not a message.
pub fn parse_message(bytes: &[u8]) -> Option<Message> {
    if bytes.len() != MESSAGE_LEN || !bytes.starts_with(&DOMAIN) {
        return None;
    }
    let mut rest = &bytes[DOMAIN.len()..];
    let cluster = take(&mut rest)?;
    let program = take(&mut rest)?;
    let committee_epoch = u64::from_le_bytes(take(&mut rest)?);
    let kind = Kind::from_u16(u16::from_le_bytes(take(&mut rest)?))?;
    let subject = take(&mut rest)?;
    let sequence = u64::from_le_bytes(take(&mut rest)?);
    let payload = take(&mut rest)?;
    let expiry_slot = u64::from_le_bytes(take(&mut rest)?);
    Some(Message { cluster, program, committee_epoch, kind, subject, sequence, payload, expiry_slot })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_from_its_bytes_and_nothing_else_does() {
        for kind in Kind::ALL {
            let message = Message {
                cluster: [1; 32],
                program: [2; 32],
                committee_epoch: 3,
                kind,
                subject: [4; 32],
                sequence: 5,
                payload: [6; 32],
                expiry_slot: 7,
            };
            let bytes = message.to_bytes();
            assert_eq!(parse_message(&bytes), Some(message));
            assert_eq!(parse_message(&bytes[1..]), None);
            let mut other = bytes;
            other[0] ^= 1;
            assert_eq!(parse_message(&other), None);
            let mut unknown = bytes;
            unknown[24 + 32 + 32 + 8] = 99;
            assert_eq!(parse_message(&unknown), None);
        }
    }
}
