//! A fresh SVM with the programs, the mint and the wallets of a test.

use crate::{
    SUPPLY,
    keys::{Key, key},
    tx::{Failed, Sent},
};
use anchor_lang::{
    AccountDeserialize, AccountSerialize, Discriminator, Owner,
    solana_program::bpf_loader_upgradeable::UpgradeableLoaderState,
};
use litesvm::LiteSVM;
use openledger_interface::{Program, pda};
use solana_account::{Account, ReadableAccount};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_message::Message;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::Transaction;
use spl_token_interface::state::{Account as TokenAccount, AccountState, Mint};
use std::path::PathBuf;

/// A compiled program. If it is missing, panics with a message that says what to do.
pub fn binary(program: Program) -> Vec<u8> {
    let folder = std::env::var_os("OPENLEDGER_PROGRAMS_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
            PathBuf::from(std::env::var_os("HOME").expect("HOME or XDG_CACHE_HOME is set")).join(".cache")
        });
        cache.join("openledger/sbf-target/deploy")
    });
    let path = folder.join(format!("{program}.so"));
    std::fs::read(&path).unwrap_or_else(|e| {
        panic!("no compiled program at {}: {e}; run `cargo xtask build-programs` first", path.display())
    })
}

/// A fresh SVM with programs, the OPEN mint and an authority.
pub struct World {
    /// The SVM.
    pub svm: LiteSVM,
    /// Upgrade authority of every program and authority of every config.
    pub authority: Key,
    /// The OPEN mint.
    pub mint: Pubkey,
    /// Genesis hash that the stake config is initialised with.
    pub cluster: [u8; 32],
    /// Pays all fees, so that fees do not change the balances of a test's wallets.
    payer: Key,
    /// Number of wallets made.
    wallets: u32,
    /// PDAs that sign without a key.
    puppets: Vec<Pubkey>,
}

impl Clone for World {
    /// An independent copy of the world. Both share accounts until one of them writes them.
    fn clone(&self) -> Self {
        Self {
            svm: self.svm.clone(),
            authority: self.authority.insecure_clone(),
            payer: self.payer.insecure_clone(),
            puppets: self.puppets.clone(),
            ..*self
        }
    }
}

impl World {
    /// A world with these programs deployed and nothing initialised.
    pub fn new(programs: &[Program]) -> Self {
        let mut svm = LiteSVM::new();
        let (authority, payer, mint) = (key("authority"), key("payer"), key("mint").pubkey());
        for program in programs {
            svm.add_program(program.id(), &binary(*program)).expect("a valid program");
            let address = pda::program_data(&program.id());
            let mut data = svm.get_account(&address).expect("made by add_program");
            let state =
                UpgradeableLoaderState::ProgramData { slot: 0, upgrade_authority_address: Some(authority.pubkey()) };
            bincode::serialize_into(&mut data.data[..], &state).expect("there is room for the head");
            svm.set_account(address, data).expect("an ordinary account");
        }
        svm.warp_to_slot(1_000);
        let mut world = Self { svm, authority, mint, cluster: [7; 32], payer, wallets: 0, puppets: vec![] };
        for who in [world.authority.pubkey(), world.payer.pubkey()] {
            world.airdrop(&who);
        }
        world.put_mint(mint, 9);
        world.put_token(key("bank account").pubkey(), mint, key("bank").pubkey(), SUPPLY);
        world
    }

    /// Sets a mint's account, with OPEN's supply minted.
    pub fn put_mint(&mut self, address: Pubkey, decimals: u8) {
        let mint = Mint { supply: SUPPLY, decimals, is_initialized: true, ..Mint::default() };
        let mut data = vec![0; Mint::LEN];
        Mint::pack(mint, &mut data).expect("fits");
        self.put_raw(address, spl_token_interface::ID, data);
    }

