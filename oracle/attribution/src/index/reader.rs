//! Reads an index through a memory map.

use super::{
    header::IndexHeader,
    row::{self, Layer},
};
use crate::{attributor::ExampleId, error::Result, files::mapped};
use memmap2::Mmap;
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A complete, checked index.
pub struct IndexReader {
    path: PathBuf,
    header: IndexHeader,
    ids: Arc<[ExampleId]>,
    map: Mmap,
    /// Position of the rows in the file.
    rows_at: usize,
}

impl IndexReader {
    /// Opens an index. Fails unless signature, version, header, size and the body's hash are all right.
    pub fn open(path: &Path) -> Result<Self> {
        let map = mapped::map(path)?;
        let (header, body_at) = IndexHeader::parse(&map, path)?;
        mapped::check_size(&map, path, header.file_bytes(body_at))?;
        mapped::check_hash(Sha256::new_with_prefix(&map[body_at..]), path, &header.body)?;
        let rows_at = body_at + header.ids_bytes();
        let ids = map[body_at..rows_at].as_chunks::<32>().0.to_vec().into();
        Ok(Self { path: path.into(), header, ids, map, rows_at })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index's header.
    pub fn header(&self) -> &IndexHeader {
        &self.header
    }

    /// The examples in row order.
    pub fn ids(&self) -> &Arc<[ExampleId]> {
        &self.ids
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// The bytes of a row.
    pub fn row(&self, position: usize) -> &[u8] {
        let bytes = self.header.row_bytes();
        &self.map[self.rows_at + position * bytes..][..bytes]
    }

    /// A row as numbers: the values of every layer of its sections, one layer after the other.
    pub fn gradient(&self, position: usize) -> Vec<f32> {
        let layers = 0..self.header.row_layers();
        layers.flat_map(|layer| self.layer(position, layer).values().map(|v| v as f32).collect::<Vec<_>>()).collect()
    }

    /// One layer of a row, of all layers of its sections.
    pub fn layer(&self, position: usize, layer: usize) -> Layer<'_> {
        row::layer(self.row(position), self.header.row_layers(), self.header.layer_dim(), layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::AttributionError,
        index::{header::VERSION, writer::IndexWriter},
        projection::{LayerShape, ProjectionSettings, Projections},
    };
    use candle_core::Device;

    const ROWS: [[f32; 8]; 2] =
        [[1.0, -2.0, 0.5, 0.0, 1e-9, 2e-9, 0.0, -4e-9], [0.25, 3.0, -1.0, 1.0, 8.0, 0.0, 0.0, 1.0]];

    fn header() -> IndexHeader {
        let settings = ProjectionSettings { k_in: 2, k_out: 2, seed: 1, ..Default::default() };
        let layers = ["a", "b"].map(|name| LayerShape { name: name.into(), input: 3, output: 2 });
        let projections = Projections::new(&settings, &layers, &Device::Cpu).unwrap();
        IndexHeader::unfinished([1; 32], [2; 32], [3; 32], &projections, 2)
    }

    fn built(dir: &Path) -> PathBuf {
        let path = dir.join("index");
        let mut writer = IndexWriter::create_or_resume(&path, header(), &[[7; 32], [8; 32]]).unwrap();
        for row in ROWS {
            writer.append(&[row.to_vec()]).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    fn open_changed(change: impl FnOnce(&mut Vec<u8>)) -> AttributionError {
        let dir = tempfile::tempdir().unwrap();
        let path = built(dir.path());
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let error = IndexReader::open(&path).err().expect("must be refused");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        error
    }

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let index = IndexReader::open(&built(dir.path())).unwrap();
        assert_eq!(index.ids().as_ref(), [[7; 32], [8; 32]]);
        assert_eq!(index.header().layers[1].name, "b");
        index.header().check(&header(), index.path()).unwrap();
        for (i, row) in ROWS.iter().enumerate() {
            let stored: Vec<f64> = (0..2).flat_map(|l| index.layer(i, l).values().collect::<Vec<_>>()).collect();
            for (a, b) in stored.iter().zip(row) {
                assert!((a - f64::from(*b)).abs() <= f64::from(b.abs()) / 2048.0);
            }
        }
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        assert!(matches!(open_changed(|b| b[0] ^= 1), AttributionError::NotAnIndex { .. }));
        assert!(matches!(open_changed(|b| b.truncate(4)), AttributionError::NotAnIndex { .. }));
    }

    #[test]
    fn another_version_is_refused() {
        let error = open_changed(|b| b[8] = 9);
        assert!(matches!(error, AttributionError::Version { found: 9, supported: VERSION, .. }), "{error}");
    }

    #[test]
    fn a_damaged_header_is_refused() {
        assert!(matches!(open_changed(|b| b[20] = 0xff), AttributionError::Header { .. }));
        assert!(matches!(open_changed(|b| b.truncate(40)), AttributionError::Header { .. }));
        assert!(matches!(open_changed(|b| b[15] = 0xff), AttributionError::Header { .. }));
    }

    #[test]
    fn a_truncated_or_lengthened_file_is_refused() {
        assert!(matches!(open_changed(|b| b.truncate(b.len() - 1)), AttributionError::Size { .. }));
        assert!(matches!(open_changed(|b| b.push(0)), AttributionError::Size { .. }));
    }

    #[test]
    fn a_changed_bit_anywhere_in_the_body_is_found() {
        assert!(matches!(open_changed(|b| *b.last_mut().unwrap() ^= 1), AttributionError::Damaged { .. }));
        let ids_at = header().to_bytes().len();
        assert!(matches!(open_changed(|b| b[ids_at] ^= 1), AttributionError::Damaged { .. }));
    }

    #[test]
    fn an_index_of_something_else_is_refused_by_name() {
        let (own, path) = (header(), Path::new("x.index"));
        let mut other = header();
        other.adapter = hex::encode([9; 32]);
        let error = own.check(&other, path).unwrap_err().to_string();
        assert!(error.contains("x.index") && error.contains("adapter") && error.contains("0909"), "{error}");
        let mut other = header();
        other.settings.seed = 5;
        assert!(matches!(own.check(&other, path), Err(AttributionError::Mismatch { what: "settings", .. })));
    }
}
