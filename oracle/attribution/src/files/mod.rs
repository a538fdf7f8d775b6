//! The files of this crate: how they begin, how they are published and how they are read.

pub(crate) mod format;
pub(crate) mod mapped;
pub(crate) mod partial;
pub(crate) mod preface;
