"""What is settled before streaming: the first batch, the top layer, which weight acts where, k, tokens."""
