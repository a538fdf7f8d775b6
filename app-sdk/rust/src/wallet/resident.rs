//! A signer that stays on one thread.

use crate::error::SdkError;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::{Signer, SignerError};
use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

/// A signer on a thread of its own, for one that cannot move between threads. The handle of a device is like that. It signs
/// one message after another.
pub struct Resident {
    address: Pubkey,
    is_interactive: bool,
    requests: Mutex<mpsc::Sender<Request>>,
}

/// A message, and where its signature goes.
struct Request {
    message: Vec<u8>,
    answer: mpsc::Sender<Result<Signature, SignerError>>,
}

impl Resident {
    /// Starts the thread, which makes the signer with `find`. Fails if that fails. The thread ends with this value.
    pub fn start<S: Signer>(find: impl FnOnce() -> Result<S, SdkError> + Send + 'static) -> Result<Self, SdkError> {
        let (requests, queue) = mpsc::channel::<Request>();
        let (found, finding) = mpsc::channel();
        let serve = move || {
            let signer = match find().and_then(|s| Ok((s.try_pubkey()?, s))) {
                Ok((address, signer)) => {
                    let _ = found.send(Ok((address, signer.is_interactive())));
                    signer
                }
                Err(error) => {
                    let _ = found.send(Err(error));
                    return;
                }
            };
            for Request { message, answer } in queue {
                let _ = answer.send(signer.try_sign_message(&message));
            }
        };
        thread::Builder::new().name("signer".into()).spawn(serve).map_err(|e| gone(&e.to_string()))?;
        let (address, is_interactive) = finding.recv().map_err(|_| gone("its thread ended"))??;
        Ok(Self { address, is_interactive, requests: Mutex::new(requests) })
    }
}

fn gone(why: &str) -> SignerError {
    SignerError::Connection(format!("the signer has gone: {why}"))
}

impl Signer for Resident {
    fn try_pubkey(&self) -> Result<Pubkey, SignerError> {
        Ok(self.address)
    }

    fn try_sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let (answer, signed) = mpsc::channel();
        let request = Request { message: message.to_vec(), answer };
        let sent = self.requests.lock().unwrap_or_else(PoisonError::into_inner).send(request);
        sent.map_err(|_| gone("its thread ended"))?;
        signed.recv().map_err(|_| gone("its thread ended"))?
    }

    fn is_interactive(&self) -> bool {
        self.is_interactive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::AnySigner;
    use solana_keypair::Keypair;
    use std::rc::Rc;

    /// A device that cannot move between threads, and refuses what is not for it.
    struct Device(Rc<Keypair>);

    impl Signer for Device {
        fn try_pubkey(&self) -> Result<Pubkey, SignerError> {
            self.0.try_pubkey()
        }

        fn try_sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
            match message {
                b"no" => Err(SignerError::UserCancel("pressed no".into())),
                _ => self.0.try_sign_message(message),
            }
        }

        fn is_interactive(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_device_that_cannot_move_signs_for_every_thread_and_what_it_refuses_is_told() {
        let key = Keypair::new_from_array([3; 32]);
        let resident = Resident::start(|| Ok(Device(Rc::new(Keypair::new_from_array([3; 32]))))).unwrap();
        let signer: Box<AnySigner> = Box::new(resident);
        assert!(signer.is_interactive() && signer.pubkey() == key.pubkey());
        thread::scope(|scope| {
            for n in 0..4_u8 {
                let (signer, key) = (&signer, &key);
                scope.spawn(move || assert_eq!(signer.sign_message(&[n]), key.sign_message(&[n])));
            }
        });
        assert_eq!(signer.try_sign_message(b"no"), Err(SignerError::UserCancel("pressed no".into())));
        assert_eq!(signer.sign_message(b"yes"), key.sign_message(b"yes"), "it goes on afterwards");
    }

    #[test]
    fn a_signer_that_is_not_found_is_the_error_of_whoever_looked() {
        let error = Resident::start(|| Err::<Keypair, _>(SdkError::Input("no device".into()))).err().unwrap();
        assert_eq!(error.to_string(), "no device");
    }
}
