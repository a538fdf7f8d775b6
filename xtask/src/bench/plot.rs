//! Plots as SVG.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, anyhow};
use plotters::{coord::Shift, prelude::*};
use serde::{Deserialize, Serialize};

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// A row of bars, with one bar for each panel, by the panels' captions.
pub struct Bars<'a> {
    pub name: &'a str,
    pub by_panel: &'a BTreeMap<String, Interval>,
}

/// Plots horizontal bars with their intervals. The first row is at the top and names the panels.
pub fn bars(path: &Path, measure: &str, rows: &[Bars]) -> Result<()> {
    drawn(path, draw_bars(path, measure, rows))
}

fn drawn(path: &Path, result: Result<(), Box<dyn std::error::Error>>) -> Result<()> {
    result.map_err(|error| anyhow!("{error}")).with_context(|| format!("cannot draw {}", path.display()))
}

fn draw_bars(path: &Path, measure: &str, rows: &[Bars]) -> Result<(), Box<dyn std::error::Error>> {
    let panels: Vec<&String> = rows.first().map(|row| row.by_panel.keys().collect()).unwrap_or_default();
    let height = 80 + 18 * rows.len() as u32;
    let area = SVGBackend::new(path, (520 * panels.len().max(1) as u32, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, caption) in area.split_evenly((1, panels.len().max(1))).iter().zip(panels) {
        let mut chart = ChartBuilder::on(panel)
            .caption(caption, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(230)
            .build_cartesian_2d(-0.1f64..1.0, 0f64..rows.len() as f64)?;
        // Row 0 is at the top of the axis.
        let at = |i: usize| (rows.len() - i) as f64 - 0.5;
        chart.configure_mesh().disable_y_mesh().disable_y_axis().x_desc(measure).x_labels(12).draw()?;
        for (i, row) in rows.iter().enumerate() {
            let Some(score) = row.by_panel.get(caption) else { continue };
            let (bottom, top) = (at(i) - 0.35, at(i) + 0.35);
            let colour = Palette99::pick(usize::from(i > 0)).mix(0.6);
            chart.draw_series([Rectangle::new([(0.0, bottom), (score.mean, top)], colour.filled())])?;
            chart.draw_series([PathElement::new(vec![(score.low, at(i)), (score.high, at(i))], BLACK)])?;
        }
        for (i, row) in rows.iter().enumerate() {
            let (_, y) = chart.backend_coord(&(0.0, at(i)));
            let style = ("sans-serif", 12).into_font().color(&BLACK);
            let (_, offset) = panel.get_pixel_range();
            panel.draw_text(row.name, &style, (10, y - offset.start - 6))?;
        }
    }
    area.present()?;
    Ok(())
}

/// Name → points.
pub type Lines = BTreeMap<String, Vec<(f64, f64)>>;

/// A panel of lines over a logarithmic grid: its caption, what the x axis counts, and seconds on the y axis.
pub struct Panel {
    pub caption: &'static str,
    pub counted: &'static str,
    pub lines: Lines,
}

/// Plots panels of lines side by side.
pub fn lines(path: &Path, panels: &[Panel]) -> Result<()> {
    drawn(path, draw_panels(path, panels))
}

fn draw_panels(path: &Path, panels: &[Panel]) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, (420 * panels.len().max(1) as u32, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    for (place, panel) in area.split_evenly((1, panels.len().max(1))).iter().zip(panels) {
        draw_lines(place, panel.caption, panel.counted, &panel.lines)?;
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