    /// Sets a token account.
    pub fn put_token(&mut self, address: Pubkey, mint: Pubkey, owner: Pubkey, amount: u64) {
        let token = TokenAccount { mint, owner, amount, state: AccountState::Initialized, ..TokenAccount::default() };
        let mut data = vec![0; TokenAccount::LEN];
        TokenAccount::pack(token, &mut data).expect("fits");
        self.put_raw(address, spl_token_interface::ID, data);
    }

    /// Sets an account of a program. It is a fixture for an account that another program would make.
    pub fn put<T: AccountSerialize + Owner>(&mut self, address: Pubkey, value: &T) {
        let mut data = vec![];
        value.try_serialize(&mut data).expect("serialises");
        self.put_raw(address, T::owner(), data);
    }

    /// Changes an account of a program in place. It is a fixture for a change that the program would make.
    pub fn edit<T: AccountDeserialize + AccountSerialize + Owner>(
        &mut self,
        address: Pubkey,
        change: impl FnOnce(&mut T),
    ) {
        let mut account = self.svm.get_account(&address).expect("the account exists");
        let mut value = T::try_deserialize(&mut &account.data[..]).expect("an account of this type");
        change(&mut value);
        value.try_serialize(&mut &mut account.data[..]).expect("it fits where it was");
        self.svm.set_account(address, account).expect("an ordinary account");
    }

