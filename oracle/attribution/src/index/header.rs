//! The header of an index file.

use super::row;
use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    files::{format::Format, preface},
    projection::{LayerShape, MOST, ProjectionSettings, Projections, layer_dim},
};
use openledger_lm::{Digest, LossReduction};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{ops::Range, path::Path};

/// Version of the file format.
pub const VERSION: u32 = 2;
const FORMAT: Format = Format { signature: *b"OLGRADIX", version: VERSION };

/// Number of units in one of learning-rate mass.
const MASS_UNITS: f64 = 1e15;

/// An index whose rows were taken over, from the run that trained the adapter which this run began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// SHA-256 of its header ([`IndexHeader::identity`]), hex.
    pub index: String,
    /// Number of its own rows.
    pub count: u64,
    /// The learning-rate mass of each section of its own rows.
    pub masses: Vec<u64>,
}

/// Rows of one run, with the factor of each of their sections in a score.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) rows: Range<usize>,
    pub(crate) factors: Vec<f64>,
}

/// Header of an index. Hashes are hex. `adapter`, `examples`, `states`, `loss` and `masses` are those of the index's own
/// run, whose rows come after the parents'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexHeader {
    /// SHA-256 of the base model.
    pub base: String,
    /// SHA-256 of the trained adapter. Of several runs, SHA-256 of the hashes of all their adapters.
    pub adapter: String,
    /// SHA-256 of the tokens and loss positions of all examples, in order.
    pub examples: String,
    /// How the rows were made.
    pub settings: ProjectionSettings,
    /// The layers in row order.
    pub layers: Vec<LayerShape>,
    /// SHA-256 of the basis that the gradients are projected on. `None` if the matrices are drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Rank of the adapter, if the gradients of its own matrices are projected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    /// SHA-256 of the states that the rows are made of, and of their weights. `None` if there is only one state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<String>,
    /// How the losses of an example's target tokens become the loss whose gradient a row is.
    #[serde(default, skip_serializing_if = "LossReduction::is_mean")]
    pub loss: LossReduction,
    /// The *learning-rate mass* of each section of a row, in units of 10⁻¹⁵: the learning rates of the steps that the
    /// section stands for, divided by the number of the run's examples. It is what the run did with one example's
    /// gradient. A row has one section for each run, or one for each state of each run at which queries are compared with
    /// it. Empty if the run is not known. Then a row has one section.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masses: Vec<u64>,
    /// The indexes whose rows come before the own ones, the first run first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Number of rows, with the parents'.
    pub count: u64,
    /// SHA-256 of the ids and rows. While the index is being built, it is the number of rows on disk as 64 hex digits.
    pub body: String,
}

impl IndexHeader {
    /// Header of an index that is not built yet.
    pub fn unfinished(base: Digest, adapter: Digest, examples: Digest, projections: &Projections, count: u64) -> Self {
        Self {
            base: hex::encode(base),
            adapter: hex::encode(adapter),
            examples: hex::encode(examples),
            settings: projections.settings().clone(),
            layers: projections.shapes(),
            basis: projections.basis().map(hex::encode),
            rank: projections.rank(),
            states: None,
            loss: LossReduction::Mean,
            masses: Vec::new(),
            parents: Vec::new(),
            count,
            body: format!("{:064x}", 0),
        }
    }

    /// The same header, which says that this many rows are on disk.
    pub(crate) fn unfinished_with(&self, rows: u64) -> Self {
        Self { body: format!("{rows:064x}"), ..self.clone() }
    }

    /// Number of rows that an unfinished file's header says are on disk. All, if the header has the final hash.
    pub(crate) fn rows_on_disk(&self) -> u64 {
        // No SHA-256 begins with so many zeros.
        match self.body.strip_prefix(&"0".repeat(48)) {
            Some(rows) => u64::from_str_radix(rows, 16).unwrap_or(0),
            None => self.count,
        }
    }

    /// The same header with the hash of the body.
    pub fn finished(&self, body: Digest) -> Self {
        Self { body: hex::encode(body), ..self.clone() }
    }

