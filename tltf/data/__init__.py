"""From records to batches: splits, checks, pipelines, feature cache."""
