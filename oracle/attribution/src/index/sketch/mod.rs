//! A sketch of an index: a few hundred bytes for each row, from which its score can be estimated. A query scans the
//! whole sketch. Then it reads in full only those rows of the index that may be among the highest.
//!
//! A row is first multiplied by the preconditioner's root. So errors are small in proportion to what tells examples
//! apart, and not to what all examples share. The row is then rotated at random (`rotation.rs`) and kept as the signs
//! of its values with one factor (`code.rs`). A scan takes an exclusive or and a count of bits for each word.
//!
//! ```text
//! signature (8) | format version, u32 | header length, u32 | header, JSON padded with spaces | codes | factors, f32
//! ```
//! A sketch follows from the index, the preconditioner and its settings, so everybody can make their own. It is checked
//! like an index when it is opened. An interrupted sketch is made again from the beginning.

mod build;
mod code;
mod rotation;
mod settings;

pub use settings::SketchSettings;

use super::reader::IndexReader;
use crate::{
    error::{AttributionError, Result},
    files::{mapped, preface},
    precondition::{Curvature, Preconditioner},
};
use build::{FORMAT, Header, Shape, build, rotated};
use code::Planes;
use memmap2::Mmap;
use rayon::prelude::*;
use rotation::Rotation;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// Number of rows that one thread scans at a time. Their codes stay in its cache.
const SCANNED: usize = 512;

/// A memory-mapped sketch of an index under one preconditioner.
pub struct Sketch {
    path: PathBuf,
    map: Mmap,
    codes_at: usize,
    /// Number of rows.
    count: usize,
    /// Number of bits of a row.
    bits: usize,
    rotation: Rotation,
}

impl Sketch {
    /// Opens the sketch at `path`, or makes it from `index` and `curvature`, which was fitted to it for
    /// `preconditioner`. Fails if the file is damaged, or is of another index, preconditioner or settings.
    pub fn open_or_build(
        path: &Path,
        index: &IndexReader,
        (preconditioner, curvature): (Preconditioner, Option<&Curvature>),
        settings: SketchSettings,
    ) -> Result<Self> {
        settings.validate()?;
        let header = Header {
            index: hex::encode(index.header().identity()),
            preconditioner,
            settings,
            count: index.count() as u64,
            body: hex::encode([0; 32]),
        };
        let shape = Shape::new(index, settings);
        if !path.exists() {
            build(path, &header, index, curvature, &shape)?;
        }
        Self::open(path, &header, shape)
    }

    fn open(path: &Path, expected: &Header, shape: Shape) -> Result<Self> {
        let map = mapped::map(path)?;
        let foreign = || AttributionError::NotASketch { path: path.into() };
        let (header, codes_at): (Header, usize) = preface::read(&FORMAT, &map, path, foreign)?;
        for (what, found, expected) in [
            ("index", header.index.clone(), expected.index.clone()),
            ("preconditioner", format!("{:?}", header.preconditioner), format!("{:?}", expected.preconditioner)),
            ("settings", format!("{:?}", header.settings), format!("{:?}", expected.settings)),
            ("a number of rows,", header.count.to_string(), expected.count.to_string()),
        ] {
            if found != expected {
                return Err(AttributionError::mismatch(path, what, found, expected));
            }
        }
        let count = header.count as usize;
        let bytes = codes_at + count * (shape.bits / 8 + size_of::<f32>());
        mapped::check_size(&map, path, Some(bytes as u64))?;
        mapped::check_hash(Sha256::new_with_prefix(&map[codes_at..]), path, &header.body)?;
        Ok(Self { path: path.into(), map, codes_at, count, bits: shape.bits, rotation: shape.rotation })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.bits / 8 + size_of::<f32>()
    }

