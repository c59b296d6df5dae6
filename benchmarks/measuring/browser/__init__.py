"""A real browser, the server of its pages, and pages that are measured."""