    /// SHA-256 of the header's JSON. The header holds the body's hash, so this hash identifies the whole index.
    pub fn identity(&self) -> Digest {
        Sha256::digest(self.json()).into()
    }

    /// Number of sections of a row. Each holds all layers.
    pub fn sections(&self) -> usize {
        self.masses.len().max(1)
    }

    /// Number of layers of a row, over all of its sections.
    pub fn row_layers(&self) -> usize {
        self.sections() * self.layers.len()
    }

    /// Name of a layer of a row.
    pub fn layer_name(&self, row_layer: usize) -> &str {
        &self.layers[row_layer % self.layers.len()].name
    }

    /// The weight of each section in the index's own scores. They sum to 1.
    pub fn section_weights(&self) -> Vec<f64> {
        match self.masses.as_slice() {
            [] => vec![1.0],
            masses => relative(masses, masses),
        }
    }

    /// Position of the first of the index's own rows, after those of the parents.
    pub fn first_own(&self) -> usize {
        self.parents.iter().map(|p| p.count as usize).sum()
    }

    /// The rows of each run. Scores of a parent's rows are in proportion to its run's learning-rate mass.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let mut at = 0;
        let mut parts = Vec::with_capacity(self.parents.len() + 1);
        for parent in &self.parents {
            let end = at + parent.count as usize;
            parts.push(Part { rows: at..end, factors: relative(&parent.masses, &self.masses) });
            at = end;
        }
        parts.push(Part { rows: at..self.count as usize, factors: self.section_weights() });
        parts
    }

    /// The header that the own rows alone would have.
    pub(crate) fn own(&self) -> Self {
        let count = self.count - self.first_own() as u64;
        Self { parents: Vec::new(), count, ..self.clone() }
    }

    /// The header of an index with the rows of another before this one's. `above` is the header of the other, whose file
    /// is at `path`. Fails if the two are not of the same base model and form, or if a run is not known.
    pub(crate) fn layered(self, above: &Self, path: &Path) -> Result<Self> {
        above.check_layout(&self, path)?;
        if above.masses.len() != self.masses.len() || self.masses.is_empty() {
            let states = |masses: &[u64]| format!("{} known states of a run", masses.len());
            let (found, expected) = (states(&above.masses), states(&self.masses));
            return Err(AttributionError::mismatch(path, "rows over", found, expected));
        }
        let own =
            Parent { index: hex::encode(above.identity()), count: above.own().count, masses: above.masses.clone() };
        let parents = above.parents.iter().cloned().chain([own]).collect();
        Ok(Self { parents, count: self.count + above.count, ..self })
    }

    /// Number of values of one layer in a row.
    pub fn layer_dim(&self) -> usize {
        layer_dim(&self.settings, self.rank)
    }

    /// (rows, columns) of the matrices that make up one layer of a row: the projected gradient of the weight, or those
    /// of the adapter's A and B.
    pub fn blocks(&self) -> Vec<(usize, usize)> {
        let ProjectionSettings { k_in, k_out, .. } = self.settings;
        match self.rank {
            None => vec![(k_out, k_in)],
            Some(rank) => vec![(rank, k_in), (k_out, rank)],
        }
    }

    /// Number of bytes of a row.
    pub fn row_bytes(&self) -> usize {
        row::bytes(self.row_layers(), self.layer_dim())
    }

    /// Number of bytes of all ids.
    pub(crate) fn ids_bytes(&self) -> usize {
        self.count as usize * size_of::<ExampleId>()
    }

    fn json(&self) -> Vec<u8> {
        // The header holds strings, integers and lists of them only, so serialisation cannot fail.
        serde_json::to_vec(self).expect("plain data serialises")
    }

    /// The bytes before the body. Their number does not depend on the body's hash.
    pub fn to_bytes(&self) -> Vec<u8> {
        preface::write(&FORMAT, self)
    }

    /// Reads the header at the beginning of `bytes`, the content of the file at `path`. Returns the header and the
    /// position of the body.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<(Self, usize)> {
        let foreign = || AttributionError::NotAnIndex { path: path.to_path_buf() };
        let (header, body_at): (Self, usize) = preface::read(&FORMAT, bytes, path, foreign)?;
        let bad = |e: AttributionError| AttributionError::Header { path: path.to_path_buf(), reason: e.to_string() };
        header.settings.validate().map_err(bad)?;
        let own = header.parents.iter().try_fold(header.count, |rest, p| rest.checked_sub(p.count));
        let sections = header.masses.len();
        let uneven = |p: &Parent| p.masses.len() != sections || sections == 0;
        let weightless = sections > 0 && header.masses.iter().all(|m| *m == 0);
        // An index of an unknown run has one section.
        let unknown = sections == 0 && header.settings.most_sections() > 1;
        // No adapter has such a rank. Every size is worked out from it.
        let ranked = header.rank.is_none_or(|rank| (1..=MOST).contains(&rank));
        if own.is_none()
            || header.layers.is_empty()
            || sections > header.settings.most_sections()
            || (sections > 0 && !sections.is_multiple_of(header.settings.runs))
            || weightless
            || unknown
            || !ranked
            || header.parents.iter().any(uneven)
        {
            let reason = "its layers, sections or numbers of rows do not fit together".to_owned();
            return Err(AttributionError::Header { path: path.to_path_buf(), reason });
        }
        Ok((header, body_at))
    }

    /// Number of bytes of the whole file, whose body begins at `body_at`. `None` if no file can be that large.
    pub(crate) fn file_bytes(&self, body_at: usize) -> Option<u64> {
        let row = self.row_bytes().saturating_add(size_of::<ExampleId>()) as u64;
        self.count.checked_mul(row)?.checked_add(body_at as u64)
    }

    /// Fails if the file at `path` was made for another base, adapter or example list, or with other settings, than
    /// `expected`. The body's hash is not compared.
    pub fn check(&self, expected: &Self, path: &Path) -> Result<()> {
        self.check_layout(expected, path)?;
        let name = |states: &Option<String>| states.clone().unwrap_or_else(|| "of the end of training alone".into());
        let of = |header: &Self| {
            [
                ("adapter", header.adapter.clone()),
                ("examples", header.examples.clone()),
                ("states", name(&header.states)),
                ("learning-rate masses", format!("{:?}", header.masses)),
                ("parents", format!("{:?}", header.parents)),
                ("a number of examples,", header.count.to_string()),
            ]
        };
        equal(of(self), of(expected), path)
    }

    /// Fails if the rows of the file at `path` cannot be compared with those of `expected`, because of another base model
    /// or another form.
    fn check_layout(&self, expected: &Self, path: &Path) -> Result<()> {
        // A model has hundreds of layers, so they are named by a hash.
        let layers = |header: &Self| {
            let json = serde_json::to_vec(&header.layers).expect("plain data serialises");
            format!("{} with sha256 {}", header.layers.len(), hex::encode(Sha256::digest(json)))
        };
        let basis = |basis: &Option<String>| basis.clone().unwrap_or_else(|| "drawn from the seed".into());
        let of = |header: &Self| {
            [
                ("base model", header.base.clone()),
                ("settings", format!("{:?}", header.settings)),
                ("layers", layers(header)),
                ("projection basis", basis(&header.basis)),
                ("adapter rank", format!("{:?}", header.rank)),
                ("a loss of examples", format!("{:?}", header.loss)),
            ]
        };
        equal(of(self), of(expected), path)
    }
}

