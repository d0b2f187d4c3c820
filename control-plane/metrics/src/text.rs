//! The text that is served, in both formats that scrapers ask for.
//!
//! The encoder of `prometheus-client` writes OpenMetrics 1.0. What does not ask for that gets the older text format
//! (version 0.0.4), which differs in three places: `_total` and `_info` are part of the metric's name, there are no
//! units, and no end mark.

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::BoxSnapshot;
use crate::export::Exported;

/// How metrics are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The Prometheus text format 0.0.4.
    Classic,
}

impl Format {
    /// What a scraper wants, from its `Accept` header.
    pub fn wanted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Classic }
    }

    /// The `Content-Type` of the answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// All metrics of a box.
pub fn render(snapshot: &BoxSnapshot, format: Format) -> String {
    let mut registry = Registry::with_prefix("repute");
    registry.register_collector(Box::new(Exported(snapshot.clone())));
    let mut text = String::new();
    // Writing to a string cannot fail, and encoding fails for nothing else.
    let _ = encode(&mut text, &registry);
    match format {
        Format::OpenMetrics => text,
        Format::Classic => to_classic(&text),
    }
}

fn to_classic(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    let mut help = "";
    let mut put = |parts: &[&str]| {
        parts.iter().for_each(|part| classic.push_str(part));
        classic.push('\n');
    };
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            put(&["# HELP ", name, suffix, " ", help]);
            put(&["# TYPE ", name, suffix, " ", kind]);
        } else if !line.starts_with("# UNIT ") && line != "# EOF" {
            put(&[line]);
        }
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrapers_get_what_they_ask_for() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::wanted(prometheus), Format::OpenMetrics);
        assert_eq!(Format::wanted("*/*"), Format::Classic);
    }

    #[test]
    fn the_older_format_names_what_it_shows() {
        let open = "# HELP a_seconds What a is.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
                    a_seconds_total{x=\"# EOF\"} 1\n# HELP b What.\n# TYPE b info\nb_info{v=\"1\"} 1\n# EOF\n";
        let classic = "# HELP a_seconds_total What a is.\n# TYPE a_seconds_total counter\n\
                       a_seconds_total{x=\"# EOF\"} 1\n# HELP b_info What.\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n";
        assert_eq!(to_classic(open), classic);
    }
}
