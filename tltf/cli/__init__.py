"""Commands, one file each: flags in, one call, one answer out."""