    /// Estimates of the inner product of each row with `query`, which must be in the root space of the preconditioner
    /// ([`Curvature::whiten`]).
    pub fn estimates(&self, query: &[f64]) -> Vec<f32> {
        let planes = Planes::new(&rotated(query, &self.rotation, self.bits));
        let (codes, factors) = self.map[self.codes_at..].split_at(self.count * self.bits / 8);
        let mut out = vec![0f32; self.count];
        out.par_chunks_mut(SCANNED)
            .zip(codes.par_chunks(SCANNED * self.bits / 8))
            .zip(factors.as_chunks::<4>().0.par_chunks(SCANNED))
            .for_each(|((out, codes), factors)| {
                planes.products(codes, out);
                out.iter_mut().zip(factors).for_each(|(v, factor)| *v *= f32::from_le_bytes(*factor));
            });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gradient::GradientSource,
        index::{product::products, writer::build_index},
        projection::ProjectionSettings,
        testing::{model, synthetic_index},
    };
    use openledger_laboratory::evaluate::transformations;
    use openledger_lm::Tokenizer;
    use std::ops::ControlFlow;

    const SMALL: SketchSettings = SketchSettings { bits: 128, seed: 3 };

    fn sketch(path: &Path, index: &IndexReader, settings: SketchSettings) -> Result<Sketch> {
        Sketch::open_or_build(path, index, (Preconditioner::None, None), settings)
    }

    /// Share of the rows with the ten highest exact values that are among the `kept` highest estimates.
    fn recall(exact: &[f64], estimates: &[f32], kept: usize) -> f64 {
        let order = |value: &dyn Fn(usize) -> f64| {
            let mut order: Vec<usize> = (0..exact.len()).collect();
            order.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
            order
        };
        let kept = &order(&|i| f64::from(estimates[i]))[..kept];
        order(&|i| exact[i])[..10].iter().filter(|i| kept.contains(i)).count() as f64 / 10.0
    }

    #[test]
    fn a_twentieth_of_the_rows_of_real_gradients_holds_the_true_top_ten() {
        let dir = tempfile::tempdir().unwrap();
        let (base, adapter) = model();
        let settings = ProjectionSettings { batch: 16, ..Default::default() };
        let source = GradientSource::new(base, adapter, &settings).unwrap();
        let tokenizer = Tokenizer::bytes();
        let examples = transformations::examples(&tokenizer, 800, 7, &transformations::ALL, false).unwrap();
        let index = build_index(&dir.path().join("index"), &source, &examples, |_, _| ControlFlow::Continue(()));
        let index = index.unwrap();
        let queries = transformations::examples(&tokenizer, 20, 8, &transformations::ALL, false).unwrap();
        for preconditioner in [Preconditioner::Fisher { damping: 0.1 }, Preconditioner::Ekfac { damping: 0.1 }] {
            let curvature = Curvature::fit(&index, preconditioner).unwrap().unwrap();
            let path = dir.path().join(format!("{preconditioner:?}"));
            let fitted = (preconditioner, Some(&curvature));
            let sketch = Sketch::open_or_build(&path, &index, fitted, SketchSettings::default()).unwrap();
            assert!(10 * sketch.row_bytes() < index.header().row_bytes());
            let mut found = 0.0;
            for query in &queries {
                let gradient: Vec<f64> =
                    source.rows(std::slice::from_ref(query)).unwrap()[0].iter().map(|v| f64::from(*v)).collect();
                let (mut direction, mut white) = (gradient.clone(), gradient);
                curvature.precondition(&index, &mut direction);
                assert!(curvature.whiten(&mut white));
                let exact = products(&index, 0..index.count(), &[&direction]).remove(0);
                // Cosines are used, because without norms the largest gradients would be on top of every query and too
                // easily found.
                let norms: Vec<f64> = curvature.self_influence().iter().map(|v| v.sqrt()).collect();
                let exact: Vec<f64> = exact.iter().zip(&norms).map(|(v, n)| v / n).collect();
                let estimates: Vec<f32> =
                    sketch.estimates(&white).iter().zip(&norms).map(|(v, n)| v / *n as f32).collect();
                found += recall(&exact, &estimates, 40) / queries.len() as f64;
            }
            println!("{preconditioner:?}: {found}");
            assert!(found >= 0.95, "{preconditioner:?}: {found}");
        }
    }

