//! The rooms of the operator's node: each row of the architecture's table stands on the rows above it.

use std::{collections::BTreeMap, path::Path};

use crate::{
    document::{root, table},
    files::Files,
};

#[test]
fn no_room_of_the_node_imports_one_above_or_beside_it() {
    let source = root().join("oracle/node/src");
    let floors: BTreeMap<String, usize> = table("room of the node")
        .into_iter()
        .enumerate()
        .flat_map(|(floor, (rooms, _))| {
            rooms.into_iter().map(move |room| (room.trim_end_matches('/').to_owned(), floor))
        })
        .collect();
    let room = |file: &Path| -> String {
        let inside = file.strip_prefix(&source).expect("a file of the node");
        inside.components().next().expect("a file has a name").as_os_str().to_string_lossy().into_owned()
    };
    let mut wrong = Vec::new();
    for (from, to) in Files::read(&source.join("main.rs")).imports() {
        let (from_room, to_room) = (room(&from), room(&to));
        let floor = |room: &str| *floors.get(room).unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for {room}"));
        if from_room != to_room && floor(&to_room) >= floor(&from_room) {
            wrong.push(format!("{} imports {}", from.display(), to.display()));
        }
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, rooms of the node:\n{}", wrong.join("\n"));
}
