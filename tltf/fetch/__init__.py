"""Files from elsewhere: cache folder, downloads, archives, foreign weights."""
