//! Plots as SVG.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

use super::quality::Judged;

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

#[cfg(test)]
mod tests {
    use super::*;

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
