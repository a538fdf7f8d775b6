//! Takes training jobs, in the order that a hash of the job gives the members.

use super::{backoff::Backoff, slot_clock::SlotClock};
use crate::{
    operator::{Board, Chain, Changes, LazyEngine},
    plans::{Plans, rank},
    training::Training,
};
use anyhow::{Context, Result, ensure};
use model::state::{Config, Job, JobStatus};
use openledger_protocol::{fees, hash::ZERO};
use openledger_sdk::ix;
use solana_pubkey::Pubkey;
use std::time::{Duration, Instant};

/// Number of vain trainings of its own job after which this node also takes others.
const PATIENT: u32 = 5;
/// Number of slots after which the next member may take a job that the member before it did not take.
const TURN_SLOTS: u64 = 75;
/// Vain tries after which the log warns.
const NOTABLE: u32 = 5;

/// What taking jobs uses.
pub struct Jobs {
    /// Reads the requested jobs and assigns them.
    pub chain: Chain,
    /// This operator's identity key. The operator takes no job unless it is registered with this key.
    pub identity: Pubkey,
    /// Knows which base model this node has.
    pub engine: LazyEngine,
    /// Works out what a job costs.
    pub plans: Plans,
    /// Trains the job.
    pub training: Training,
    /// Shows the progress.
    pub status: Board,
    /// Wakes the task when the chain may have changed.
    pub changes: Changes,
    /// The vain tries to end a job.
    pub expiries: Backoff,
    /// The vain tries to release a job.
    pub releases: Backoff,
    /// The requested jobs that this node looked at and did not take.
    pub looked: Backoff,
    /// The vain trainings of this node's own jobs.
    pub trained: Backoff,
    /// Knows how long a slot lasts.
    pub clock: SlotClock,
    /// The least price for 1,000 training tokens for which this operator works, in base units.
    pub least_price: u64,
}

impl Jobs {
    /// Looks for jobs and trains one at a time. Never returns.
    pub async fn run(mut self) -> Result<()> {
        loop {
            match self.next().await {
                Ok(Some((address, job))) => {
                    tracing::info!(%address, "training");
                    match self.training.run(address, &job).await {
                        Ok(()) => tracing::info!(%address, "job done"),
                        Err(e) => {
                            let times = self.trained.failed(&address, Instant::now());
                            self.status.not_done(&address, format!("it did not end: {e:#}"));
                            tracing::error!(%address, times, "the job did not end, it will be tried again: {e:#}");
                        }
                    }
                    self.status.update(|s| s.training = None);
                }
                Ok(None) => {}
                Err(e) => tracing::warn!("looking for jobs: {e:#}"),
            }
            self.changes.next().await;
        }
    }