    #[test]
    fn estimates_are_without_bias_whatever_the_number_of_bits() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 40, 8, 8);
        let query: Vec<f64> = (0..128).map(|i| (i as f64 * 0.9).sin()).collect();
        let exact = products(&index, 0..index.count(), &[&query]).remove(0);
        let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
        let norms: Vec<f64> =
            (0..40).map(|i| norm(&mut (0..2).flat_map(|l| index.layer(i, l).values().collect::<Vec<_>>()))).collect();
        let own = norm(&mut query.iter().copied());
        for bits in [64, 128] {
            let mut mean = vec![0f64; 40];
            for seed in 0..200 {
                let path = dir.path().join(format!("{bits}-{seed}"));
                let sketch = sketch(&path, &index, SketchSettings { bits, seed }).unwrap();
                mean.iter_mut().zip(sketch.estimates(&query)).for_each(|(m, v)| *m += f64::from(v) / 200.0);
            }
            for ((mean, exact), norm) in mean.iter().zip(&exact).zip(&norms) {
                // One estimate is off by about 1.25 · norms / √bits. The mean of 200 is off by a fourteenth of that.
                let error = (mean - exact).abs() / (norm * own);
                assert!(error < 0.4 / (bits as f64).sqrt(), "{bits} bits: {mean} against {exact}");
            }
        }
    }

    #[test]
    fn what_an_interrupted_build_left_is_made_again_and_a_finished_sketch_is_only_opened() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 30, 8, 8);
        let path = dir.path().join("x.sketch");
        std::fs::write(dir.path().join("x.sketch.partial"), [7; 10_000]).unwrap();
        sketch(&path, &index, SMALL).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!dir.path().join("x.sketch.partial").exists());
        let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
        sketch(&path, &index, SMALL).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), changed);
        std::fs::remove_file(&path).unwrap();
        sketch(&path, &index, SMALL).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "its bytes follow from the index");
    }

    #[test]
    fn damaged_and_foreign_sketches_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let index = synthetic_index(dir.path(), 30, 8, 8);
        let path = dir.path().join("x.sketch");
        sketch(&path, &index, SMALL).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let open_changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = whole.clone();
            change(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
            let error = sketch(&path, &index, SMALL).err().expect("must be refused");
            assert!(error.to_string().contains("x.sketch"), "{error}");
            error
        };
        assert!(matches!(open_changed(&|b| b[0] ^= 1), AttributionError::NotASketch { .. }));
        assert!(matches!(open_changed(&|b| b[8] = 9), AttributionError::Version { found: 9, .. }));
        assert!(matches!(open_changed(&|b| b[20] = 0xff), AttributionError::Header { .. }));
        assert!(matches!(open_changed(&|b| b.truncate(b.len() - 1)), AttributionError::Size { .. }));
        assert!(matches!(open_changed(&|b| *b.last_mut().unwrap() ^= 1), AttributionError::Damaged { .. }));
        std::fs::write(&path, &whole).unwrap();
        let other = SketchSettings { seed: 4, ..SMALL };
        let error = sketch(&path, &index, other).err().unwrap();
        assert!(matches!(error, AttributionError::Mismatch { what: "settings", .. }), "{error}");
        let kfac = Sketch::open_or_build(&path, &index, (Preconditioner::Kfac { damping: 0.1 }, None), SMALL);
        assert!(matches!(kfac.err(), Some(AttributionError::Mismatch { what: "preconditioner", .. })));
        let folder = tempfile::tempdir().unwrap();
        let other = synthetic_index(folder.path(), 31, 8, 8);
        assert!(matches!(sketch(&path, &other, SMALL).err(), Some(AttributionError::Mismatch { what: "index", .. })));
    }
}
