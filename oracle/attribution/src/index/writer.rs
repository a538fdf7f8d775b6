//! Builds an index so that a crash loses at most the rows of one batch.

use super::{header::IndexHeader, reader::IndexReader, row};
use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    files::partial::Partial,
    gradient::GradientSource,
};
use openledger_lm::{Example, Lanes};
use std::{
    collections::VecDeque,
    io::{Read, Seek, SeekFrom, Write},
    ops::ControlFlow,
    path::Path,
};

/// Builds the index of `examples` at `path`, or continues where an earlier call was stopped. An index that is already
/// complete is opened.
///
/// `progress` is called with (rows stored, rows in all) before the first batch and after each batch. A break ends the
/// call with [`AttributionError::Interrupted`] and keeps what is stored.
pub fn build_index(
    path: &Path,
    source: &GradientSource,
    examples: &[Example],
    progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<IndexReader> {
    build(path, source.header(examples)?, None, source, examples, progress)
}

/// Like [`build_index`], for an adapter whose training began with another adapter. `parent` is the index of the other.
/// Its rows are taken over bit for bit, those of its own parents too, and the rows of `examples` follow. An example that
/// both runs learned has a row in each.
///
/// Scores of a parent's rows are in proportion to the learning-rate mass of its run, per example. So an answer's scores
/// compare what both trainings did. One preconditioner is fitted to all rows. Fails if `parent` is of another base
/// model, layout or projection (its seed included) than `source`, or if either is not of a known run
/// ([`GradientSource::of_run`]).
pub fn build_layered(
    path: &Path,
    parent: &IndexReader,
    source: &GradientSource,
    examples: &[Example],
    progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<IndexReader> {
    let header = source.header(examples)?.layered(parent.header(), parent.path())?;
    build(path, header, Some(parent), source, examples, progress)
}

fn build(
    path: &Path,
    header: IndexHeader,
    parent: Option<&IndexReader>,
    source: &GradientSource,
    examples: &[Example],
    mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<IndexReader> {
    if path.exists() {
        let index = IndexReader::open(path)?;
        index.header().check(&header, path)?;
        return Ok(index);
    }
    let (first, total) = (header.first_own(), header.count as usize);
    let above = parent.iter().flat_map(|parent| parent.ids().iter());
    let ids: Vec<ExampleId> = above.copied().chain(examples.iter().map(|e| e.id)).collect();
    let mut writer = IndexWriter::create_or_resume(path, header, &ids)?;
    let (lanes, mut ready) = (Lanes::new(source.device(), usize::MAX), VecDeque::new());
    loop {
        let done = writer.rows();
        if progress(done, total).is_break() && done < total {
            return Err(AttributionError::Interrupted { done, total });
        }
        if done == total {
            break;
        }
        if let Some(parent) = parent.filter(|_| done < first) {
            writer.append_rows_of(parent)?;
            continue;
        }
        if ready.is_empty() {
            let batches = examples[done - first..].chunks(source.projections().settings().batch).take(lanes.count());
            ready.extend(lanes.map(batches, |batch| source.rows(batch)));
        }
        if let Some(rows) = ready.pop_front() {
            writer.append(&rows?)?;
        }
    }
    writer.finish()?;
    IndexReader::open(path)
}

/// An index that is being written to `<path>.partial`. Rows are appended and flushed to disk. The last step writes the
/// final header and renames the file.
pub struct IndexWriter {
    partial: Partial,
    header: IndexHeader,
    rows: usize,
}

impl IndexWriter {
    /// Starts the index with this header (without body hash) and these ids, or continues the unfinished file of the
    /// same header and ids. Rows of a torn or incomplete batch are dropped.
    pub fn create_or_resume(path: &Path, header: IndexHeader, ids: &[ExampleId]) -> Result<Self> {
        let mut partial = Partial::open(path)?;
        let mut front = header.to_bytes();
        front.extend(ids.as_flattened());
        let length = partial.file.metadata().map_err(AttributionError::io("read", partial.path()))?.len();
        let rows = if length < front.len() as u64 {
            // The earlier process was killed before the first row, or there was none.
            let started = partial.file.set_len(0).and_then(|()| partial.file.write_all(&front));
            partial.written(started)?;
            0
        } else {
            check_front(&mut partial, &header, ids, front.len())?;
            let stored = ((length - front.len() as u64) / header.row_bytes() as u64).min(header.count) as usize;
            // Rows of a parent are copied one by one. Own rows are made in batches.
            let own = stored.saturating_sub(header.first_own());
            if stored == ids.len() { stored } else { stored - own % header.settings.batch }
        };
        let end = front.len() as u64 + rows as u64 * header.row_bytes() as u64;
        let cut = partial
            .file
            .set_len(end)
            .and_then(|()| partial.file.seek(SeekFrom::Start(end)))
            .and_then(|_| partial.file.sync_all());
        partial.written(cut)?;
        if rows > 0 {
            tracing::info!(path = %partial.path().display(), rows, of = ids.len(), "resuming the influence index");
        }
        Ok(Self { partial, header, rows })
    }

    /// Number of rows stored so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends rows of row_layers × layer_dim finite values, and waits until they are on disk.
    pub fn append(&mut self, rows: &[Vec<f32>]) -> Result<()> {
        let width = self.header.row_layers() * self.header.layer_dim();
        if self.rows + rows.len() > self.header.count as usize || rows.iter().any(|r| r.len() != width) {
            return Err(AttributionError::Examples(format!(
                "{} rows of {width} values at most fit behind the {} stored ones of {}",
                self.header.count as usize - self.rows,
                self.rows,
                self.partial.path().display()
            )));
        }
        let mut bytes = Vec::with_capacity(rows.len() * self.header.row_bytes());
        for values in rows {
            row::encode(values, self.header.layer_dim(), &mut bytes);
        }
        self.store(&bytes, rows.len())
    }

    /// Appends the rows of `parent` that are not stored yet, and waits until they are on disk.
    fn append_rows_of(&mut self, parent: &IndexReader) -> Result<()> {
        let rows = self.rows..parent.count();
        let bytes: Vec<u8> = rows.clone().flat_map(|i| parent.row(i).iter().copied()).collect();
        self.store(&bytes, rows.len())
    }

    fn store(&mut self, bytes: &[u8], rows: usize) -> Result<()> {
        let stored = self.partial.file.write_all(bytes).and_then(|()| self.partial.file.sync_data());
        self.partial.written(stored)?;
        self.rows += rows;
        Ok(())
    }

    /// Writes the body's hash into the header and gives the file its final name.
    pub fn finish(mut self) -> Result<()> {
        let (done, total) = (self.rows, self.header.count as usize);
        if done < total {
            return Err(AttributionError::Interrupted { done, total });
        }
        let body = self.partial.hash_from(self.header.to_bytes().len() as u64)?;
        self.partial.publish(&self.header.finished(body).to_bytes())
    }
}

/// Fails if the unfinished file belongs to another index.
fn check_front(partial: &mut Partial, header: &IndexHeader, ids: &[ExampleId], length: usize) -> Result<()> {
    let mut front = vec![0; length];
    let read = partial.file.seek(SeekFrom::Start(0)).and_then(|_| partial.file.read_exact(&mut front));
    let path = partial.path();
    read.map_err(AttributionError::io("read", path))?;
    let (found, body_at) = IndexHeader::parse(&front, path)?;
    found.check(header, path)?;
    if front[body_at..] != *ids.as_flattened() {
        return Err(AttributionError::mismatch(path, "example ids that", "differ", "the given ones"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{examples, settings, source};
    use std::{fs::OpenOptions, path::PathBuf};

    fn partial_of(path: &Path) -> PathBuf {
        path.with_extension("index.partial")
    }

    /// Builds, and stops as soon as `rows` rows are stored.
    fn build_until(path: &Path, source: &GradientSource, examples: &[Example], rows: usize) {
        let result = build_index(path, source, examples, |done, _| {
            if done >= rows { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(result, Err(AttributionError::Interrupted { total, .. }) if total == examples.len()));
        assert!(!path.exists());
    }

    fn build(path: &Path, source: &GradientSource, examples: &[Example]) -> Result<(IndexReader, Vec<usize>)> {
        let mut seen = Vec::new();
        let index = build_index(path, source, examples, |done, _| {
            seen.push(done);
            ControlFlow::Continue(())
        })?;
        Ok((index, seen))
    }

    #[test]
    fn an_interrupted_build_goes_on_and_gives_the_same_file() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let (source, examples) = (source(&settings(2)), examples(7));
        let whole = dir.path().join("whole.index");
        assert_eq!(build(&whole, &source, &examples)?.1, [0, 2, 4, 6, 7]);

        let path = dir.path().join("stopped.index");
        build_until(&path, &source, &examples, 4);
        // A kill in the middle of a write leaves a torn row behind. The batch of that row is computed again.
        let mut file = OpenOptions::new().append(true).open(partial_of(&path)).unwrap();
        file.write_all(&vec![0xab; source.header(&examples)?.row_bytes() * 3 / 2]).unwrap();
        let (index, seen) = build(&path, &source, &examples)?;
        assert_eq!(seen, [4, 6, 7]);
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&whole).unwrap());
        assert_eq!(index.ids().to_vec(), examples.iter().map(|e| e.id).collect::<Vec<_>>());
        assert!(!partial_of(&path).exists());
        Ok(())
    }

    #[test]
    fn a_kill_at_any_later_moment_is_survived() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let (source, examples) = (source(&settings(1)), examples(2));
        let whole = dir.path().join("whole.index");
        let index = build(&whole, &source, &examples)?.0;
        let bytes = std::fs::read(&whole).unwrap();
        let path = dir.path().join("killed.index");
        // The first kill is inside the header. The second is after the final header but before the renaming.
        for content in [&bytes[..30], &bytes[..]] {
            std::fs::write(partial_of(&path), content).unwrap();
            build(&path, &source, &examples)?;
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
            std::fs::remove_file(&path).unwrap();
        }
        drop(index);
        Ok(())
    }

    #[test]
    fn a_complete_index_is_not_computed_again_and_another_one_is_not_overwritten() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("done.index");
        let examples = examples(3);
        let source_a = source(&settings(1));
        build(&path, &source_a, &examples)?;
        assert!(build(&path, &source_a, &examples)?.1.is_empty());
        let other = source(&settings(2));
        assert!(matches!(build(&path, &other, &examples), Err(AttributionError::Mismatch { what: "settings", .. })));
        let mut changed = examples.clone();
        changed[1].tokens[4] ^= 1;
        assert!(matches!(build(&path, &source_a, &changed), Err(AttributionError::Mismatch { what: "examples", .. })));
        assert!(matches!(build(&path, &source_a, &[]), Err(AttributionError::Examples(_))));
        Ok(())
    }

    #[test]
    fn two_builders_of_one_index_do_not_mix_their_rows() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared.index");
        let (source, examples) = (source(&settings(1)), examples(2));
        let ids: Vec<ExampleId> = examples.iter().map(|e| e.id).collect();
        let first = IndexWriter::create_or_resume(&path, source.header(&examples)?, &ids)?;
        assert!(matches!(build(&path, &source, &examples), Err(AttributionError::Busy { .. })));
        drop(first);
        build(&path, &source, &examples)?;
        Ok(())
    }

    #[test]
    fn an_unfinished_index_of_something_else_is_not_continued() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.index");
        build_until(&path, &source(&settings(1)), &examples(3), 1);
        let error = build(&path, &source(&settings(1)), &examples(4)).err().unwrap();
        assert!(error.to_string().contains("x.index.partial"), "{error}");
    }
}
