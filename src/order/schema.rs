//! The JSON Schemas of the two files, for editors.
//!
//! **Invariant:** they say no more than the reader: a file that the reader takes is valid under them.

use serde_json::Value;

use super::wire;

/// The JSON Schema of an order, as it stands in `orders/order.schema.json`.
pub fn order_schema() -> String {
    text(&schemars::schema_for!(wire::OrderFile))
}

/// The JSON Schema of a provider file, as it stands in `orders/provider.schema.json`.
pub fn provider_schema() -> String {
    text(&schemars::schema_for!(wire::ProviderFile))
}

fn text(schema: &schemars::Schema) -> String {
    let mut value = schema.as_value().clone();
    without_null(&mut value);
    // OK: a JSON value with keys of text always has a text.
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// TOML has no null: a key that may be missing is not a key that may be null.
fn without_null(value: &mut Value) {
    let is_null =
        |one: &Value| [Some(one), one.get("type")].into_iter().flatten().any(|one| one.as_str() == Some("null"));
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(members) => {
            members.values_mut().for_each(without_null);
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|one| !is_null(one));
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    members.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|one| !is_null(one));
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    members.remove("anyOf");
                    members.extend(one);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::key::{self, Keys};
    use super::super::{Category, Clock, Format, LegalBasis, Role, TimeUnit};
    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn keys(table: &Value) -> BTreeSet<&str> {
        assert_eq!(table["additionalProperties"], Value::Bool(false), "unknown keys are errors");
        table["properties"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_schemas_and_the_reader_know_the_same_keys() {
        let (order, provider) = (parsed(&order_schema()), parsed(&provider_schema()));
        let tables: [(&Value, &str, &Keys); 14] = [
            (&order, "", &key::ORDER_FILE),
            (&order, "Head", &key::ORDER),
            (&order, "Disclose", &key::DISCLOSE),
            (&order, "Source", &key::SOURCE),
            (&order, "Clause", &key::CLAUSE),
            (&order, "Target", &key::IDENTIFIER),
            (&order, "Rows", &key::ROWS),
            (&order, "Cell", &key::CELL),
            (&order, "Window", &key::WINDOW),
            (&order, "Limit", &key::LIMIT),
            (&provider, "", &key::PROVIDER_FILE),
            (&provider, "ProviderSource", &key::PROVIDER_SOURCE),
            (&provider, "Withhold", &key::WITHHOLD),
            (&provider, "WithheldIdentifier", &key::WITHHELD_IDENTIFIER),
        ];
        for (schema, name, known) in tables {
            let table = if name.is_empty() { schema } else { &schema["$defs"][name] };
            assert_eq!(keys(table), known.known.iter().copied().collect(), "{name}");
        }
        // No table of the schemas is left out above.
        let count = |schema: &Value| {
            let definitions = schema["$defs"].as_object().unwrap().values();
            definitions.filter(|one| one.get("properties").is_some()).count()
        };
        assert_eq!(count(&order) + count(&provider) + 2, tables.len());
    }

    #[test]
    fn the_schemas_and_the_language_know_the_same_names() {
        let order = parsed(&order_schema());
        let names = |table: &str| -> Vec<String> {
            let values = order["$defs"][table]["enum"].as_array().unwrap().iter();
            values.map(|value| value.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("LegalBasis"), LegalBasis::ALL.map(LegalBasis::name));
        assert_eq!(names("Category"), Category::ALL.map(Category::name));
        assert_eq!(names("Format"), Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>());
        assert_eq!(names("Role"), Role::ALL.map(Role::name));
        assert_eq!(names("Clock"), Clock::ALL.map(Clock::name));
        assert_eq!(names("TimeUnit"), TimeUnit::ALL.map(TimeUnit::name));
        assert_eq!(names("Take"), ["files", "records"]);
    }

    #[test]
    fn every_key_is_described() {
        for schema in [parsed(&order_schema()), parsed(&provider_schema())] {
            assert!(!schema.to_string().contains("null"), "TOML has no null");
            let definitions = schema["$defs"].as_object().unwrap().values();
            for table in definitions.chain([&schema]) {
                for (key, value) in table["properties"].as_object().into_iter().flatten() {
                    assert!(value["description"].is_string(), "{key}");
                }
            }
        }
    }
}