    /// Sets an account's bytes and owner, rent-exempt.
    pub fn put_raw(&mut self, address: Pubkey, owner: Pubkey, data: Vec<u8>) {
        let lamports = self.svm.minimum_balance_for_rent_exemption(data.len());
        let account = Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX };
        self.svm.set_account(address, account).expect("an ordinary account");
    }

    /// Gives SOL.
    pub fn airdrop(&mut self, who: &Pubkey) {
        self.svm.airdrop(who, 100_000_000_000).expect("the faucet has enough");
    }

    /// A new wallet with SOL and `open` base units of OPEN in its associated token account.
    pub fn wallet(&mut self, open: u64) -> Key {
        self.wallets += 1;
        let wallet = key(&format!("wallet {}", self.wallets));
        self.airdrop(&wallet.pubkey());
        self.fund(&wallet.pubkey(), open);
        wallet
    }

    /// Moves OPEN from the bank to a wallet's associated token account, and makes that account if it is missing.
    pub fn fund(&mut self, wallet: &Pubkey, open: u64) {
        let (bank, ata) = (key("bank account").pubkey(), self.ata(wallet));
        let left = self.balance(&bank).checked_sub(open).expect("the bank has enough");
        let has = if self.svm.get_account(&ata).is_some() { self.balance(&ata) } else { 0 };
        self.put_token(bank, self.mint, key("bank").pubkey(), left);
        self.put_token(ata, self.mint, *wallet, has + open);
    }

    /// A wallet's associated token account for OPEN.
    pub fn ata(&self, wallet: &Pubkey) -> Pubkey {
        pda::token_account(wallet, &self.mint)
    }

    /// A token account's balance.
    #[track_caller]
    pub fn balance(&self, token: &Pubkey) -> u64 {
        let account = self.svm.get_account(token).expect("the token account exists");
        TokenAccount::unpack(&account.data).expect("a token account").amount
    }

    /// Base units of OPEN in a wallet's associated token account; 0 if there is no account.
    pub fn open_of(&self, wallet: &Pubkey) -> u64 {
        let ata = self.ata(wallet);
        if self.svm.get_account(&ata).is_some() { self.balance(&ata) } else { 0 }
    }

    /// Lets a PDA sign from now on, as in a call by its program. Signatures are no longer verified.
    pub fn let_sign(&mut self, address: Pubkey) {
        self.svm = self.svm.clone().with_sigverify(false);
        self.puppets.push(address);
    }

    /// Whether this address signs without a key.
    pub fn is_puppet(&self, address: &Pubkey) -> bool {
        self.puppets.contains(address)
    }

    /// The wallet that pays all fees.
    pub fn payer(&self) -> Pubkey {
        self.payer.pubkey()
    }

    /// Every account of a program that is of type `T`, in order of address.
    pub fn all<T: AccountDeserialize + Discriminator + Owner>(&self) -> Vec<(Pubkey, T)> {
        let accounts = self.svm.accounts_db().inner.iter();
        let mut found: Vec<_> = accounts
            .filter(|(_, a)| *a.owner() == T::owner() && a.data().starts_with(T::DISCRIMINATOR))
            .map(|(address, a)| (*address, T::try_deserialize(&mut a.data()).expect("an account of this type")))
            .collect();
        found.sort_by_key(|(address, _)| *address);
        found
    }

    /// OPEN in all token accounts, of both token programs.
    pub fn open_in_all(&self) -> u128 {
        let accounts = self.svm.accounts_db().inner.values();
        let tokens = [spl_token_interface::ID, spl_token_2022_interface::ID];
        accounts
            .filter(|a| tokens.contains(a.owner()) && a.data().len() >= TokenAccount::LEN)
            .filter(|a| a.data()[..32] == *self.mint.as_ref())
            .map(|a| u128::from(u64::from_le_bytes(a.data()[64..72].try_into().expect("8 bytes"))))
            .sum()
    }

    /// The slot now.
    pub fn slot(&self) -> u64 {
        self.svm.get_sysvar::<solana_clock::Clock>().slot
    }

    /// Lets `slots` pass.
    pub fn pass(&mut self, slots: u64) {
        self.svm.warp_to_slot(self.slot() + slots);
    }

    /// An account of an Anchor program. `None` if there is none.
    pub fn find<T: AccountDeserialize + Owner>(&self, address: &Pubkey) -> Option<T> {
        let account = self.svm.get_account(address).filter(|a| a.owner == T::owner())?;
        Some(T::try_deserialize(&mut &account.data[..]).expect("an account of this type"))
    }

    /// An account of an Anchor program that must be there.
    #[track_caller]
    pub fn get<T: AccountDeserialize + Owner>(&self, address: &Pubkey) -> T {
        self.find(address).expect("the account exists")
    }

    /// Sends the instructions in one transaction signed by `signers`. The world pays the fees.
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&Key]) -> Result<Sent, Failed> {
        self.svm.expire_blockhash();
        let transaction = self.transaction(instructions, signers);
        self.svm.send_transaction(transaction).map(Sent::from).map_err(Box::new)
    }

    /// Sends the instructions with empty signatures. It is for an SVM that does not verify signatures, so that a PDA
    /// can sign as in a call by its program.
    pub fn send_unverified(&mut self, instructions: &[Instruction]) -> Result<Sent, Failed> {
        self.svm.expire_blockhash();
        let message =
            Message::new_with_blockhash(instructions, Some(&self.payer.pubkey()), &self.svm.latest_blockhash());
        let transaction = Transaction::new_unsigned(message);
        self.svm.send_transaction(transaction).map(Sent::from).map_err(Box::new)
    }

    /// Bytes of the transaction that [`send`](Self::send) would send.
    pub fn size(&self, instructions: &[Instruction], signers: &[&Key]) -> usize {
        bincode::serialized_size(&self.transaction(instructions, signers)).expect("serialises") as usize
    }

    fn transaction(&self, instructions: &[Instruction], signers: &[&Key]) -> Transaction {
        let mut all = vec![&self.payer];
        for signer in signers {
            if !all.iter().any(|s| s.pubkey() == signer.pubkey()) {
                all.push(signer);
            }
        }
        let (payer, blockhash) = (self.payer(), self.svm.latest_blockhash());
        let mut transaction = Transaction::new_with_payer(instructions, Some(&payer));
        transaction.partial_sign(&all, blockhash);
        // A missing signature is a mistake of the test, unless the signer is in `puppets`.
        let missing =
            |(key, signature): (&Pubkey, &Signature)| *signature == Signature::default() && !self.is_puppet(key);
        let mut signatures = transaction.message.account_keys.iter().zip(&transaction.signatures);
        assert!(!signatures.any(missing), "somebody who must sign was not given");
        transaction
    }
}
