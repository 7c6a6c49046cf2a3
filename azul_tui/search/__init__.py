"""Tree search over many games at once, for any network: the network is a callable."""
