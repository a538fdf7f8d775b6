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
        let name = |y: &f64| {
            let i = rows.len() as f64 - 0.5 - y;
            let whole = (i - i.round()).abs() < 1e-6;
            rows.get(i.round() as usize).filter(|_| whole).map_or(String::new(), |row| row.name.clone())
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc("mean Spearman correlation")
            .x_labels(12)
            .y_labels(0)
            .y_label_formatter(&name)
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
