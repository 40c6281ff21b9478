//! What state belongs to: ids of operators in pipelines, helpers and stages.