    /// A job that this operator has taken before, or takes now. `None` if there is none. Also pays data shares that are
    /// due, releases jobs that others have abandoned or whose committee was succeeded, and expires jobs whose time is
    /// over.
    async fn next(&mut self) -> Result<Option<(Pubkey, Job)>> {
        if !self.chain.is_registered(&self.identity).await? {
            return Ok(None);
        }
        let mut jobs = self.chain.client.all_accounts::<Job>(&model::ID, &[]).await?;
        let slot = self.chain.client.slot().await?;
        let own = self.chain.wallet();
        // First what is kept for this operator, because it is kept for a short time, then the oldest.
        jobs.sort_by_key(|(_, job)| (job.former != Some(own), job.requested_slot));
        for (address, job) in jobs.iter().filter(|(_, job)| owes_data_share(job, &own, slot)) {
            if let Err(e) = self.pay_data_share(address, job).await {
                tracing::debug!(%address, "its data share is not paid yet: {e:#}");
            }
        }
        let config = self.chain.model_config().await?;
        let active = self.chain.stake_config().await?.committee_epoch;
        self.release(&jobs, &config, active, slot).await;
        self.expire(&jobs, &config, slot).await?;
        let mine = |job: &Job| {
            job.status == JobStatus::Running
                && job.operator == Some(own)
                && job.committee_epoch == active
                && slot <= job.last_slot(&config)
        };
        let now = Instant::now();
        self.clock.see(slot, now);
        let open = |a: &Pubkey| jobs.iter().any(|(b, job)| a == b && (job.status == JobStatus::Requested || mine(job)));
        self.status.update(|s| s.not_done.retain(|a, _| a.parse().is_ok_and(|a| open(&a))));
        self.trained.retain(|address| jobs.iter().any(|(a, job)| a == address && mine(job)));
        if let Some(job) = jobs.iter().position(|(a, job)| mine(job) && self.trained.may_try(a, now)) {
            return Ok(Some(jobs.swap_remove(job)));
        }
        // A job that fails again and again keeps nobody else's waiting.
        if jobs.iter().any(|(a, job)| mine(job) && self.trained.failures(a) < PATIENT) {
            return Ok(None);
        }
        let requested = |address: &Pubkey| jobs.iter().any(|(a, j)| a == address && j.status == JobStatus::Requested);
        self.looked.retain(requested);
        let Ok(committee) = self.chain.active_committee().await else { return Ok(None) };
        for (address, job) in jobs.into_iter().filter(|(_, job)| job.status == JobStatus::Requested) {
            let Some(rank) = rank(&address, &committee.members, &own) else { return Ok(None) };
            if !is_turn(&job, &config, &committee.members, &own, rank, slot) || !self.looked.may_try(&address, now) {
                continue;
            }
            let taken = async {
                self.affordable(&address, &job, &committee.members).await?;
                self.worthwhile(&job, &config).await?;
                self.chain.send(&[ix::model::assign_job(&own, committee.epoch, &address)]).await?;
                anyhow::Ok(self.chain.client.account(&address).await?)
            };
            match taken.await {
                Ok(job) => return Ok(Some((address, job))),
                // A job that cannot be taken keeps no other one waiting.
                Err(e) => {
                    self.looked.failed(&address, Instant::now());
                    if self.status.not_done(&address, format!("{e:#}")) {
                        tracing::info!(%address, "not taken: {e:#}");
                    }
                }
            }
        }
        Ok(None)
    }

    /// Pays a job's data share into the pool. Any shard will do. The first byte of the job's address chooses it, which
    /// spreads the jobs over the shards.
    async fn pay_data_share(&self, address: &Pubkey, job: &Job) -> Result<()> {
        let shards = self.chain.payout_config().await?.shards;
        ensure!(shards > 0, "the payout vault has no shard");
        let shard = address.to_bytes()[0] % shards;
        self.chain.send(&[ix::model::pay_data_share(job, shard)]).await?;
        tracing::info!(%address, amount = job.data_share, "data share paid to the contributors' pool");
        Ok(())
    }

    /// Releases every job that somebody else has abandoned, and every job whose committee was succeeded, this operator's
    /// own too. All members try, and the first succeeds.
    async fn release(&mut self, jobs: &[(Pubkey, Job)], config: &Config, active: u64, slot: u64) {
        let own = self.chain.wallet();
        let due = |job: &Job| {
            is_orphaned(job, config, active, slot) || (job.operator != Some(own) && is_abandoned(job, config, slot))
        };
        for (address, job) in jobs.iter().filter(|(_, job)| due(job)) {
            if !self.releases.may_try(address, Instant::now()) {
                continue;
            }
            match self.chain.send(&[ix::model::release_job(address)]).await {
                Ok(()) => {
                    let (operator, succeeded) = (job.operator, job.committee_epoch < active);
                    tracing::info!(%address, ?operator, succeeded, "released from its silent operator or former committee");
                }
                Err(e) => in_vain(&mut self.releases, address, "release", &e),
            }
        }
        self.releases.retain(|address| jobs.iter().any(|(a, job)| a == address && due(job)));
    }

    /// Ends every job whose time is over, which refunds its budget. All members try, and the first succeeds. The
    /// requester may have closed its token account, so that it is made again.
    async fn expire(&mut self, jobs: &[(Pubkey, Job)], config: &Config, slot: u64) -> Result<()> {
        let over = |job: &Job| is_over(job, config, slot) || is_vain(job, config, slot);
        for (address, job) in jobs.iter().filter(|(_, job)| over(job)) {
            if !self.expiries.may_try(address, Instant::now()) {
                continue;
            }
            let (own, mint) = (self.chain.wallet(), self.chain.stake_config().await?.open_mint);
            let end = match job.status {
                JobStatus::Requested => ix::model::cancel_job(&own, job, &mint),
                _ => ix::model::expire_job(job, &mint),
            };
            match self.chain.send(&[ix::token::create_account(&own, &job.requester, &mint), end]).await {
                Ok(()) => tracing::info!(%address, "its time is over: ended, and its budget refunded"),
                Err(e) => in_vain(&mut self.expiries, address, "end", &e),
            }
        }
        self.expiries.retain(|address| jobs.iter().any(|(a, job)| a == address && over(job)));
        Ok(())
    }

