//! Plots as SVG.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, anyhow};
use plotters::{coord::Shift, prelude::*};

use super::{quality::Judged, speed::Figures};

/// A horizontal bar a method and regime, with its interval; the best method on top.
pub fn lds(path: &Path, rows: &[Judged]) -> Result<()> {
    draw_lds(path, rows).map_err(|error| anyhow!("{error}")).with_context(|| format!("cannot draw {}", path.display()))
}

fn draw_lds(path: &Path, rows: &[Judged]) -> Result<(), Box<dyn std::error::Error>> {
    let regimes: Vec<&String> = rows.first().map(|row| row.lds.keys().collect()).unwrap_or_default();
    let height = 80 + 18 * rows.len() as u32;
    let area = SVGBackend::new(path, (520 * regimes.len().max(1) as u32, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, regime) in area.split_evenly((1, regimes.len().max(1))).iter().zip(regimes) {
        let mut chart = ChartBuilder::on(panel)
            .caption(regime, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(230)
            .build_cartesian_2d(-0.1f64..1.0, 0f64..rows.len() as f64)?;
        // Row 0 is the uppermost: its bar lies at the top of the axis.
        let at = |i: usize| (rows.len() - i) as f64 - 0.5;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc("mean Spearman correlation")
            .x_labels(12)
            .draw()?;
        for (i, row) in rows.iter().enumerate() {
            let Some(score) = row.lds.get(regime) else { continue };
            let (bottom, top) = (at(i) - 0.35, at(i) + 0.35);
            let colour = Palette99::pick(usize::from(i > 0)).mix(0.6);
            chart.draw_series([Rectangle::new([(0.0, bottom), (score.mean, top)], colour.filled())])?;
            chart.draw_series([PathElement::new(vec![(score.low, at(i)), (score.high, at(i))], BLACK)])?;
        }
        for (i, row) in rows.iter().enumerate() {
            let (_, y) = chart.backend_coord(&(0.0, at(i)));
            let style = ("sans-serif", 12).into_font().color(&BLACK);
            let (_, offset) = panel.get_pixel_range();
            panel.draw_text(&row.name, &style, (10, y - offset.start - 6))?;
        }
    }
    area.present()?;
    Ok(())
}

/// How times grow: of building an index with examples, of a settlement with answers, of a query with rows.
pub fn growth(path: &Path, figures: &Figures) -> Result<()> {
    draw_growth(path, figures)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("cannot draw {}", path.display()))
}

/// Name → points.
type Lines = BTreeMap<String, Vec<(f64, f64)>>;

fn draw_growth(path: &Path, figures: &Figures) -> Result<(), Box<dyn std::error::Error>> {
    let (mut index, mut settlement, mut product) = (Lines::new(), Lines::new(), Lines::new());
    for row in &figures.index {
        index.entry(row.name.clone()).or_default().push((row.examples as f64, row.ready));
    }
    for row in &figures.settlement {
        settlement.entry(row.name.clone()).or_default().push((row.answers as f64, row.query));
    }
    for line in &figures.product {
        product.entry(line.what.clone()).or_default().push((line.rows as f64, line.median / 1e3));
    }
    let area = SVGBackend::new(path, (1260, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let panels = [
        ("index of all examples", "examples", &index),
        ("settlement of an epoch", "answers", &settlement),
        ("query without backward pass", "rows", &product),
    ];
    for (panel, (caption, what, lines)) in area.split_evenly((1, 3)).iter().zip(panels) {
        draw_lines(panel, caption, what, lines)?;
    }
    area.present()?;
    Ok(())
}

fn draw_lines(
    panel: &DrawingArea<SVGBackend, Shift>,
    caption: &str,
    what: &str,
    lines: &Lines,
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.values().flatten();
    let range = |value: &dyn Fn(&(f64, f64)) -> f64| {
        let (low, high) = points().map(value).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        (low / 1.6, high * 1.6)
    };
    let ((left, right), (bottom, top)) = (range(&|p| p.0), range(&|p| p.1));
    let mut chart = ChartBuilder::on(panel)
        .caption(caption, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(56)
        // Room for the names.
        .build_cartesian_2d((left..right).log_scale(), (bottom..top * 8.0).log_scale())?;
    chart.configure_mesh().x_desc(what).y_desc("seconds").draw()?;
    for (i, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(i).to_rgba();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3))?
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 14, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 11))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_names_everybody_and_every_panel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growth.svg");
        growth(&path, &crate::bench::speed::tests::figures()).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for text in ["ours, both sides random", "PyTorch, both sides random", "settlement of an epoch", "all rows"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }

    #[test]
    fn every_method_and_regime_is_named_in_the_plot() {
        let rows: Vec<Judged> = serde_json::from_value(serde_json::json!(
            [("magic", 0.9), ("logra adapter 16 ekfac 0.1", 0.4), ("random", -0.01)].map(|(name, mean)| {
                let score = serde_json::json!({"mean": mean, "low": mean - 0.05, "high": mean + 0.04, "per_query": []});
                serde_json::json!({
                    "name": name, "version": "1", "tasks": 1, "ready_seconds": 0.0, "query_seconds": 0.0,
                    "lds": {"leave 1.5 %": score, "leave 50 %": score}, "behind": {},
                })
            })
        ))
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lds.svg");
        lds(&path, &rows).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for text in ["magic", "logra adapter 16 ekfac 0.1", "random", "leave 1.5 %", "leave 50 %"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(lds(&folder.path().join("no/such/folder.svg"), &rows).is_err());
    }
}