/// Fails if a property of the file at `path` has another value than is expected.
fn equal<const N: usize>(
    found: [(&'static str, String); N],
    expected: [(&'static str, String); N],
    path: &Path,
) -> Result<()> {
    for ((what, found), (_, expected)) in found.into_iter().zip(expected) {
        if found != expected {
            return Err(AttributionError::mismatch(path, what, found, expected));
        }
    }
    Ok(())
}

/// Each of `masses` as a part of the sum of `whole`.
fn relative(masses: &[u64], whole: &[u64]) -> Vec<f64> {
    let total = whole.iter().map(|m| *m as f64).sum::<f64>().max(1.0);
    masses.iter().map(|m| *m as f64 / total).collect()
}

/// Learning-rate mass per example in the header's units. `rates` is a sum of learning rates.
pub(crate) fn mass(rates: f64, examples: usize) -> u64 {
    // It is at most the number of epochs, because a learning rate is at most 1 and a batch has at least one example.
    (rates / examples.max(1) as f64 * MASS_UNITS).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::QueryStates;
    use candle_core::Device;

    fn header() -> IndexHeader {
        let settings = ProjectionSettings { k_in: 2, k_out: 2, ..Default::default() };
        let layers = ["a", "b"].map(|name| LayerShape { name: name.into(), input: 3, output: 2 });
        let projections = Projections::new(&settings, &layers, &Device::Cpu).unwrap();
        IndexHeader { masses: vec![30], ..IndexHeader::unfinished([1; 32], [2; 32], [3; 32], &projections, 5) }
    }

    #[test]
    fn rows_of_parents_come_first_and_count_by_mass() {
        let path = Path::new("x.index");
        let above = IndexHeader { masses: vec![90], count: 7, ..header() }.finished([9; 32]);
        let child = header().layered(&above, path).unwrap();
        assert_eq!((child.count, child.first_own(), child.sections(), child.row_layers()), (12, 7, 1, 2));
        let parts = [Part { rows: 0..7, factors: vec![3.0] }, Part { rows: 7..12, factors: vec![1.0] }];
        assert_eq!(child.parts(), parts);
        assert_eq!(child.own(), header());
        let third = IndexHeader { masses: vec![60], ..header() }.layered(&child, path).unwrap();
        assert_eq!(third.parts().iter().map(|p| p.factors[0]).collect::<Vec<_>>(), [1.5, 0.5, 1.0]);
        assert_eq!(third.parents[0].index, hex::encode(above.identity()));
        assert_eq!(IndexHeader::parse(&third.to_bytes(), path).unwrap().0, third);
    }

    #[test]
    fn headers_whose_parts_do_not_fit_together_are_refused() {
        let parent = |masses: &[u64], count| Parent { index: String::new(), count, masses: masses.to_vec() };
        let bad = [
            IndexHeader { masses: vec![1, 2], ..header() },
            IndexHeader { masses: vec![0], ..header() },
            IndexHeader { settings: ProjectionSettings { runs: 2, ..header().settings }, ..header() },
            IndexHeader { masses: vec![], settings: ProjectionSettings { runs: 2, ..header().settings }, ..header() },
            IndexHeader {
                masses: vec![],
                settings: ProjectionSettings { states: 2, query_states: QueryStates::All, ..header().settings },
                ..header()
            },
            IndexHeader { rank: Some(usize::MAX / 2), ..header() },
            IndexHeader { rank: Some(0), ..header() },
            IndexHeader { layers: vec![], ..header() },
            IndexHeader { parents: vec![parent(&[1], 4), parent(&[1], u64::MAX)], ..header() },
            IndexHeader { parents: vec![parent(&[1, 2], 1)], ..header() },
            IndexHeader { masses: vec![], parents: vec![parent(&[], 1)], ..header() },
        ];
        for header in bad {
            let found = IndexHeader::parse(&header.to_bytes(), Path::new("x.index"));
            assert!(matches!(found, Err(AttributionError::Header { .. })), "{header:?}");
        }
        assert!(IndexHeader::parse(&header().to_bytes(), Path::new("x.index")).is_ok());
    }

    #[test]
    fn an_unfinished_header_says_how_many_rows_are_on_disk() {
        assert_eq!(header().rows_on_disk(), 0);
        assert_eq!(header().unfinished_with(3).rows_on_disk(), 3);
        assert_eq!(header().finished([7; 32]).rows_on_disk(), 5);
        assert_eq!(header().unfinished_with(3).to_bytes().len(), header().finished([7; 32]).to_bytes().len());
    }
}