    /// Fails unless this node has the job's base model, can make the job's plan, and the budget covers the pay for
    /// compute and the data share on it.
    async fn affordable(&self, address: &Pubkey, job: &Job, members: &[Pubkey]) -> Result<()> {
        let engine = self.engine.get().await?;
        ensure!(engine.base().hash() == job.base_hash, "it asks for another base model");
        let plan = self.plans.of(job).await?;
        let shares = plan.compute_shares(address, self.chain.wallet(), members)?;
        let compute = shares.iter().try_fold(0u64, |sum, c| sum.checked_add(c.amount));
        let fee = compute.and_then(|c| fees::data_share(c, job.data_share_bps)?.checked_add(c));
        let fee = fee.context("its price exceeds u64")?;
        ensure!(fee <= job.budget, "it costs {fee}, its budget is {}", job.budget);
        Ok(())
    }

    /// Fails if the job pays less than this operator works for, or would not end before its deadline.
    async fn worthwhile(&self, job: &Job, config: &Config) -> Result<()> {
        let plan = self.plans.of(job).await?;
        pays(plan.config.train.price_per_1k_tokens, self.least_price)?;
        ends_in_time(self.training.pace.time(&plan).await?, self.clock.time(config.job_slots))
    }
}

/// Fails if a job's `price` for 1,000 tokens is below the `least` one of this operator.
fn pays(price: u64, least: u64) -> Result<()> {
    ensure!(price >= least, "its `train.price_per_1k_tokens` is {price}, and this operator works for {least} or more");
    Ok(())
}

/// Fails if a job that needs so much time does not end in the time that jobs have.
fn ends_in_time(need: Duration, have: Duration) -> Result<()> {
    ensure!(
        need <= have,
        "it would take this node about {} s, and a job has about {} s: lower `train.runs`, `train.epochs` or \
         `data.max_examples`",
        need.as_secs(),
        have.as_secs()
    );
    Ok(())
}

/// Counts a vain try to do `what`, which is spaced out further and never given up: a node that cannot be reached fails
/// as a program does that refuses.
fn in_vain(tries: &mut Backoff, address: &Pubkey, what: &str, error: &anyhow::Error) {
    let times = tries.failed(address, Instant::now());
    tracing::debug!(%address, times, "could not {what} it: {error:#}");
    if times == NOTABLE {
        tracing::warn!(%address, "could not {what} it {times} times, and tries on: {error:#}");
    }
}

/// Whether it is this operator's turn to take the waiting job. `rank` is its place in the job's order of `members`.
///
/// A job that is kept for a member is taken by that one at once, without waiting for its turn, and by the others only
/// afterwards.
fn is_turn(job: &Job, config: &Config, members: &[Pubkey], own: &Pubkey, rank: u64, slot: u64) -> bool {
    let kept = job.former.filter(|former| members.contains(former)).and(job.kept_until(config));
    if kept.is_some_and(|last| slot <= last) {
        return job.former == Some(*own);
    }
    slot >= kept.unwrap_or(job.waiting_slot) + rank * TURN_SLOTS && slot <= job.last_taking(config)
}

/// Whether the job waits in vain, because no operator may take it any more. Anybody may cancel it.
fn is_vain(job: &Job, config: &Config, slot: u64) -> bool {
    job.status == JobStatus::Requested && slot >= config.paused_until && slot > job.last_taking(config)
}

/// Whether anybody may release the job because a later committee than its own is active. Epochs only rise: a node that
/// lags behind takes no job for orphaned.
fn is_orphaned(job: &Job, config: &Config, active: u64, slot: u64) -> bool {
    job.status == JobStatus::Running
        && job.committee_epoch < active
        && slot >= config.paused_until
        && slot <= job.last_slot(config)
}

