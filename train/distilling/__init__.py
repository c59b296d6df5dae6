"""Learning from unlabelled texts: vectors of texts, a teacher that labels them, and the student that learns from it."""
