//! Sampled verification: recomputes some rows of an index and compares them with the stored rows.

use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    gradient::{GradientSource, examples_hash},
    index::{reader::IndexReader, row},
};
use openledger_lm::Example;
use std::collections::BTreeSet;

/// Relative error up to which a row counts as the same. On one kind of processor, rounding to f16 and another order of
/// summation explain this much. For rows computed on another kind, measure what is usual there.
pub const DEFAULT_TOLERANCE: f64 = 2e-3;

/// Outcome for one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowCheck {
    /// Position in the index.
    pub position: usize,
    /// The example.
    pub id: ExampleId,
    /// Whether the recomputed row has the same bytes. It must on the same build and kind of processor.
    pub identical: bool,
    /// The largest of the layers' relative errors ‖stored − recomputed‖ / ‖recomputed‖. It is taken layer by layer,
    /// because the preconditioner makes small layers count as much as large ones.
    pub relative_error: f64,
}

/// Recomputes the rows at `positions`, in any order and without duplicates, from the model and the examples. These must
/// be those of the index's own run. Other rows of their batches are recomputed with them. Positions count from the
/// index's first row. Rows of a parent cannot be recomputed from this run: use [`verify_parent`].
pub fn verify_rows(
    index: &IndexReader,
    source: &GradientSource,
    examples: &[Example],
    positions: &[usize],
) -> Result<Vec<RowCheck>> {
    let own = source.header_for(examples_hash(examples), examples.len() as u64);
    index.header().own().check(&own, index.path())?;
    let (first, end) = (index.header().first_own(), index.count());
    let wanted: BTreeSet<usize> = positions.iter().copied().collect();
    if let Some(outside) = wanted.iter().find(|p| !(first..end).contains(p)) {
        return Err(AttributionError::Examples(format!(
            "position {outside} is not among the run's own rows, {first} to {end}; choose one of these"
        )));
    }
    let mut checks = Vec::with_capacity(wanted.len());
    let mut pass: Option<(usize, Vec<Vec<f32>>)> = None;
    for position in wanted {
        let example = position - first;
        let (start, batch) = source.batch_of(examples, example);
        let rows = match pass.take() {
            Some((at, rows)) if at == start => rows,
            _ => source.rows(batch)?,
        };
        checks.push(compare(index, position, examples[example].id, &rows[example - start]));
        pass = Some((start, rows));
    }
    Ok(checks)
}

/// Fails unless the index begins with all rows of `parent`, bit for bit.
pub fn verify_parent(index: &IndexReader, parent: &IndexReader) -> Result<()> {
    let expected = index.header().own().layered(parent.header(), parent.path())?;
    index.header().check(&expected, index.path())?;
    let count = parent.count();
    if index.ids()[..count] != parent.ids()[..] || (0..count).any(|i| index.row(i) != parent.row(i)) {
        return Err(AttributionError::mismatch(index.path(), "rows that", "differ", "those of its parent"));
    }
    Ok(())
}

/// Whether every check is within the tolerance and there is at least one.
pub fn accepted(checks: &[RowCheck], tolerance: f64) -> bool {
    !checks.is_empty() && checks.iter().all(|c| c.relative_error <= tolerance)
}

fn compare(index: &IndexReader, position: usize, id: ExampleId, recomputed: &[f32]) -> RowCheck {
    let dim = index.header().layer_dim();
    let mut bytes = Vec::with_capacity(index.header().row_bytes());
    row::encode(recomputed, dim, &mut bytes);
    let identical = bytes == index.row(position) && id == index.ids()[position];
    let relative_error = recomputed
        .chunks_exact(dim)
        .enumerate()
        .map(|(layer, values)| {
            let (mut difference, mut norm) = (0.0, 0.0);
            for (stored, value) in index.layer(position, layer).values().zip(values) {
                difference += (stored - f64::from(*value)).powi(2);
                norm += f64::from(*value).powi(2);
            }
            if difference == 0.0 { 0.0 } else { (difference / norm).sqrt() }
        })
        .fold(0.0, f64::max);
    RowCheck { position, id, identical, relative_error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        index::writer::{IndexWriter, build_index},
        testing::{examples, settings, source},
    };
    use std::ops::ControlFlow;

    #[test]
    fn recomputed_rows_have_the_same_bytes() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        for batch in [1, 3] {
            let (builder, verifier, examples) = (source(&settings(batch)), source(&settings(batch)), examples(7));
            let path = dir.path().join(format!("{batch}"));
            let index = build_index(&path, &builder, &examples, |_, _| ControlFlow::Continue(()))?;
            let checks = verify_rows(&index, &verifier, &examples, &[6, 0, 4, 4])?;
            assert_eq!(checks.iter().map(|c| c.position).collect::<Vec<_>>(), [0, 4, 6]);
            assert!(checks.iter().all(|c| c.identical && c.relative_error < 1e-3), "{checks:?}");
            assert!(accepted(&checks, DEFAULT_TOLERANCE));
            assert!(verify_rows(&index, &verifier, &examples, &[7]).is_err());
        }
        assert!(!accepted(&[], DEFAULT_TOLERANCE));
        Ok(())
    }

    #[test]
    fn a_forged_row_is_found_however_small_its_layer() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let (source, examples) = (source(&settings(1)), examples(3));
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for example in &examples {
            rows.extend(source.rows(std::slice::from_ref(example))?);
        }
        // The smallest layer of the second example is made 5 % larger.
        let dim = source.projections().layer_dim();
        let weakest = rows[1]
            .chunks_exact_mut(dim)
            .min_by(|a, b| {
                let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>();
                norm(a).total_cmp(&norm(b))
            })
            .unwrap();
        weakest.iter_mut().for_each(|v| *v *= 1.05);
        let path = dir.path().join("forged");
        let ids: Vec<ExampleId> = examples.iter().map(|e| e.id).collect();
        let mut writer = IndexWriter::create_or_resume(&path, source.header(&examples)?, &ids)?;
        writer.append(&rows)?;
        writer.finish()?;
        let index = IndexReader::open(&path)?;
        let checks = verify_rows(&index, &source, &examples, &[0, 1, 2])?;
        assert_eq!(checks.iter().map(|c| c.identical).collect::<Vec<_>>(), [true, false, true]);
        assert!((checks[1].relative_error - 0.05).abs() < 1e-3, "{checks:?}");
        assert!(!accepted(&checks, DEFAULT_TOLERANCE));
        Ok(())
    }
}
