"""Where the catalog's measures come from."""

DEEP = "Rangamani & Unal, arXiv 2603.23805"
POSTER = "Rangamani & Unal, poster"
TOP = "Andriopoulos et al., arXiv 2409.04180"
PAPYAN = "Papyan, Han & Donoho, PNAS 2020"
TIRER = "Tirer & Bruna, ICML 2022"
