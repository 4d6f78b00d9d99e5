//! The page that teaches the language, and the JSON Schemas beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use extract::order::{self, Category, Clock, Code, Diagnostic, Format, LegalBasis, Role};

use crate::{GOOD, GOOD_PROVIDER, findings, run, with};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("orders")
}

#[test]
fn the_json_schemas_are_current() {
    for (file, schema) in
        [("order.schema.json", order::order_schema()), ("provider.schema.json", order::provider_schema())]
    {
        let path = folder().join(file);
        if std::env::var_os("EXTRACT_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == schema,
            "orders/{file} is not current. Write it with:\n\
             EXTRACT_WRITE_SCHEMAS=1 cargo test --test order_language the_json_schemas_are_current"
        );
    }
}

/// A fenced block of the page: what it is a part of, what it expects, and its text.
struct Block {
    kind: String,
    expected: Vec<String>,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (line, content) in page.lines().enumerate() {
        if inside && content == "```" {
            inside = false;
        } else if let Some(kind) = content.strip_prefix("```") {
            let kind = kind.strip_prefix("toml ").unwrap_or_else(|| panic!("line {}: a block is toml KIND", line + 1));
            blocks.push(Block { kind: kind.to_owned(), expected: Vec::new(), text: String::new(), line: line + 1 });
            inside = true;
        } else if inside {
            let block = blocks.last_mut().unwrap();
            if let Some(codes) = content.strip_prefix("# expect: ") {
                block.expected = codes.split_whitespace().map(str::to_owned).collect();
                block.expected.sort();
            }
            writeln!(block.text, "{content}").unwrap();
        }
    }
    assert!(!inside, "a block is not closed");
    blocks
}

/// A small order and provider file, with a block put in where it belongs.
fn completed(block: &Block) -> (String, String) {
    let mut order: toml::Table = toml::from_str(GOOD).unwrap();
    let mut provider: toml::Table = toml::from_str(GOOD_PROVIDER).unwrap();
    match block.kind.as_str() {
        "order-file" => return (block.text.clone(), GOOD_PROVIDER.to_owned()),
        "provider-file" => return (GOOD.to_owned(), block.text.clone()),
        _ => {}
    }
    let keys: toml::Table = toml::from_str(&block.text).unwrap_or_else(|error| panic!("line {}: {error}", block.line));
    let first = |file: &mut toml::Table, table: &str, keys: toml::Table| {
        file[table].as_array_mut().unwrap()[0].as_table_mut().unwrap().extend(keys);
    };
    match block.kind.as_str() {
        "order" => order["order"].as_table_mut().unwrap().extend(keys),
        "source" => first(&mut order, "source", keys),
        "clause" => {
            let clause = order["clause"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
            for key in ["identifiers", "with", "window", "limit"] {
                clause.remove(key);
            }
            let files = keys.get("take").and_then(toml::Value::as_str) == Some("files");
            if !files
                && !["identifiers", "with", "rows", "window", "everything"].iter().any(|key| keys.contains_key(*key))
            {
                clause.insert("everything".to_owned(), true.into());
            }
            clause.extend(keys);
        }
        "provider" => provider.extend(keys),
        "provider-source" => first(&mut provider, "source", keys),
        "withhold" => first(&mut provider, "withhold", keys),
        other => panic!("line {}: what is {other}?", block.line),
    }
    (toml::to_string(&order).unwrap(), toml::to_string(&provider).unwrap())
}

#[test]
fn every_block_of_the_teaching_page_is_as_it_says() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() > 50, "{} blocks", blocks.len());
    for block in &blocks {
        let (order, provider) = completed(block);
        let found = findings(run(&order, Some(&provider)));
        // The words of the example are about other identifiers, unless a block has words of its own.
        let own_words = block.text.contains("text = ");
        let counts =
            |one: &&Diagnostic| own_words || !matches!(one.code, Code::IdentifierNotInText | Code::DateNotInText);
        let mut seen: Vec<&str> = found.iter().filter(counts).map(|one| one.code.name()).collect();
        seen.sort_unstable();
        assert_eq!(seen, block.expected, "orders/README.md, line {}:\n{}{found:#?}", block.line, block.text);
        if seen.is_empty() {
            // The schemas take it too.
            toml::from_str::<order::wire::OrderFile>(&order).unwrap();
            toml::from_str::<order::wire::ProviderFile>(&provider).unwrap();
        }
    }
}

#[test]
fn the_teaching_page_leaves_out_no_key_no_name_and_no_code() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let text: String = blocks(&page).into_iter().map(|block| block.text).collect();
    for schema in [order::order_schema(), order::provider_schema()] {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let tables = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for key in tables.filter_map(|table| table["properties"].as_object()).flat_map(|keys| keys.keys()) {
            let shown = text.contains(&format!("{key} = "))
                || text.contains(&format!("[[{key}]]"))
                || text.contains(&format!("[{key}]"));
            assert!(shown, "no example has `{key}`");
        }
    }
    let names = Code::ALL.iter().map(|code| code.name());
    let names = names.chain(LegalBasis::ALL.iter().map(|basis| basis.name()));
    let names = names.chain(Category::ALL.iter().map(|category| category.name()));
    let names = names.chain(Format::ALL.iter().map(|format| format.name()));
    let names = names.chain(Role::ALL.iter().map(|role| role.name()));
    for name in names.chain(Clock::ALL.iter().map(|clock| clock.name())) {
        assert!(page.contains(&format!("`{name}`")), "the page does not name `{name}`");
    }
}

#[test]
fn what_the_reader_refuses_as_unknown_the_schemas_refuse_too() {
    for (changes, wire) in
        [("[order]\n", true), ("name = \"mail01\"\n", true), ("id = \"3a\"\n", true), ("limit = { ", false)]
    {
        let key = if wire { format!("{changes}colour = 3\n") } else { format!("{changes}colour = 3, ") };
        let text = with(GOOD, &[(changes, &key)]);
        assert_eq!(findings(run(&text, Some(GOOD_PROVIDER)))[0].code, Code::UnknownKey, "{text}");
        assert!(toml::from_str::<order::wire::OrderFile>(&text).is_err(), "{text}");
    }
}
