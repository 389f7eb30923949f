"""From finished statistics to rows, spectra and intervals."""
