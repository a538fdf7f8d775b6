//! The bill of the programs: the cost of every instruction and of a million contributions and payments, beside the cost
//! with other programs on Solana.

use std::{collections::BTreeMap, env, fmt::Write, fs, process::Command};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{
    examples::{example, folder},
    machine,
    options::Options,
};
use crate::{cargo::cargo, paths, process, programs, progress::say, setup};

/// Number of contributions and of contributors in the computed bills.
const MILLION: u64 = 1_000_000;
/// Lamports of a signature.
const SIGNATURE: u64 = 5_000;
/// Lamports of a SOL.
const SOL: f64 = 1e9;
/// Bytes of the larger transactions that some clusters accept (SIMD-0296).
const LARGE_TRANSACTION: u64 = 4_096;
/// Most contributions of one batch.
const MOST_IN_BATCH: u64 = (1 << 16) - 1;
/// Most contributions of one batch in bulk.
const MOST_IN_BULK: u64 = 1 << 20;

/// The cost of one instruction, as the example `bill` measures it.
#[derive(Clone, Copy, Deserialize, Serialize)]
struct Cost {
    units: u64,
    made: u64,
    rent: u64,
    returned: u64,
    size: u64,
    signatures: u64,
    writes: u64,
}

/// The output of the example `bill`.
#[derive(Deserialize)]
struct Measured {
    bill: BTreeMap<String, Cost>,
    claims_per_second: f64,
    claims: u64,
    shards: u8,
    /// Rent of an empty account in lamports, and lamports for every further byte.
    rent_of_none: u64,
    rent_of_byte: u64,
}

/// Measures and prints. With `--record` also writes the page.
pub fn run(options: &Options) -> Result<()> {
    let deployed = match env::var_os("OPENLEDGER_PROGRAMS_DIR") {
        // The programs are compiled already.
        Some(folder) => folder.into(),
        None => {
            let toolchain = setup::run()?;
            programs::build(&toolchain, &programs::chosen(&[]))?;
            paths::programs()?
        }
    };
    say("compiling the bill");
    let mut build = cargo()?;
    build.args(["build", "--workspace", "--example", "bill"]);
    process::run(build, "compiling the bill")?;
    let mut bill: Command = example("bill", [] as [&str; 0])?;
    bill.env("OPENLEDGER_PROGRAMS_DIR", deployed);
    let output = process::output(bill, "measuring the programs")?;
    let out = folder("programs")?;
    fs::create_dir_all(&out)?;
    fs::write(out.join("programs.json"), &output)?;
    let measured: Measured = serde_json::from_str(&output).context("the bill is not what it should be")?;
    let page = markdown(&measured, &machine::describe())?;
    print!("{page}");
    say(&format!("the figures are in {}", out.display()));
    if options.record {
        let page_at = paths::root().join("docs/benchmarks/programs.md");
        fs::write(&page_at, page).with_context(|| format!("cannot write {}", page_at.display()))?;
        let bill_at = paths::root().join("tests/programs/bill.json");
        fs::write(&bill_at, serde_json::to_string_pretty(&measured.bill)? + "\n")?;
        say(&format!("wrote {} and {}", page_at.display(), bill_at.display()));
    }
    Ok(())
}

impl Measured {
    fn of(&self, name: &str) -> Result<Cost> {
        self.bill.get(name).copied().with_context(|| format!("{name} is not on the bill"))
    }

    /// Bytes and compute units of a contribution's leaf.
    fn leaf(&self) -> Result<(u64, f64)> {
        let (one, many) = (self.of("datanet::contribute, 1 leaf")?, self.of("datanet::contribute, 28 leaves")?);
        Ok(((many.size - one.size) / 27, (many.units - one.units) as f64 / 27.0))
    }

    /// Leaves that a large transaction takes.
    fn leaves_of_large(&self) -> Result<u64> {
        let (one, (leaf, _)) = (self.of("datanet::contribute, 1 leaf")?, self.leaf()?);
        // The length field of such a long instruction takes one byte more.
        Ok((LARGE_TRANSACTION - (one.size - leaf) - 1) / leaf)
    }

    /// Fees in lamports of a million contributions with `leaves` leaves in each transaction. Each batch is opened,
    /// submitted and finalised once. Fees of verdicts are not counted, because validators pay them and they do not
    /// depend on the tree.
    fn fees_of_leaves(&self, leaves: u64) -> Result<u64> {
        Ok((MILLION.div_ceil(leaves) + 3 * MILLION.div_ceil(MOST_IN_BATCH)) * SIGNATURE)
    }

    /// The same in bulk: each batch is opened, submitted by its root and finalised.
    fn fees_of_bulk(&self) -> Result<u64> {
        let bulk = self.of("datanet::contribute_bulk")?;
        Ok(MILLION.div_ceil(MOST_IN_BULK) * (bulk.signatures + 2) * SIGNATURE)
    }

