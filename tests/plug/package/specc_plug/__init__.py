"""Words for specc that come with a package."""
