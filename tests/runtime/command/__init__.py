"""Tests of the command line. They need the standard library only."""
