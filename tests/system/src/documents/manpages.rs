//! Manual pages of the Linux programming interface (Debian package `manpages-dev`): one document for each page. It
//! consists of the page's NAME line and the first paragraph of its DESCRIPTION. Its author is the one that the page's
//! copyright line names.

use super::document::{Document, tidy};
use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// `per_author` pages of each of the `authors` most prolific authors, in order of author and title.
pub fn read(package: &Path, authors: usize, per_author: usize) -> Result<Vec<Document>> {
    let mut by_author: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    for section in ["man2", "man3"] {
        let folder = package.join("usr/share/man").join(section);
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} is missing; run `cargo xtask fetch`", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
        files.sort();
        for file in files.iter().filter(|f| f.is_file() && !f.is_symlink()) {
            let mut page = String::new();
            let mut bytes = Vec::new();
            GzDecoder::new(fs::File::open(file)?).read_to_end(&mut bytes)?;
            page.push_str(&String::from_utf8_lossy(&bytes));
            let name = file.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
            if let Some(d) = document(name, &page) {
                by_author.entry(d.author.clone()).or_default().push(d);
            }
        }
    }
    let mut ranked: Vec<(String, Vec<Document>)> = by_author.into_iter().collect();
    ranked.retain(|(_, pages)| pages.len() >= per_author);
    ranked.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
    Ok(ranked.into_iter().take(authors).flat_map(|(_, pages)| pages.into_iter().take(per_author)).collect())
}

/// Makes a document of a page's name, such as `strstr.3`, and its source. `None` if author, licence or description is
/// missing.
fn document(name: &str, page: &str) -> Option<Document> {
    let author = author(page)?;
    let licence = page.lines().find_map(|l| l.split("SPDX-License-Identifier:").nth(1))?.trim().to_string();
    let (title, section) = name.rsplit_once('.')?;
    let what = section_text(page, "NAME")?;
    let (_, summary) = what.split_once(" - ")?;
    let description = section_text(page, "DESCRIPTION")?;
    let text = tidy(&format!("{title}({section}) - {}. {description}", summary.trim_end_matches('.')))?;
    Some(Document { title: title.to_string(), author, licence, source: format!("manpages-dev:{name}"), text })
}

/// The first holder that a copyright line names, without years and addresses.
fn author(page: &str) -> Option<String> {
    let line = page.lines().take(12).find(|l| l.starts_with(".\\\"") && l.to_lowercase().contains("copyright"))?;
    let at = line.to_lowercase().find("copyright")? + "copyright".len();
    let holder =
        line[at..].split(['<', '(', '@']).find(|p| p.split_whitespace().filter(|w| is_name(w)).count() >= 2)?;
    let words: Vec<&str> = holder
        .trim_start_matches("c)")
        .trim_start_matches("C)")
        .split_whitespace()
        .filter(|w| !w.chars().any(|c| c.is_ascii_digit()) && !matches!(*w, "by" | "c)" | "C)" | "and" | "," | "-"))
        .collect();
    let name = words.join(" ").split(',').next()?.trim().trim_end_matches('.').to_string();
    (name.split(' ').count() >= 2 && name.len() <= 48).then_some(name)
}

fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase) && word.chars().all(|c| c.is_alphabetic() || "-.',".contains(c))
}

/// The text of `.SH heading` up to its second paragraph, without markup. `None` if it holds a table or a list.
fn section_text(page: &str, heading: &str) -> Option<String> {
    let mut out = String::new();
    let mut inside = false;
    for line in page.lines() {
        if let Some(h) = line.strip_prefix(".SH ") {
            if inside {
                break;
            }
            inside = h.trim().trim_matches('"') == heading;
            continue;
        }
        if !inside || line.starts_with(".\\\"") || line.starts_with("'\\\"") {
            continue;
        }
        let text = match line.strip_prefix('.').map(|m| m.split_once(' ').unwrap_or((m, ""))) {
            None => plain(line),
            Some(("PP" | "P" | "LP", _)) if out.len() < 160 => continue,
            Some(("PP" | "P" | "LP", _)) => break,
            // Macros of alternating fonts: their arguments are joined.
            Some(("BR" | "RB" | "BI" | "IB" | "IR" | "RI", rest)) => plain(&arguments(rest).concat()),
            Some(("B" | "I", rest)) => plain(&arguments(rest).join(" ")),
            Some(("TP" | "TS" | "IP" | "RS" | "nf" | "EX" | "in", _)) => break,
            Some(_) => continue,
        };
        out.push_str(&text);
        out.push(' ');
    }
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    (!out.is_empty()).then_some(out)
}

/// A macro's arguments. Quotes group words.
fn arguments(rest: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in rest.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

/// The text without roff's escapes.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut chars = rest.chars();
        let skip = match chars.next() {
            Some('f') => 2,
            Some('-') => {
                out.push('-');
                1
            }
            Some('e') => {
                out.push('\\');
                1
            }
            Some('[') => match rest.find(']') {
                Some(end) => {
                    out.push_str(match &rest[1..end] {
                        "aq" => "'",
                        "dq" | "lq" | "rq" => "\"",
                        "ha" => "^",
                        "ti" => "~",
                        "->" => "->",
                        _ => "",
                    });
                    end + 1
                }
                None => 1,
            },
            Some('(') => {
                out.push_str(match rest.get(1..3) {
                    Some("aq") => "'",
                    Some("dq" | "lq" | "rq") => "\"",
                    Some("em") => "-",
                    _ => "",
                });
                3
            }
            Some(c) => c.len_utf8(),
            None => 0,
        };
        rest = rest.get(skip..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = ".\\\" Copyright 1993 David Metcalfe (david@prism.demon.co.uk)\n.\\\"\n.\\\" SPDX-License-Identifier: Linux-man-pages-copyleft\n.TH strstr 3\n.SH NAME\nstrstr, strcasestr \\- locate a substring\n.SH SYNOPSIS\n.B no\n.SH DESCRIPTION\nThe\n.BR strstr ()\nfunction finds the first occurrence of the substring\n.I needle\nin the string\n.IR haystack .\nThe terminating null bytes (\\[aq]\\e0\\[aq]) are not compared, and that is all there is to say about it.\n.PP\nMore.\n.SH SEE ALSO\n";

    #[test]
    fn a_page_becomes_a_document_of_its_author() {
        let d = document("strstr.3", PAGE).unwrap();
        assert_eq!((d.author.as_str(), d.licence.as_str()), ("David Metcalfe", "Linux-man-pages-copyleft"));
        assert!(d.text.starts_with("strstr(3) - locate a substring. The strstr() function finds"), "{}", d.text);
        assert!(d.text.contains("('\\0') are not compared"), "{}", d.text);
        assert!(!d.text.contains("More."));
    }

    #[test]
    fn years_lists_and_addresses_are_not_names() {
        let of = |l: &str| author(&format!(".\\\" {l}\n"));
        assert_eq!(
            of("Copyright (c) 1992 Drew Eckhardt (drew@cs.colorado.edu), March 28, 1992"),
            Some("Drew Eckhardt".into())
        );
        assert_eq!(of("Copyright (C) 2006, 2014 Michael Kerrisk"), Some("Michael Kerrisk".into()));
        assert_eq!(of("Copyright 2002 Walter Harms <walter.harms@example.org>"), Some("Walter Harms".into()));
        assert_eq!(of("nothing here"), None);
    }
}
