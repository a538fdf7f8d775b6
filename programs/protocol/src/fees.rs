//! Divides a fee. The parts always sum to the whole. The dust of rounding goes to the treasury.

/// Basis points in a whole.
pub const WHOLE_BPS: u16 = 10_000;

/// Largest data share of a training fee, in basis points.
pub const MAX_DATA_SHARE_BPS: u16 = 5_000;

/// The data share, in base units, of a training fee of which `compute` base units go to operators. It is `bps` basis
/// points of the fee, rounded down; the fee is `compute` plus the data share. `None` if the result exceeds u64 or `bps`
/// exceeds [`MAX_DATA_SHARE_BPS`].
pub fn data_share(compute: u64, bps: u16) -> Option<u64> {
    if bps > MAX_DATA_SHARE_BPS {
        return None;
    }
    let rest = u128::from(WHOLE_BPS - bps);
    u64::try_from(u128::from(compute) * u128::from(bps) / rest).ok()
}

/// Least share of the contributors, in basis points. Governance cannot go below it.
pub const MIN_CONTRIBUTORS_BPS: u16 = 2_000;
/// Largest share of the treasury, in basis points. Governance cannot go above it.
pub const MAX_TREASURY_BPS: u16 = 2_000;
/// Most that any share may change from one epoch to the next, in basis points, so that nobody's pay falls sharply at
/// once.
pub const MAX_STEP_BPS: u16 = 500;

/// Shares of a fee in basis points; they sum to [`WHOLE_BPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The network's treasury. It also receives the dust.
    pub treasury: u16,
    /// The model's owner.
    pub model_owner: u16,
    /// The owner of the parent model, or the model's owner if there is no parent.
    pub upstream: u16,
    /// The operator that answered.
    pub compute: u16,
    /// The validators' pool.
    pub validators: u16,
    /// The contributors' pool.
    pub contributors: u16,
}

/// A fee divided, in base units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// See [`Shares::treasury`].
    pub treasury: u64,
    /// See [`Shares::model_owner`].
    pub model_owner: u64,
    /// See [`Shares::upstream`].
    pub upstream: u64,
    /// See [`Shares::compute`].
    pub compute: u64,
    /// See [`Shares::validators`].
    pub validators: u64,
    /// See [`Shares::contributors`].
    pub contributors: u64,
}

impl Shares {
    /// All shares, in the order of the fields.
    fn all(&self) -> [u16; 6] {
        [self.treasury, self.model_owner, self.upstream, self.compute, self.validators, self.contributors]
    }

    /// Whether the shares sum to the whole.
    pub fn is_whole(&self) -> bool {
        self.all().iter().map(|s| *s as u32).sum::<u32>() == WHOLE_BPS as u32
    }

    /// Whether contributors have at least [`MIN_CONTRIBUTORS_BPS`] and the treasury at most [`MAX_TREASURY_BPS`].
    pub fn is_within_bounds(&self) -> bool {
        self.contributors >= MIN_CONTRIBUTORS_BPS && self.treasury <= MAX_TREASURY_BPS
    }

    /// Whether no share differs by more than [`MAX_STEP_BPS`] between `self` and `next`.
    pub fn is_one_step_to(&self, next: &Self) -> bool {
        self.all().iter().zip(next.all()).all(|(from, to)| from.abs_diff(to) <= MAX_STEP_BPS)
    }

    /// Divides `amount` base units. `None` unless the shares are whole. Without a parent model, the model's owner gets
    /// the upstream share.
    pub fn split(&self, amount: u64, has_parent: bool) -> Option<Parts> {
        if !self.is_whole() {
            return None;
        }
        let part = |bps: u16| (amount as u128 * bps as u128 / WHOLE_BPS as u128) as u64;
        let mut p = Parts {
            treasury: 0,
            model_owner: part(self.model_owner),
            upstream: part(self.upstream),
            compute: part(self.compute),
            validators: part(self.validators),
            contributors: part(self.contributors),
        };
        if !has_parent {
            p.model_owner += core::mem::take(&mut p.upstream);
        }
        p.treasury = amount - p.model_owner - p.upstream - p.compute - p.validators - p.contributors;
        Some(p)
    }
}

impl Parts {
    /// Sum of the parts.
    pub fn total(&self) -> u64 {
        self.treasury + self.model_owner + self.upstream + self.compute + self.validators + self.contributors
    }
}
