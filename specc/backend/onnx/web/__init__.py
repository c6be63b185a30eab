"""A trained network as a web page that needs no server and no network."""
