"""Language models trained on plain text, one file each."""