    /// Rent in lamports of an account of this size.
    fn rent(&self, bytes: u64) -> u64 {
        self.rent_of_none + bytes * self.rent_of_byte
    }
}

/// The page's text.
fn markdown(measured: &Measured, machine: &str) -> Result<String> {
    let mut page = format!(
        "# What the programs cost\n\n`cargo xtask bench programs --record`, on {machine}. The figures are measured \
         from the honest transactions in `tests/programs/src/scenario`, which the attack suite starts from too. They \
         are recorded in `tests/programs/bill.json`. A test compares with that file, and fails where compute units, \
         bytes made or transaction size grow by more than 3 %. Keys are the same in every run, so the figures are \
         too.\n\n\
         Compute units (CU) are the whole transaction's. The Ed25519 precompile is not among \
         them: it is charged by signature. Rent stays in an account until the account is closed. *Returned* is what \
         the accounts that an instruction closes give back. Size is that of a legacy transaction without \
         compute-budget instructions. Signatures cost 5,000 lamports each, those that the precompile verifies \
         included. *Writes* counts accounts besides the fee payer.\n\n"
    );
    budgets(&mut page, measured)?;
    table(&mut page, measured)?;
    contributions(&mut page, measured)?;
    payments(&mut page, measured)?;
    independence(&mut page, measured)?;
    page.push_str(SOURCES);
    Ok(page)
}

/// Writes the budgets of the design beside the measured costs.
fn budgets(page: &mut String, measured: &Measured) -> Result<()> {
    /// Instructions that the committee attests.
    const ATTESTED: [&str; 5] = [
        "model::attest_result, 2 paid",
        "payout::debit_balance",
        "payout::post_settlement",
        "stake::propose_next_committee",
        "stake::slash_attested",
    ];
    page.push_str("## Budgets\n\n| what | allowed | measured |\n|---|---:|---:|\n");
    let fees = |leaves| Ok::<_, anyhow::Error>(measured.fees_of_leaves(leaves)? as f64 / SOL);
    let sol = [
        ("10⁶ contributions, 1,232-byte transactions (SOL)", 0.2, fees(28)?),
        ("10⁶ contributions, 4,096-byte transactions (SOL)", 0.06, fees(measured.leaves_of_large()?)?),
        ("10⁶ contributions in bulk (SOL)", 0.002, measured.fees_of_bulk()? as f64 / SOL),
    ];
    for (what, allowed, found) in sol {
        writeln!(page, "| {what} | {allowed} | {found:.6}{} |", over(found > allowed))?;
    }
    let claims = [("payout::claim, first", 30_000), ("payout::claim, further", 18_000)];
    for (name, allowed) in claims.into_iter().chain(ATTESTED.map(|name| (name, 20_000))) {
        let found = measured.of(name)?.units;
        writeln!(page, "| {name} (CU) | {allowed} | {found}{} |", over(found > allowed))?;
    }
    page.push_str(
        "\nA result pays the trainer and each verifier that it names, and each payment costs. The attestation itself \
         does not grow with the committee. A first claim searches the bumps of two addresses, the claim's and the \
         wallet's token account's, at 1,500 CU a try. A wallet that needs several tries exceeds the budget, once \
         ever.\n\n## Instructions\n\n",
    );
    Ok(())
}

fn over(is: bool) -> &'static str {
    if is { " (over)" } else { "" }
}

fn table(page: &mut String, measured: &Measured) -> Result<()> {
    page.push_str(
        "| instruction | CU | bytes made | rent (SOL) | returned (SOL) | size (B) | signatures | writes |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (name, c) in &measured.bill {
        let (rent, returned) = (sol(c.rent), sol(c.returned));
        writeln!(
            page,
            "| {name} | {} | {} | {rent} | {returned} | {} | {} | {} |",
            c.units, c.made, c.size, c.signatures, c.writes
        )?;
    }
    Ok(())
}

/// Lamports as SOL; a dash for zero.
fn sol(lamports: u64) -> String {
    if lamports == 0 { "–".into() } else { format!("{:.6}", lamports as f64 / SOL) }
}

/// Lamports as SOL in a table of large sums.
fn whole(lamports: u64) -> String {
    let value = lamports as f64 / SOL;
    if value < 10.0 { format!("{value:.4}") } else { format!("{value:.1}") }
}

