//! The JSON Schemas of the two files, for editors.
//!
//! **Invariant:** they say no more than the reader: a file that the reader takes is valid under them.

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
    // OK: a JSON value with keys of text always has a text.
    let mut text = serde_json::to_string_pretty(schema.as_value()).unwrap_or_default();
    text.push('\n');
    text
}
