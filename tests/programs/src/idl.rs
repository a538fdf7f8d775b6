//! Reads the committed interface descriptions (`app-sdk/idl`), so that tests cover everything in them without naming
//! it.

use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs, ops::Range};

/// A program's interface description.
#[derive(Deserialize)]
pub struct Idl {
    /// The program's address.
    pub address: String,
    /// About the program.
    pub metadata: Metadata,
    /// Its instructions.
    pub instructions: Vec<Instruction>,
    /// Types that arguments are made of.
    pub types: Vec<TypeDefinition>,
}

/// About a program.
#[derive(Deserialize)]
pub struct Metadata {
    /// Its name.
    pub name: String,
}

/// An instruction.
#[derive(Deserialize)]
pub struct Instruction {
    /// Its name.
    pub name: String,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// Its arguments.
    pub args: Vec<Field>,
}

/// An account of an instruction.
#[derive(Clone, Default, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Whether it must be writable.
    #[serde(default)]
    pub writable: bool,
    /// Whether it must sign.
    #[serde(default)]
    pub signer: bool,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
}

/// An argument, or a field of a struct.
#[derive(Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Value,
}

/// A type of the program's own.
#[derive(Deserialize)]
pub struct TypeDefinition {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub body: Value,
}

/// The meaning of a number in instruction data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// An integer of the arguments.
    Integer,
    /// The length of a list or string, the variant of an enum, or the tag of an option or boolean.
    Tag,
}

/// A number in instruction data.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its path in the arguments, such as `args.compute[0].amount`.
    pub path: String,
    /// The range of its bytes in the data, little-endian.
    pub at: Range<usize>,
    /// What it is.
    pub holds: Holds,
}

/// Every committed description, by program.
pub fn all() -> BTreeMap<String, Idl> {
    let folder = crate::folder().join("../../app-sdk/idl");
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files
        .map(|file| file.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a description can be read");
            let idl: Idl = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (idl.metadata.name.clone(), idl)
        })
        .collect()
}

impl Idl {
    /// The instruction of this name.
    pub fn instruction(&self, name: &str) -> &Instruction {
        self.instructions.iter().find(|i| i.name == name).unwrap_or_else(|| {
            panic!("{} has no instruction {name}: `cargo xtask idl` writes the descriptions", self.metadata.name)
        })
    }

    /// Every number in `data`, which is the instruction's data with its discriminator.
    pub fn numbers(&self, instruction: &Instruction, data: &[u8]) -> Vec<Number> {
        let mut walk = Walk { idl: self, data, at: 8, found: vec![] };
        for arg in &instruction.args {
            walk.value(&arg.kind, &arg.name);
        }
        assert_eq!(walk.at, data.len(), "{}: the description fits the data", instruction.name);
        walk.found
    }
}

/// A walk through Borsh bytes along their types.
struct Walk<'a> {
    idl: &'a Idl,
    data: &'a [u8],
    at: usize,
    found: Vec<Number>,
}

impl Walk<'_> {
    fn number(&mut self, size: usize, path: &str, holds: Holds) -> u64 {
        let at = self.at..self.at + size;
        let value = self.data[at.clone()].iter().rev().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
        self.found.push(Number { path: path.into(), at: at.clone(), holds });
        self.at = at.end;
        value
    }

    fn value(&mut self, kind: &Value, path: &str) {
        if let Some(name) = kind.as_str() {
            return self.primitive(name, path);
        }
        let object = kind.as_object().expect("a type is a name or an object");
        let (shape, inner) = object.iter().next().expect("a type says what it is");
        match shape.as_str() {
            "vec" => {
                let count = self.number(4, &format!("{path}.length"), Holds::Tag);
                self.elements(inner, count, path);
            }
            "array" => self.elements(&inner[0], inner[1].as_u64().expect("an array's length"), path),
            "option" => {
                if self.number(1, &format!("{path}.option"), Holds::Tag) == 1 {
                    self.value(inner, path);
                }
            }
            "defined" => self.defined(inner["name"].as_str().expect("a type's name"), path),
            other => panic!("{path}: types of kind {other} are not read yet"),
        }
    }

    fn primitive(&mut self, name: &str, path: &str) {
        match name {
            "bool" => drop(self.number(1, path, Holds::Tag)),
            "pubkey" => self.at += 32,
            "string" | "bytes" => {
                self.at += self.number(4, &format!("{path}.length"), Holds::Tag) as usize;
            }
            _ => {
                let bits: usize = name[1..].parse().unwrap_or_else(|_| panic!("{path}: {name} is not read yet"));
                self.number(bits / 8, path, Holds::Integer);
            }
        }
    }

    /// Skips hashes and other byte arrays, whose values have no meaningful extremes.
    fn elements(&mut self, inner: &Value, count: u64, path: &str) {
        if inner == "u8" {
            self.at += count as usize;
            return;
        }
        for i in 0..count {
            self.value(inner, &format!("{path}[{i}]"));
        }
    }

    fn defined(&mut self, name: &str, path: &str) {
        let idl = self.idl;
        let definition = idl.types.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("{name} is not described"));
        let body = &definition.body;
        if body["kind"] == "enum" {
            let variant = self.number(1, &format!("{path}.variant"), Holds::Tag) as usize;
            return self.fields(&body["variants"][variant]["fields"], path);
        }
        self.fields(&body["fields"], path);
    }

    fn fields(&mut self, fields: &Value, path: &str) {
        for (i, field) in fields.as_array().into_iter().flatten().enumerate() {
            match field.get("type") {
                Some(kind) => self.value(kind, &format!("{path}.{}", field["name"].as_str().unwrap_or("?"))),
                None => self.value(field, &format!("{path}.{i}")),
            }
        }
    }
}