/// Writes the cost of recording a million contributions.
fn contributions(page: &mut String, measured: &Measured) -> Result<()> {
    let (one, (leaf, unit)) = (measured.of("datanet::contribute, 1 leaf")?, measured.leaf()?);
    let batches = MILLION.div_ceil(MOST_IN_BATCH);
    let around = batches * 3 * SIGNATURE;
    writeln!(page, "\n## A million contributions\n")?;
    writeln!(
        page,
        "A leaf hash is {leaf} bytes of instruction data and {unit:.0} CU of work. No contribution has an account of \
         its own. {batches} batches of up to {MOST_IN_BATCH} are opened, submitted and finalised, for {} SOL of fees \
         in all. Their rent comes back.\n",
        whole(around)
    )?;
    page.push_str("| way | transactions | fees (SOL) | rent kept (SOL) | CU each |\n|---|---:|---:|---:|---:|\n");
    for (way, leaves) in [("1,232-byte transactions", 28), ("4,096-byte transactions", measured.leaves_of_large()?)] {
        let count = MILLION.div_ceil(leaves);
        let units = one.units as f64 + unit * (leaves - 1) as f64;
        let fees = whole(measured.fees_of_leaves(leaves)?);
        writeln!(page, "| ours, {leaves} leaves in {way} | {count} | {fees} | 0 | {units:.0} |")?;
    }
    let (bulk, batches) = (measured.of("datanet::contribute_bulk")?, MILLION.div_ceil(MOST_IN_BULK));
    let fees = sol(measured.fees_of_bulk()?);
    writeln!(page, "| ours, in bulk: the root of a manifest | {batches} | {fees} | 0 | {} |", bulk.units)?;
    let tree = 56 + 24 + 64 * (32 + 20 * 32 + 8) + (20 * 32 + 32 + 8);
    let (fees, rent) = (whole(MILLION * SIGNATURE), whole(measured.rent(tree)));
    writeln!(page, "| Bubblegum, one mint a transaction [1] | {MILLION} | {fees} | {rent} | not stated |")?;
    let rent = whole(MILLION * measured.rent(72));
    writeln!(page, "| an account of 72 bytes an item [2] | {MILLION} | {fees} | {rent} | – |")?;
    Ok(())
}

/// Writes the cost of paying a million contributors.
fn payments(page: &mut String, measured: &Measured) -> Result<()> {
    let (post, activate) = (measured.of("payout::post_settlement")?, measured.of("payout::activate_settlement")?);
    let (first, further) = (measured.of("payout::claim, first")?, measured.of("payout::claim, further")?);
    let settlement = (post.signatures + activate.signatures) * SIGNATURE + post.rent;
    writeln!(page, "\n## Paying a million contributors\n")?;
    writeln!(
        page,
        "An epoch takes one settlement ({} SOL with its rent). Then each wallet takes one claim, which anyone may \
         send and which pays everything ever earned. A wallet's first claim makes an account of {} bytes, once ever. \
         Both claims are proven among 2²⁰ leaves: {} and {} CU. All lines assume that token accounts exist.\n",
        whole(settlement),
        first.made,
        first.units,
        further.units
    )?;
    page.push_str(
        "| way | first payout (SOL) | every further payout (SOL) | accounts after 10 payouts |\n|---|---:|---:|---:|\n",
    );
    let ours = |c: Cost| whole(settlement + MILLION * (c.signatures * SIGNATURE + c.rent));
    writeln!(page, "| ours | {} | {} | {} |", ours(first), ours(further), MILLION + 10)?;
    let jito = whole(MILLION * (SIGNATURE + measured.rent(64)));
    writeln!(page, "| Jito merkle distributor, one a payout [3] | {jito} | {jito} | {} |", 10 * MILLION + 20)?;
    let once = MILLION * measured.rent(172);
    let each = MILLION * 2 * SIGNATURE;
    writeln!(
        page,
        "| Helium lazy distributor, one oracle [4] | {} | {} | {} |",
        whole(once + each),
        whole(each),
        MILLION + 2
    )?;
    Ok(())
}

/// Writes whether claims wait for one another, and how fast they are processed.
fn independence(page: &mut String, measured: &Measured) -> Result<()> {
    writeln!(page, "\n## Claims side by side\n")?;
    writeln!(
        page,
        "Two claims on different shards write no account in common. Two on one shard both write the shard and its \
         vault (`tests/programs/tests/bill`). The vault has up to 16 shards. One in-process SVM took {:.0} first \
         claims a second, one after the other on one core with its signatures made and checked ({} claims, {} \
         shards). That is a lower bound for a validator, which runs independent claims on all its cores.\n",
        measured.claims_per_second, measured.claims, measured.shards
    )?;
    page.push_str(
        "In Jito's distributor every claim writes the distributor and its one vault [3]. In Helium's every claim \
         writes the escrow and its circuit breaker [4].\n",
    );
    Ok(())
}

