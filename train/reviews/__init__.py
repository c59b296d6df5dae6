"""The movie reviews: the Large Movie Review Dataset of Maas et al., found or downloaded, parsed once and cached."""