/// Whether any operator may release the job from its silent operator.
fn is_abandoned(job: &Job, config: &Config, slot: u64) -> bool {
    job.status == JobStatus::Running
        && job.log_root == ZERO
        && slot > job.silent_after(config)
        && slot <= job.last_slot(config)
}

/// Whether the job has run out of time, so that anybody may expire it.
fn is_over(job: &Job, config: &Config, slot: u64) -> bool {
    job.status == JobStatus::Running && slot >= config.paused_until && slot > job.last_slot(config)
}

/// Whether this operator should pay a job's data share into the pool. It pays that of its own jobs at once. It pays
/// that of another operator's job when it is still unpaid after the job's deadline. Two operators may try, and one
/// succeeds.
fn owes_data_share(job: &Job, own: &Pubkey, slot: u64) -> bool {
    let due = job.status == JobStatus::Attested && job.data_share > 0 && job.data_paid == 0;
    due && (job.operator == Some(*own) || slot > job.deadline_slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trainer_pays_the_data_share_at_once_and_others_when_it_did_not() {
        let (own, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        let job = |operator, data_share, data_paid| Job {
            status: JobStatus::Attested,
            operator: Some(operator),
            deadline_slot: 100,
            data_share,
            data_paid,
            ..blank()
        };
        assert!(owes_data_share(&job(own, 5, 0), &own, 1));
        assert!(!owes_data_share(&job(other, 5, 0), &own, 100));
        assert!(owes_data_share(&job(other, 5, 0), &own, 101));
        assert!(!owes_data_share(&job(own, 0, 0), &own, 101));
        assert!(!owes_data_share(&job(own, 5, 5), &own, 101));
        assert!(!owes_data_share(&Job { status: JobStatus::Running, ..job(own, 5, 0) }, &own, 101));
    }

    #[test]
    fn a_job_that_pays_too_little_or_would_not_end_in_time_is_left() {
        pays(0, 0).unwrap();
        pays(5, 5).unwrap();
        assert!(pays(4, 5).unwrap_err().to_string().contains("works for 5 or more"));
        let seconds = Duration::from_secs;
        ends_in_time(seconds(9), seconds(9)).unwrap();
        let refused = ends_in_time(seconds(80), seconds(9)).unwrap_err().to_string();
        assert!(refused.contains("80 s") && refused.contains("lower `train.runs`"), "{refused}");
    }

    #[test]
    fn a_job_is_abandoned_between_its_operators_last_word_and_its_deadline() {
        let job =
            Job { status: JobStatus::Running, deadline_slot: 100, heartbeat_slots: 20, heartbeat_slot: 50, ..blank() };
        let config = |paused_until| Config { paused_until, job_slots: 90, ..blank() };
        let abandoned = |job: &Job, paused: u64| -> Vec<u64> {
            [70, 71, 100, 101].into_iter().filter(|slot| is_abandoned(job, &config(paused), *slot)).collect()
        };
        assert_eq!(abandoned(&job, 0), [71, 100]);
        assert_eq!(abandoned(&job, 80), [101], "whoever was kept from speaking has all the time after the pause");
        assert_eq!(abandoned(&Job { log_root: [1; 32], ..job.clone() }, 0), [0; 0]);
        assert_eq!(abandoned(&Job { status: JobStatus::Requested, ..job }, 0), [0; 0]);
    }

    #[test]
    fn a_job_is_orphaned_from_the_succession_of_its_committee_to_its_deadline() {
        let job = Job { status: JobStatus::Running, committee_epoch: 3, deadline_slot: 100, ..blank() };
        let config = |paused_until| Config { paused_until, job_slots: 90, ..blank() };
        let orphaned = |job: &Job, active: u64, paused: u64| -> Vec<u64> {
            let slots = [0, 49, 50, 100, 101];
            slots.into_iter().filter(|slot| is_orphaned(job, &config(paused), active, *slot)).collect()
        };
        assert_eq!(orphaned(&job, 3, 0), [0; 0], "its own committee is active");
        assert_eq!(orphaned(&job, 2, 0), [0; 0], "this node is behind");
        assert_eq!(orphaned(&job, 4, 0), [0, 49, 50, 100], "also right after a sign of life");
        assert_eq!(orphaned(&job, 4, 50), [50, 100, 101], "not during a pause");
        assert_eq!(orphaned(&Job { log_root: [1; 32], ..job.clone() }, 4, 0).len(), 4, "also with its log posted");
        for status in [JobStatus::Requested, JobStatus::Attested, JobStatus::Cancelled, JobStatus::Expired] {
            assert_eq!(orphaned(&Job { status, ..job.clone() }, 4, 0), [0; 0]);
        }
    }

    #[test]
    fn members_take_turns_from_the_slot_in_which_the_job_began_to_wait() {
        let [first, second] = [Pubkey::new_unique(), Pubkey::new_unique()];
        let members = [first, second];
        let job = Job { requested_slot: 5, waiting_slot: 100, taking_slot: 300, heartbeat_slots: 20, ..blank() };
        let config = |paused_until| Config { paused_until, job_slots: 90, ..blank() };
        let turns = |job: &Job, own: &Pubkey, rank: u64, paused: u64| -> Vec<u64> {
            let slots = [80, 100, 120, 121, 174, 175, 195, 300, 301];
            slots.into_iter().filter(|slot| is_turn(job, &config(paused), &members, own, rank, *slot)).collect()
        };
        assert_eq!(turns(&job, &first, 0, 0), [100, 120, 121, 174, 175, 195, 300]);
        assert_eq!(turns(&job, &second, 1, 0), [175, 195, 300], "not from the request on");
        let kept = Job { former: Some(second), ..job.clone() };
        assert_eq!(turns(&kept, &second, 1, 0), [80, 100, 120, 195, 300], "what is kept for it needs no turn");
        assert_eq!(turns(&kept, &first, 0, 0), [121, 174, 175, 195, 300]);
        assert_eq!(turns(&kept, &first, 0, 150), [174, 175, 195, 300], "it is kept as long after a pause");
        let gone = Job { former: Some(Pubkey::new_unique()), ..job.clone() };
        assert_eq!(turns(&gone, &first, 0, 0), turns(&job, &first, 0, 0), "whoever left the committee keeps none out");
    }

    #[test]
    fn a_job_that_nobody_may_take_any_more_waits_in_vain() {
        let job = Job { status: JobStatus::Requested, taking_slot: 300, ..blank() };
        let config = |paused_until| Config { paused_until, job_slots: 90, ..blank() };
        let vain = |job: &Job, paused: u64| -> Vec<u64> {
            [300, 301, 400, 401].into_iter().filter(|slot| is_vain(job, &config(paused), *slot)).collect()
        };
        assert_eq!(vain(&job, 0), [301, 400, 401]);
        assert_eq!(vain(&job, 310), [401]);
        for status in [JobStatus::Running, JobStatus::Attested, JobStatus::Cancelled, JobStatus::Expired] {
            assert_eq!(vain(&Job { status, ..job.clone() }, 0), [0; 0]);
        }
    }

    #[test]
    fn a_running_job_is_over_after_its_deadline_and_not_during_a_pause() {
        let job = Job { status: JobStatus::Running, deadline_slot: 100, ..blank() };
        let config = |paused_until| Config { paused_until, job_slots: 90, ..blank() };
        let over = |job: &Job, paused: u64| -> Vec<u64> {
            [0, 100, 101, 199, 200, 290, 291].into_iter().filter(|slot| is_over(job, &config(paused), *slot)).collect()
        };
        assert_eq!(over(&job, 0), [101, 199, 200, 290, 291]);
        assert_eq!(over(&job, 200), [291], "after a pause a job has the time of a whole job");
        assert_eq!(
            over(&Job { log_root: [1; 32], ..job.clone() }, 0).len(),
            5,
            "also when only the trainer is missing"
        );
        for status in [JobStatus::Requested, JobStatus::Attested, JobStatus::Cancelled, JobStatus::Expired] {
            assert_eq!(over(&Job { status, ..job.clone() }, 0), [0; 0]);
        }
    }

    fn blank<T: borsh::BorshDeserialize>() -> T {
        T::deserialize(&mut &[0; 1024][..]).expect("zeros are an account")
    }
}