/// The sources of the others' figures. Each figure is a formula over sizes that the source states, with this page's
/// rent.
const SOURCES: &str = "\n## Sources\n\n\
1. Tree of depth 20, buffer 64, no canopy: `56 + 24 + 64 · (32 + 20 · 32 + 8) + (20 · 32 + 32 + 8)` bytes, from \
`account-compression/…/concurrent_merkle_tree_header.rs` and `libraries/concurrent-merkle-tree/src/changelog.rs` of \
[solana-program-library](https://github.com/solana-labs/solana-program-library). The tree's configuration account and \
a canopy, which most trees have, come on top; several small mints can share a transaction and its fee. One mint writes \
the tree and its configuration \
([mint.rs](https://github.com/metaplex-foundation/mpl-bubblegum/blob/main/programs/bubblegum/program/src/processor/mint.rs)).\n\
2. Discriminator, hash and wallet: `8 + 32 + 32` bytes.\n\
3. `ClaimStatus` has `8 + 56` bytes at `[\"ClaimStatus\", claimant, distributor]`, one a claimant and distributor, made by \
the claimant, who signs; the distributor holds one root, so every payout is a new one \
([claim_status.rs](https://github.com/jito-foundation/distributor/blob/5d27000a7f05753da0e97342a108975805d6c0bd/programs/merkle-distributor/src/state/claim_status.rs), \
[new_claim.rs](https://github.com/jito-foundation/distributor/blob/master/programs/merkle-distributor/src/instructions/new_claim.rs)). \
Distributors and their vaults are not counted in SOL. Rent can be had back where a distributor is closable.\n\
4. `RecipientV0` has `8 + 60 + 104` bytes or, in later versions, more, and is made once a recipient; every payout takes \
`set_current_rewards_v0`, signed by an oracle for each recipient, and `distribute_rewards_v0`, in one transaction at best: \
the payer's signature and one an oracle \
([initialize_recipient_v0.rs](https://github.com/helium/helium-program-library/blob/master/programs/lazy-distributor/src/instructions/initialize_recipient_v0.rs), \
[state.rs](https://github.com/helium/helium-program-library/blob/6e3ff75efbdb429e1ba18d728b2f51c8e1ab281e/programs/lazy-distributor/src/state.rs), \
[common.rs](https://github.com/helium/helium-program-library/blob/690d43f89025d3db19a4769dd2ae0c06f3325a3c/programs/lazy-distributor/src/instructions/distribute/common.rs)).\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(units: u64, size: u64, rent: u64) -> Cost {
        Cost { units, made: rent / 10, rent, returned: 0, size, signatures: 1, writes: 1 }
    }

    #[test]
    fn the_page_computes_the_million_from_what_was_measured() {
        let bill = [
            ("datanet::contribute, 1 leaf", cost(1_000, 281, 0)),
            ("datanet::contribute, 28 leaves", cost(1_270, 1_145, 0)),
            ("datanet::contribute_bulk", cost(1_000, 350, 0)),
            ("payout::post_settlement", cost(1, 1, 1_000_000)),
            ("payout::activate_settlement", cost(1, 1, 0)),
            ("payout::claim, first", cost(1, 1, 1_000)),
            ("payout::claim, further", cost(1, 1, 0)),
            ("payout::debit_balance", cost(19_999, 1, 0)),
            ("model::attest_result, 2 paid", cost(20_001, 1, 0)),
            ("stake::propose_next_committee", cost(1, 1, 0)),
            ("stake::slash_attested", cost(1, 1, 0)),
        ];
        let measured = Measured {
            bill: bill.into_iter().map(|(name, cost)| (name.to_owned(), cost)).collect(),
            claims_per_second: 99.6,
            claims: 500,
            shards: 2,
            rent_of_none: 890_880,
            rent_of_byte: 6_960,
        };
        let page = markdown(&measured, "a machine").unwrap();
        for line in [
            // 35,715 transactions of 28 leaves, and 16 batches of three transactions.
            "| ours, 28 leaves in 1,232-byte transactions | 35715 | 0.1788 | 0 | 1270 |",
            "| ours, 120 leaves in 4,096-byte transactions | 8334 | 0.0419 | 0 | 2190 |",
            "| ours, in bulk: the root of a manifest | 1 | 0.000015 | 0 | 1000 |",
            "| Bubblegum, one mint a transaction [1] | 1000000 | 5.0000 | 0.3091 | not stated |",
            "| an account of 72 bytes an item [2] | 1000000 | 5.0000 | 1392.0 | – |",
            "| ours | 6.0010 | 5.0010 | 1000010 |",
            "| Jito merkle distributor, one a payout [3] | 1341.3 | 1341.3 | 10000020 |",
            "| Helium lazy distributor, one oracle [4] | 2098.0 | 10.0 | 1000002 |",
            "took 100 first claims a second",
            "| 10⁶ contributions in bulk (SOL) | 0.002 | 0.000015 |",
            "| payout::debit_balance (CU) | 20000 | 19999 |",
            "| model::attest_result, 2 paid (CU) | 20000 | 20001 (over) |",
        ] {
            assert!(page.contains(line), "{line} in\n{page}");
        }
    }
}
