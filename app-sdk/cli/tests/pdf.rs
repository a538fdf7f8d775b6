//! PDF files of strangers: what can be read is read, and what is made to do harm does none.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

/// A PDF of one page that draws with these operators, and has a form F with these of its own.
fn pdf(operators: &str, form: &str) -> Vec<u8> {
    let resources = "/Resources << /Font << /F1 4 0 R >> /XObject << /F 6 0 R >> >>";
    let stream =
        |entries: &str, text: &str| format!("<< {entries} /Length {} >>\nstream\n{text}\nendstream", text.len());
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 5 0 R {resources} >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        stream("", operators),
        stream(&format!("/Type /XObject /Subtype /Form /BBox [0 0 300 200] {resources}"), form),
    ];
    let (mut file, mut places) = (b"%PDF-1.4\n".to_vec(), Vec::new());
    for (object, number) in objects.iter().zip(1..) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let table = file.len();
    file.extend(b"xref\n0 7\n0000000000 65535 f \n");
    places.iter().for_each(|at| file.extend(format!("{at:010} 00000 n \n").bytes()));
    file.extend(format!("trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").bytes());
    file
}

fn read(bytes: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openledger"));
    command.arg("read-pdf").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap()
}

/// What `contribute` says of a folder in which it finds no document.
fn told(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openledger"));
    command.env_clear().env("HOME", folder).env("OPENLEDGER_RPC", "http://127.0.0.1:9").arg("contribute").arg(folder);
    let output = command.args(["--datanet", "11111111111111111111111111111112"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    told
}

#[test]
fn the_text_of_a_page_and_its_forms_is_read() {
    let output = read(&pdf("BT /F1 12 Tf 20 100 Td (Bread needs salt.) Tj ET", ""));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "Bread needs salt.");
    let output = read(&pdf("/F Do", "BT /F1 12 Tf 20 100 Td (So does a form.) Tj ET"));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "So does a form.");
}

#[test]
fn a_pdf_that_does_harm_or_holds_nothing_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("a-draws-itself.pdf", &pdf("/F Do", "/F Do"));
    write("b-scan.pdf", &pdf("0 0 10 10 re f", ""));
    write("c-no.pdf", b"%PDF-1.4 and nothing");
    write("d.bin", &[0xff]);
    let told = told(folder.path());
    for line in [
        "a-draws-itself.pdf: its PDF does not read within the memory and time",
        "b-scan.pdf: its PDF holds no text: if it is a scan",
        "c-no.pdf: its PDF does not read: ",
        "d.bin: it is not UTF-8",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_that_reads_has_little_memory() {
    // More than it may have, and it must read everything first.
    let mut command = Command::new(env!("CARGO_BIN_EXE_openledger"));
    let mut child = command.arg("read-pdf").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.as_mut().unwrap();
    let mut input = child.stdin.take().unwrap();
    let block = vec![b' '; 1 << 20];
    let taken = (0..1_100).take_while(|_| input.write_all(&block).is_ok()).count();
    drop(input);
    assert!(!child.wait().unwrap().success() && taken < 1_100, "{taken} MiB");
}
