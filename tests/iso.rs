//! ISO 9660 and squashfs: every way in which the tools make an image of the small tree gives the tree.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/row/mod.rs"]
mod row;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::fs;

#[test]
fn every_disc_and_every_packed_tree_gives_the_tree() {
    let mut wrong = Vec::new();
    for row in row::rows().filter(|row| ["squashfs", "iso9660"].contains(&row.name)) {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let (folder, own) = (scratch.path().join("tree"), scratch.path().join("own"));
        fs::create_dir(&folder).and_then(|()| fs::create_dir(&own)).expect("folders");
        let expected = tree::build_without(&folder, row.lacks);
        if let Err(cannot) = (row.make)(&folder, &own.join("image")) {
            cannot.say(row.what);
            continue;
        }
        let location = (row.location)(own.join("image"), scratch.path().to_owned());
        let (source, scope) = match reach::open_at(&location) {
            Ok(opened) => opened,
            Err(error) => {
                wrong.push(format!("{}: {error}", row.what));
                continue;
            }
        };
        let reached = reach::reach(&source, &scope);
        if !reached.unlisted.is_empty() {
            wrong.push(format!("{}: not listed: {:?}", row.what, reached.unlisted.values().next()));
        }
        for (path, (kind, content)) in &expected {
            let content = content.as_ref().map(|content| Ok((content.len() as u64, tree::digest(content))));
            match reached.items.get(path) {
                Some(item) if item.kind == *kind && item.content == content => {}
                other => wrong.push(format!("{}: {}: {other:?}", row.what, path.escape_ascii())),
            }
        }
        let more = reached.items.len().saturating_sub(expected.len() + row.extra.len());
        if more > 0 {
            wrong.push(format!("{}: {more} more than there should be", row.what));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n"));
}
